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
from benchmarks.stage import Stage, order
from tests.processes import ROOT

POLL_EVERY_S = 0.01
PATIENCE_S = 30


@dataclass(frozen=True, slots=True)
class Visit:
    port: int
    key: str
    per_second: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds, sorted: as the client saw it, and between `created_at` and `finished_at` of the rows."""

    client_ms: list[float]
    database_ms: list[float]


def measure(stage: Stage, *, per_second: float, seconds: float) -> Latencies:
    seat = stage.seats[0]
    (newest,) = _row(stage, "SELECT COALESCE(max(id), 0) FROM generations_generation")
    visit = Visit(stage.port, seat.secret, per_second, seconds)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.latency"],
        cwd=ROOT,
        input=json.dumps(asdict(visit)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + PATIENCE_S + 30,
    )
    rows = stage.connection.execute(
        "SELECT 1000 * EXTRACT(EPOCH FROM finished_at - created_at) FROM generations_generation"
        " WHERE id > %s AND organization_id = %s AND status = 'succeeded' ORDER BY 1",
        (newest, seat.organization),
    ).fetchall()
    return Latencies(sorted(json.loads(done.stdout)), [float(ms) for (ms,) in rows])


def percentile(values: list[float], percent: int) -> float:
    """Of sorted values."""
    return values[min(len(values) - 1, len(values) * percent // 100)]


def _row(stage: Stage, query: str) -> tuple[int, ...]:
    row = stage.connection.execute(query).fetchone()
    if row is None:
        raise LookupError(query)
    return row


# --- In its own process --------------------------------------------------------------------------


class Connections:
    """Kept-alive connections, as many as are in use at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: str) -> dict[str, str]:
        """`data` of the answer."""
        pair = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = pair
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        answer = json.loads(await reader.readexactly(length))
        self._idle.append(pair)
        if answer["code"] != 200:
            raise RuntimeError(f"The shop answered {answer}")
        data: dict[str, str] = answer["data"]
        return data


async def visit(plan: Visit) -> list[float]:
    connections = Connections(plan.port)
    began = time.perf_counter()
    orders = []
    for number in range(int(plan.per_second * plan.seconds)):
        await asyncio.sleep(max(0.0, began + number / plan.per_second - time.perf_counter()))
        orders.append(asyncio.create_task(_one_order(connections, plan.key)))
    return list(await asyncio.gather(*orders))


async def _one_order(connections: Connections, key: str) -> float:
    began = time.perf_counter()
    task = (await connections.ask(load.post(key, order())))["task_id"]
    poll = load.get(f"/api/status?task_id={task}", {"Authorization": f"Bearer {key}"})
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
