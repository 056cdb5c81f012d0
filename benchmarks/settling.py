"""Accepted to settled: how fast workers drain a backlog, and how fast they settle while orders keep coming."""

from dataclasses import dataclass

from benchmarks import load
from benchmarks.stage import Stage, alternately, order
from tests.waiting import wait_until

FILL_CLIENTS = 4
DRAIN_PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Settled:
    """`per_second` of orders settled; `accepted_per_second` meanwhile, 0 when a backlog was drained."""

    orders: int
    per_second: float
    accepted_per_second: float


def drain(stage: Stage, size: str, count: int) -> Settled:
    """At least `count` orders that were accepted while the workers were paused."""
    scripts = [[load.post(seat.secret, order(size))] for seat in alternately(stage.seats, FILL_CLIENTS)]
    newest = _newest(stage)
    with stage.workers_paused():
        while _open(stage) < count:
            load.run(stage.port, scripts, seconds=1, warm_up_s=0)
        stage.wait_until_quiet()
    wait_until(lambda: not _open(stage), "the backlog to be drained", timeout_s=DRAIN_PATIENCE_S)
    # From the first to the last: without the moment in which the workers wake up.
    row = stage.connection.execute(
        "SELECT count(*), EXTRACT(EPOCH FROM max(finished_at) - min(finished_at)) FROM generations_generation"
        " WHERE id > %s AND status = 'succeeded'",
        (newest,),
    ).fetchone()
    if row is None or not row[1]:
        raise RuntimeError("Nothing was settled.")
    return Settled(row[0], (row[0] - 1) / float(row[1]), 0.0)


def while_accepting(stage: Stage, size: str, clients: int, seconds: float) -> Settled:
    scripts = [[load.post(seat.secret, order(size))] for seat in alternately(stage.seats, clients)]
    newest = _newest(stage)
    load.run(stage.port, scripts, seconds)
    row = stage.connection.execute(
        "SELECT count(*), count(finished_at), EXTRACT(EPOCH FROM max(created_at) - min(created_at)),"
        " count(*) FILTER (WHERE finished_at <= (SELECT max(created_at) FROM generations_generation))"
        " FROM generations_generation WHERE id > %s",
        (newest,),
    ).fetchone()
    if row is None or not row[2]:
        raise RuntimeError("Nothing was accepted.")
    took_s = float(row[2])
    wait_until(lambda: not _open(stage), "the rest to be settled", timeout_s=DRAIN_PATIENCE_S)
    return Settled(row[3], row[3] / took_s, row[0] / took_s)


def _newest(stage: Stage) -> int:
    row = stage.connection.execute("SELECT COALESCE(max(id), 0) FROM generations_generation").fetchone()
    return int(row[0]) if row else 0


def _open(stage: Stage) -> int:
    row = stage.connection.execute(
        "SELECT count(*) FROM generations_generation WHERE status IN ('queued', 'running')"
    ).fetchone()
    return int(row[0]) if row else 0
