"""A past of many orders, by plain SQL and in a state that the audit finds right."""

from collections.abc import Sequence
from typing import Any

import psycopg

from benchmarks.rows import PRICE_CREDITS, Seat

OPEN_ROWS = 100
TABLES = (
    "generations_generation",
    "generations_attempt",
    "generations_image",
    "billing_ledgerentry",
    "billing_wallet",
    "billing_keyusage",
)
# Ids as the product's: they sort by age, before all that comes later. Of a hundred orders 90 succeed, 7 fail and 3
# are canceled; a tenth is the first seat's. No file is behind an image.
ENDED = """
INSERT INTO generations_generation (
    task_id, organization_id, key_id, model_id, livemode, n, price_credits, prompt, width, height, requested_seed,
    seed, output_format, status, progress, error_type, claim, submitted, rings, dispatch_after, deadline_at,
    created_at, started_at, finished_at, request_digest)
SELECT 'task_01J' || lpad(upper(to_hex(i)), 8, '0') || upper(left(md5(i::text || random()::text), 15)),
       s.organization, s.key, s.model, true, 1, %(price)s, 'a lighthouse at dusk, number ' || i, 1024, 1024, '-1',
       i %% 2147483647, 'jpeg', o.status, CASE o.status WHEN 'succeeded' THEN 100 ELSE 0 END,
       CASE o.status WHEN 'failed' THEN 'generation_failed' WHEN 'canceled' THEN 'canceled' ELSE '' END,
       1, true, 0, o.created_at + interval '5 s', o.created_at + interval '600 s', o.created_at,
       o.created_at + interval '100 ms', o.created_at + interval '1300 ms', md5(i::text) || md5((i + 1)::text)
FROM (
    SELECT i, now() - interval '20 days' * (1 - i / (%(count)s + 1.0)) AS created_at,
           CASE WHEN i %% 100 < 90 THEN 'succeeded' WHEN i %% 100 < 97 THEN 'failed' ELSE 'canceled' END AS status
    FROM generate_series(1, %(count)s) AS i
) o
JOIN bench_seat s ON s.number = CASE WHEN i / 100 %% 10 = 0 THEN 0 ELSE 1 + i / 7 %% %(others)s END
ORDER BY i
"""
# What is open is the same few rows, however long the past is: due in a day, so that nobody touches it.
OPEN = """
INSERT INTO generations_generation (
    task_id, organization_id, key_id, model_id, livemode, n, price_credits, prompt, width, height, requested_seed,
    output_format, status, progress, error_type, claim, submitted, rings, lease_until, dispatch_after, deadline_at,
    created_at, request_digest)
SELECT 'task_01K' || lpad(upper(to_hex(i)), 8, '0') || upper(left(md5(i::text || random()::text), 15)),
       %(organization)s, %(key)s, %(model)s, true, 1, %(price)s, 'a lighthouse tomorrow', 1024, 1024, '-1', 'jpeg',
       CASE WHEN i %% 2 = 0 THEN 'queued' ELSE 'running' END, 0, '', i %% 2, false, 0,
       CASE WHEN i %% 2 = 0 THEN NULL ELSE now() + interval '1 day' END,
       now() + interval '1 day', now() + interval '1 day', now(), md5(i::text) || md5((i + 1)::text)
FROM generate_series(1, %(open)s) AS i
"""
ATTEMPTS = """
INSERT INTO generations_attempt (
    generation_id, number, provider, upstream_task_id, submitted_at, finished_at, outcome, detail, cost_micros)
SELECT id, 1, 'sandbox', '', started_at, finished_at,
       CASE status WHEN 'succeeded' THEN 'ok' WHEN 'failed' THEN 'failed' ELSE 'unknown' END, '', 0
FROM generations_generation WHERE id > %(newest)s AND finished_at IS NOT NULL ORDER BY id
"""
IMAGES = """
INSERT INTO generations_image (
    public_id, generation_id, index, storage_key, content_type, width, height, byte_size, sha256, created_at)
SELECT 'img_' || substr(task_id, 6), id, 0, task_id || '/1/0.jpeg', 'image/jpeg', width, height, 183422,
       request_digest, finished_at
FROM generations_generation WHERE id > %(newest)s AND status = 'succeeded' ORDER BY id
"""
ENTRIES = """
INSERT INTO billing_ledgerentry (
    wallet_id, kind, available, held, owed, value_micros, reference, actor, created_at)
SELECT w.id, e.kind, e.available, e.held, 0, 0, 'generation:' || g.task_id, e.actor, e.created_at
FROM generations_generation g
JOIN billing_wallet w ON w.organization_id = g.organization_id
JOIN accounts_apikey k ON k.id = g.key_id
CROSS JOIN LATERAL (
    VALUES ('hold', -g.price_credits, g.price_credits, 'key:' || k.public_id, g.created_at),
           (CASE g.status WHEN 'succeeded' THEN 'capture' ELSE 'release' END,
            CASE g.status WHEN 'succeeded' THEN 0 ELSE g.price_credits END, -g.price_credits, 'system', g.finished_at)
) e (kind, available, held, actor, created_at)
WHERE g.id > %(newest)s AND e.created_at IS NOT NULL ORDER BY g.id
"""
SUMS = """
SELECT organization_id, key_id,
       sum(price_credits) FILTER (WHERE status = 'succeeded') AS spent,
       sum(price_credits) FILTER (WHERE finished_at IS NULL) AS held,
       count(*) FILTER (WHERE finished_at IS NULL) AS open
FROM generations_generation WHERE id > %(newest)s GROUP BY organization_id, key_id
"""
WALLETS = f"""
UPDATE billing_wallet w
SET available = available - COALESCE(g.spent, 0) - COALESCE(g.held, 0), held = w.held + COALESCE(g.held, 0),
    open_tasks = open_tasks + g.open
FROM ({SUMS}) g WHERE w.organization_id = g.organization_id
"""
KEY_USAGE = f"""
UPDATE billing_keyusage u
SET lifetime_credits = lifetime_credits + COALESCE(g.spent, 0) + COALESCE(g.held, 0), open_tasks = open_tasks + g.open
FROM ({SUMS}) g WHERE u.key_id = g.key_id
"""


def make(connection: "psycopg.Connection[Any]", seats: Sequence[Seat], bystander: Seat, count: int) -> None:
    """So many ended orders of `seats`, and a few open ones of `bystander`. Asked for while no order is made."""
    values: dict[str, Any] = {
        "count": count,
        "open": OPEN_ROWS,
        "price": PRICE_CREDITS,
        "others": len(seats) - 1,
    }
    values |= {"organization": bystander.organization, "key": bystander.key, "model": bystander.model}
    with connection.transaction():
        # Right by its making, and proven by the audit: a look-up for every foreign key would take minutes.
        connection.execute("SET LOCAL session_replication_role = replica")
        row = connection.execute("SELECT COALESCE(max(id), 0) FROM generations_generation").fetchone()
        values["newest"] = row[0] if row else 0
        connection.execute(
            "CREATE TEMP TABLE bench_seat (number int, organization bigint, key bigint, model bigint)"
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO bench_seat VALUES (%s, %s, %s, %s)",
                [(number, seat.organization, seat.key, seat.model) for number, seat in enumerate(seats)],
            )
        for statement in (ENDED, OPEN, ATTEMPTS, IMAGES, ENTRIES, WALLETS, KEY_USAGE):
            connection.execute(statement, values)
        connection.execute("DROP TABLE bench_seat")
    connection.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
    connection.execute("CHECKPOINT")
