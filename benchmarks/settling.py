"""Accepted to settled: how fast workers drain a backlog, and how fast they settle while orders keep coming."""

from benchmarks import load
from benchmarks.figures import Goal, Section, at_least, together
from benchmarks.plan import GOAL_CLIENTS, Plan
from benchmarks.stage import Stage, one_each, order
from tests.waiting import wait_until

FILL_CLIENTS = 4
PATIENCE_S = 240
WORDS = """Orders per second taken through claim, upstream, check, storage and charge. `backlog`:
accepted while the workers stood still, and counted from the first to the last that they settled;
nothing else happens meanwhile. `accepting`: 16 clients go on ordering as fast as they are answered,
on the same cores."""


def section(stage: Stage, plan: Plan) -> Section:
    rows: list[list[str]] = []
    goals: list[Goal] = []
    refused: dict[str, int] = {}
    for size in ("256*256", "1024*1024"):
        count, per_second = drain(stage, size, plan.backlog)
        rows.append([size, "backlog", str(count), f"{per_second:.0f}", ""])
        if not goals:
            goals.append(at_least(f"settled, {size}, backlog", per_second, 150, "/s"))
        settled, accepted, bad = while_accepting(stage, size, GOAL_CLIENTS, plan.accepting_s)
        rows.append([size, "accepting", "", f"{settled:.0f}", f"{accepted:.0f}"])
        refused = together(refused, bad)
    columns = ["size", "what", "orders", "settled/s", "accepted/s"]
    return Section("Settling", WORDS, columns, rows, goals, refused)


def drain(stage: Stage, size: str, least: int) -> tuple[int, float]:
    """How many orders the backlog had, `least` or a few more, and how many of them were settled per second."""
    scripts = [[load.post(seat.secret, order(size))] for seat in one_each(stage.seats, FILL_CLIENTS)]
    newest = _newest(stage)
    with stage.workers_paused():
        while _open(stage) < least:
            load.run(stage.port, scripts, seconds=0.5, warm_up_s=0)
        stage.wait_until_quiet()
    wait_until(lambda: not _open(stage), "the backlog to be drained", timeout_s=PATIENCE_S)
    # From the first to the last: without the moment in which the workers wake up.
    settled = "FROM generations_generation WHERE id > %s AND status = 'succeeded'"
    count = int(stage.number(f"SELECT count(*) {settled}", newest))
    took_s = stage.number(f"SELECT EXTRACT(EPOCH FROM max(finished_at) - min(finished_at)) {settled}", newest)
    return count, (count - 1) / took_s


def while_accepting(
    stage: Stage, size: str, clients: int, seconds: float
) -> tuple[float, float, dict[str, int]]:
    """Settled and accepted per second, and what was answered instead; the rest of the orders is ended."""
    scripts = [[load.post(seat.secret, order(size))] for seat in one_each(stage.seats, clients)]
    newest = _newest(stage)
    answers = load.run(stage.port, scripts, seconds, warm_up_s=0)
    settled = stage.number(
        "SELECT count(*) FROM generations_generation WHERE id > %s AND finished_at <= "
        "(SELECT max(created_at) FROM generations_generation)",
        newest,
    )
    stage.empty_broker()  # so that workers find a pause
    with stage.workers_paused():
        stage.clear()
    return settled / seconds, answers.per_second, answers.refused


def _newest(stage: Stage) -> float:
    return stage.number("SELECT max(id) FROM generations_generation")


def _open(stage: Stage) -> float:
    return stage.number("SELECT count(*) FROM generations_generation WHERE status IN ('queued', 'running')")
