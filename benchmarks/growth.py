"""The same work on a short and on a long past: two shops on the same server, measured in turn."""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import accepts, history, load, polls, rows
from benchmarks.figures import Goal, Section, at_most, together
from benchmarks.plan import GOAL_CLIENTS, Plan
from benchmarks.rounds import Comparison, compare
from benchmarks.stage import Ground, Stage

LIMIT = 1.2
PAGE_CLIENTS = 4
FINISHED = 2000  # polled in turn, from all of the past
WORDS = """Milliseconds of one of each, as the median of the rounds; clients wait for an answer
before they go on. The long past has a hundred wallets, and the one that is asked for has a tenth of
all orders. Behind it lie no image files. Sweeps find {open} open orders, none of which is due. Only
the first `manage.py check_ledger` reads everything; it was run once, so it has no goal."""

Measure = Callable[[Stage], tuple[float, dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Work:
    """`measure` gives how many a second, or with `is_ms` how long one takes."""

    name: str
    clients: int
    measure: Measure
    is_ms: bool = False


def section(ground: Ground, plan: Plan) -> Section:
    with ground.production(plan.wallets) as few, ground.production(plan.wallets) as many:
        makings = [_grow(stage, count) for stage, count in ((few, plan.few_rows), (many, plan.many_rows))]
        table: list[list[str]] = [_audited("check_ledger, the first time", few, many)]
        with few.workers_paused(), many.workers_paused():
            compared = {work: _compare(work, few, many, plan) for work in _works(few, many, plan)}
        table.append(_audited("check_ledger, what came since", few, many))
    goals: list[Goal] = []
    for work, found in compared.items():
        factor = found.ratio if work.is_ms else 1 / found.ratio
        times = [found.other, found.ours]
        if not work.is_ms:
            times = [1000 * work.clients / per_second for per_second in times]
        table.insert(
            len(goals), [work.name, str(work.clients), *(f"{ms:.1f}" for ms in times), f"{factor:.2f}"]
        )
        goals.append(
            at_most(f"{work.name}, {plan.many_rows:,} orders to {plan.few_rows:,}", factor, LIMIT, digits=2)
        )
    words = WORDS.format(open=history.OPEN_ROWS) + f" Making the long one took {makings[1]:.0f} s."
    columns = ["work", "clients", f"ms at {plan.few_rows:,}", f"ms at {plan.many_rows:,}", "factor"]
    refused = together(*(found.refused for found in compared.values()))
    return Section("Growth", words, columns, table, goals, refused)


def _grow(stage: Stage, count: int) -> float:
    """How many seconds it took."""
    [bystander] = rows.found(stage.connection, 1)
    began = time.perf_counter()
    history.make(stage.connection, stage.seats, bystander, count)
    return time.perf_counter() - began


def _audited(name: str, few: Stage, many: Stage) -> list[str]:
    """A row with the time of a whole `manage.py check_ledger`, which must say ok."""
    times = []
    for stage in (few, many):
        began = time.perf_counter()
        said = stage.run("manage.py", "check_ledger").strip()
        times.append(1000 * (time.perf_counter() - began))
        if not said.startswith("ok"):
            raise RuntimeError(f"The rows that were made are not right: {said[:1000]}")
    return [name, "1", *(f"{ms:.0f}" for ms in times), f"{times[1] / times[0]:.2f}"]


def _works(few: Stage, many: Stage, plan: Plan) -> list[Work]:
    finished = {
        stage.port: polls.tasks_of(stage, "succeeded", anywhere=True, count=FINISHED) for stage in (few, many)
    }
    for stage in (few, many):
        polls.make_orders(stage)
    waiting = {stage.port: polls.tasks_of(stage, "queued") for stage in (few, many)}
    cookies = {
        stage.port: stage.run("-m", "benchmarks.inside", "session", str(stage.seats[0].organization))
        for stage in (few, many)
    }

    def poll(tasks: dict[int, list[str]]) -> Measure:
        return lambda stage: polls.over_http(stage, tasks[stage.port], GOAL_CLIENTS, plan.seconds)

    def accept(stage: Stage) -> tuple[float, dict[str, int]]:
        return accepts.over_http(stage, stage.seats[1:], GOAL_CLIENTS, plan.seconds)

    def show(stage: Stage) -> tuple[float, dict[str, int]]:
        script = [load.get("/playground/", {"Cookie": cookies[stage.port]})]
        answers = load.run(stage.port, [script] * PAGE_CLIENTS, plan.seconds)
        return answers.per_second, answers.refused

    def sweep(stage: Stage) -> tuple[float, dict[str, int]]:
        return statistics.median(
            json.loads(stage.run("-m", "benchmarks.inside", "sweep", str(plan.sweeps)))
        ), {}

    return [
        Work("poll of an open task", GOAL_CLIENTS, poll(waiting)),
        Work("poll of a finished task", GOAL_CLIENTS, poll(finished)),
        Work("playground with its latest images", PAGE_CLIENTS, show),
        Work("sweep", 1, sweep, is_ms=True),
        Work("accept", GOAL_CLIENTS, accept),  # last, since it ends what is open
    ]


def _compare(work: Work, few: Stage, many: Stage, plan: Plan) -> Comparison:
    return compare(lambda: work.measure(many), lambda: work.measure(few), plan.goal_rounds)
