"""Status polls against a trivial view of one query, in the same web process."""

from collections.abc import Sequence

from benchmarks import load
from benchmarks.figures import Goal, Section, at_least, together
from benchmarks.plan import GOAL_CLIENTS, Plan
from benchmarks.rounds import Comparison, compare
from benchmarks.rows import Seat
from benchmarks.stage import Stage, order
from tests.waiting import wait_until

TASKS = 200
WORDS = """Polls per second of /api/status, and of a trivial Django REST framework view in the same
web processes, behind sessions, messages and so on, and with a thread for each request, as in any project:
no key, no limit, one query.
A finished task has links to sign, of images that it looks up."""


def section(stage: Stage, plan: Plan) -> Section:
    rows: list[list[str]] = []
    goals: list[Goal] = []
    refused: dict[str, int] = {}
    seat = stage.seats[0]
    make_orders(stage, seat)
    wait_until(lambda: len(tasks_of(stage, seat, "succeeded")) == TASKS, "images to be made", timeout_s=60)
    finished = tasks_of(stage, seat, "succeeded")
    with stage.workers_paused():
        make_orders(stage, seat)
        for state, tasks in (("open", tasks_of(stage, seat, "queued")), ("finished", finished)):
            for clients in plan.clients:
                found = measure(
                    stage, seat, tasks, clients, rounds=plan.rounds_at(clients), seconds=plan.seconds
                )
                refused = together(refused, found.refused)
                rows.append(
                    [str(clients), state, f"{found.ours:.0f}", f"{found.other:.0f}", f"{found.ratio:.2f}"]
                )
                if clients == GOAL_CLIENTS:
                    name = f"polls of {state} tasks, of a trivial view, {clients} clients"
                    goals.append(at_least(name, found.ratio, 0.6, digits=2))
        stage.clear()
    columns = ["clients", "task", "polls/s", "trivial view/s", "ratio"]
    return Section("Polling", WORDS, columns, rows, goals, refused)


def make_orders(stage: Stage, seat: Seat) -> None:
    """At least TASKS more."""
    script = [load.post(seat.secret, order())]
    made = 0
    while made < TASKS:
        made += load.run(stage.port, [script] * 4, seconds=1, warm_up_s=0).statuses["200"]


def tasks_of(
    stage: Stage, seat: Seat, status: str, *, anywhere: bool = False, count: int = TASKS
) -> list[str]:
    """Ids of the seat's newest tasks, or of some from all of its past."""
    rows = stage.connection.execute(
        "SELECT task_id FROM generations_generation WHERE organization_id = %s AND status = %s"
        f" ORDER BY {'random()' if anywhere else 'id DESC'} LIMIT %s",
        (seat.organization, status, count),
    ).fetchall()
    return [task for (task,) in rows]


def measure(
    stage: Stage, seat: Seat, tasks: Sequence[str], clients: int, *, rounds: int, seconds: float
) -> Comparison:
    """Per second. `tasks` are of the seat."""
    trivial = [load.get(f"/trivial?task_id={task}", {}) for task in tasks]

    def other() -> tuple[float, dict[str, int]]:
        answers = load.run(stage.port, [trivial] * clients, seconds)
        return answers.per_second, answers.refused

    return compare(lambda: over_http(stage, seat, tasks, clients, seconds), other, rounds)


def over_http(
    stage: Stage, seat: Seat, tasks: Sequence[str], clients: int, seconds: float
) -> tuple[float, dict[str, int]]:
    """Polls answered per second, and what was answered instead."""
    key = {"Authorization": f"Bearer {seat.secret}"}
    script = [load.get(f"/api/status?task_id={task}", key) for task in tasks]
    answers = load.run(stage.port, [script] * clients, seconds)
    return answers.per_second, answers.refused
