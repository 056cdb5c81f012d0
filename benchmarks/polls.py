"""Status polls against a trivial view of one query, in the same web process."""

from collections.abc import Sequence

from benchmarks import load
from benchmarks.rounds import Comparison, compare
from benchmarks.stage import Stage, order
from tests.waiting import wait_until

TASKS = 200


def open_tasks(stage: Stage) -> list[str]:
    """Ids of tasks of the hot seat that stay queued: workers must be paused."""
    return _ordered(stage, "queued")


def finished_tasks(stage: Stage) -> list[str]:
    """Ids of tasks of the hot seat that have succeeded: workers must run."""
    return _ordered(stage, "succeeded")


def _ordered(stage: Stage, status: str) -> list[str]:
    seat = stage.seats[0]
    script = [load.post(seat.secret, order())]

    def found() -> list[str]:
        rows = stage.connection.execute(
            "SELECT task_id FROM generations_generation WHERE organization_id = %s AND status = %s"
            " ORDER BY id DESC LIMIT %s",
            (seat.organization, status, TASKS),
        ).fetchall()
        return [task for (task,) in rows] if len(rows) == TASKS else []

    while not (tasks := found()):
        load.run(stage.port, [script] * 4, seconds=1)
        wait_until(lambda: found() or _is_done(stage), "orders to be made", timeout_s=60)
    return tasks


def _is_done(stage: Stage) -> bool:
    row = stage.connection.execute(
        "SELECT NOT EXISTS (SELECT 1 FROM generations_generation WHERE status = 'running')"
    ).fetchone()
    return bool(row and row[0])


def measure(stage: Stage, tasks: Sequence[str], clients: int, *, rounds: int, seconds: float) -> Comparison:
    """Per second. `tasks` are of the hot seat."""
    key = {"Authorization": f"Bearer {stage.seats[0].secret}"}
    status = [load.get(f"/api/status?task_id={task}", key) for task in tasks]
    trivial = [load.get(f"/api/trivial?task_id={task}", {}) for task in tasks]

    def side(script: list[str]) -> tuple[float, dict[str, int]]:
        answers = load.run(stage.port, [script] * clients, seconds)
        return answers.per_second, answers.refused

    return compare(lambda: side(status), lambda: side(trivial), rounds)
