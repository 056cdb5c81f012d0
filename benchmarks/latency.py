"""`python -m benchmarks.latency`: the time from POST to SUCCESS at a steady, modest load, as a client sees it.

A process of its own; reads a Visit as JSON, writes the milliseconds of each order.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from benchmarks import load
from benchmarks.figures import Section, at_most
from benchmarks.plan import Plan
from benchmarks.stage import Stage, order
from tests.processes import ROOT

POLL_EVERY_S = 0.01
PATIENCE_S = 30
KEPT_ALIVE_S = 3.0


WORDS = """A steady load of small orders. `client`: from sending the POST to reading SUCCESS, polled
every 10 ms. `database`: from `created_at` to `finished_at` of the rows. The upstream answers at
once, so all of it is added by us."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Orders of `size`, `per_second` for so many `seconds`; each is polled until it has succeeded."""

    port: int
    key: str
    per_second: float
    seconds: float
    size: str = "256*256"


def section(stage: Stage, plan: Plan) -> Section:
    measure(stage, per_second=plan.steady_per_second, seconds=1)  # connections and code are warm then
    found = measure(stage, per_second=plan.steady_per_second, seconds=plan.steady_s)
    rows = [
        [
            name,
            f"{plan.steady_per_second:g}",
            str(len(values)),
            *(f"{percentile(values, at):.0f}" for at in (50, 90, 99)),
        ]
        for name, values in found.items()
    ]
    client = found["client"]
    goals = [
        at_most("time added from POST to SUCCESS, p50", percentile(client, 50), 50, " ms"),
        at_most("time added from POST to SUCCESS, p99", percentile(client, 99), 300, " ms"),
    ]
    columns = ["seen by", "orders/s", "orders", "p50 ms", "p90 ms", "p99 ms"]
    return Section("Time added", WORDS, columns, rows, goals)


def measure(stage: Stage, *, per_second: float, seconds: float) -> dict[str, list[float]]:
    """Milliseconds from POST to SUCCESS, sorted, as `client` and `database` see them."""
    seat = stage.seats[0]
    newest = stage.number("SELECT max(id) FROM generations_generation")
    seen = pay(Visit(stage.port, seat.secret, per_second, seconds))
    rows = stage.connection.execute(
        "SELECT 1000 * EXTRACT(EPOCH FROM finished_at - created_at) FROM generations_generation"
        " WHERE id > %s AND organization_id = %s AND status = 'succeeded' ORDER BY 1",
        (newest, seat.organization),
    ).fetchall()
    return {"client": sorted(seen), "database": [float(ms) for (ms,) in rows]}


def pay(visit: Visit) -> list[float]:
    """Milliseconds from POST to SUCCESS of each order, as its client saw it."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.latency"],
        cwd=ROOT,
        input=json.dumps(asdict(visit)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=visit.seconds + PATIENCE_S + 30,
    )
    times: list[float] = json.loads(done.stdout)
    return times


def percentile(values: list[float], percent: int) -> float:
    """Of sorted values."""
    return values[min(len(values) - 1, len(values) * percent // 100)]


# --- In its own process --------------------------------------------------------------------------


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Connections:
    """Kept-alive connections, as many as are in use at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[float, Pair]] = []  # since when

    async def ask(self, request: str) -> dict[str, str]:
        """`data` of the answer."""
        reader, writer = pair = await self._pair()
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        answer = json.loads(await reader.readexactly(length))
        self._idle.append((time.monotonic(), pair))
        if answer["code"] != 200:
            raise RuntimeError(f"The shop answered {answer}")
        data: dict[str, str] = answer["data"]
        return data

    async def _pair(self) -> Pair:
        while self._idle:
            since, pair = self._idle.pop()
            if time.monotonic() - since < KEPT_ALIVE_S:
                return pair
            pair[1].close()  # the shop may be closing it at this very moment
        return await asyncio.open_connection("127.0.0.1", self._port)


async def visit(given: Visit) -> list[float]:
    connections = Connections(given.port)
    began = time.perf_counter()
    orders = []
    for number in range(int(given.per_second * given.seconds)):
        await asyncio.sleep(max(0.0, began + number / given.per_second - time.perf_counter()))
        orders.append(asyncio.create_task(_one_order(connections, given)))
    return await asyncio.gather(*orders)


async def _one_order(connections: Connections, given: Visit) -> float:
    began = time.perf_counter()
    task = (await connections.ask(load.post(given.key, order(given.size))))["task_id"]
    poll = load.get(f"/api/status?task_id={task}", {"Authorization": f"Bearer {given.key}"})
    while time.perf_counter() < began + PATIENCE_S:
        status = (await connections.ask(poll))["status"]
        if status == "SUCCESS":
            return 1000 * (time.perf_counter() - began)
        if status != "IN_PROGRESS":
            raise RuntimeError(f"{task} ended as {status}")
        await asyncio.sleep(POLL_EVERY_S)
    raise TimeoutError(f"{task} did not end")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(visit(Visit(**json.load(sys.stdin))))))
