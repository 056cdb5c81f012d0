"""`python -m benchmarks.raw_sql`: the transaction of an accept as bare statements, which is the limit.

It writes what generations.lifecycle and billing.ledger write for an order with a live key, in the same order, and
reads nothing of what they read before. A process of its own; reads a Load as JSON, writes a Count.
"""

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from benchmarks.rows import PRICE_CREDITS, Seat
from tests.processes import ROOT

INSERT_GENERATION = """
INSERT INTO generations_generation (
    task_id, organization_id, key_id, user_id, model_id, livemode, n, price_credits, prompt, aspect_ratio, width,
    height, requested_seed, seed, output_format, status, progress, error_type, claim, submitted, rings, lease_until,
    dispatch_after, deadline_at, created_at, started_at, finished_at, idempotency_key, request_digest, retry_of_id)
VALUES (
    %(task)s, %(organization)s, %(key)s, NULL, %(model)s, true, 1, %(price)s, %(prompt)s, NULL, %(width)s,
    %(height)s, '-1', NULL, 'jpeg', 'queued', 0, '', 0, false, 0, NULL,
    statement_timestamp() + interval '5 s', statement_timestamp() + interval '600 s', statement_timestamp(), NULL,
    NULL, NULL, %(digest)s, NULL)
RETURNING id
"""
INSERT_HOLD = """
INSERT INTO billing_ledgerentry (
    wallet_id, kind, available, held, owed, value_micros, reference, actor, created_at)
VALUES (%(wallet)s, 'hold', -%(price)s::bigint, %(price)s, 0, 0, %(reference)s, %(actor)s, statement_timestamp())
RETURNING id
"""
UPDATE_KEY_USAGE = """
UPDATE billing_keyusage SET
    open_tasks = open_tasks + 1,
    day = statement_timestamp()::date,
    day_credits = CASE WHEN day = statement_timestamp()::date THEN day_credits ELSE 0 END + %(price)s,
    month = date_trunc('month', statement_timestamp())::date,
    month_credits = CASE WHEN month = date_trunc('month', statement_timestamp())::date
                    THEN month_credits ELSE 0 END + %(price)s,
    lifetime_credits = lifetime_credits + %(price)s
WHERE key_id = %(key)s AND (open_limit IS NULL OR open_tasks < open_limit)
  AND (day_cap IS NULL OR day_cap >=
       CASE WHEN day = statement_timestamp()::date THEN day_credits ELSE 0 END + %(price)s)
  AND (month_cap IS NULL OR month_cap >=
       CASE WHEN month = date_trunc('month', statement_timestamp())::date
       THEN month_credits ELSE 0 END + %(price)s)
  AND (lifetime_cap IS NULL OR lifetime_cap >= lifetime_credits + %(price)s)
"""
UPDATE_WALLET = """
UPDATE billing_wallet
SET available = available - %(price)s, held = held + %(price)s, open_tasks = open_tasks + 1
WHERE id = %(wallet)s AND owed = 0 AND available >= %(price)s AND open_tasks < COALESCE(open_limit, 1000000)
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Connection i orders for seat i, and begins again at the first when there are fewer seats."""

    database_url: str
    seats: list[Seat]
    connections: int
    seconds: float
    warm_up_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Count:
    """Transactions committed in the `seconds` after the warm-up."""

    seconds: float
    commits: int

    @property
    def per_second(self) -> float:
        return self.commits / self.seconds


def run(
    database_url: str, seats: Sequence[Seat], connections: int, seconds: float, warm_up_s: float = 0.5
) -> Count:
    load = Load(database_url, list(seats), connections, seconds, warm_up_s)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.raw_sql"],
        cwd=ROOT,
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + warm_up_s + 60,
    )
    return Count(**json.loads(done.stdout))


def accept(connection: "psycopg.Connection[Any]", seat: Seat) -> None:
    """One order of 256x256 pixels, committed."""
    # Hexadecimal digits are among those of a task id, and the time in front lets indexes grow at their end.
    task = f"task_{time.time_ns():016X}{secrets.token_hex(5).upper()}"
    values = {
        **asdict(seat),
        "task": task,
        "reference": f"generation:{task}",
        "price": PRICE_CREDITS,
        "prompt": "a lighthouse at dusk",
        "width": 256,
        "height": 256,
        "digest": secrets.token_hex(32),
    }
    with connection.transaction():
        connection.execute(INSERT_GENERATION, values)
        connection.execute(INSERT_HOLD, values)
        connection.execute(UPDATE_KEY_USAGE, values)
        if connection.execute(UPDATE_WALLET, values).rowcount != 1:
            raise RuntimeError("The wallet refused.")


def drive(load: Load) -> Count:
    begin = time.perf_counter() + load.warm_up_s + 0.01 * load.connections
    end = begin + load.seconds
    counts = [0] * load.connections

    def work(number: int) -> None:
        seat = load.seats[number % len(load.seats)]
        with psycopg.connect(load.database_url, autocommit=True, prepare_threshold=0) as connection:
            while time.perf_counter() < end:
                accept(connection, seat)
                counts[number] += begin <= time.perf_counter() <= end

    threads = [threading.Thread(target=work, args=(number,)) for number in range(load.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Count(load.seconds, sum(counts))


if __name__ == "__main__":
    given: dict[str, Any] = json.load(sys.stdin)
    given["seats"] = [Seat(**seat) for seat in given["seats"]]
    sys.stdout.write(json.dumps(asdict(drive(Load(**given)))))
