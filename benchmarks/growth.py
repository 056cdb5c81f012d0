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


@dataclass(frozen=True, slots=True)
class Work:
    """`measure` gives how many a second, or with `is_ms` how long one takes."""

    name: str
    clients: int
    measure: "Callable[[Past], tuple[float, dict[str, int]]]"
    is_ms: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """A shop with its past. `bystander` has the orders that are open, `cookie` is a browser's of `stage.seats[0]`."""

    stage: Stage
    bystander: rows.Seat
    cookie: str


def section(ground: Ground, plan: Plan) -> Section:
    with ground.production(plan.wallets) as short, ground.production(plan.wallets) as long:
        few = _grow(short, plan.few_rows)
        began = time.monotonic()
        many = _grow(long, plan.many_rows)
        took_s = time.monotonic() - began
        table = [_audited("check_ledger, the first time", few, many)]
        with few.stage.workers_paused(), many.stage.workers_paused():
            compared = {work: _compare(work, few, many, plan) for work in _works(few, many, plan)}
        table.append(_audited("check_ledger, what came since", few, many))
    goals: list[Goal] = []
    for work, found in compared.items():
        factor = found.ratio if work.is_ms else 1 / found.ratio
        times = [found.other, found.ours]
        if not work.is_ms:
            times = [1000 * work.clients / per_second for per_second in times]
        row = [work.name, str(work.clients), *(f"{ms:.1f}" for ms in times), f"{factor:.2f}"]
        table.insert(len(goals), row)
        name = f"{work.name}, {plan.many_rows:,} orders to {plan.few_rows:,}"
        goals.append(at_most(name, factor, LIMIT, digits=2))
    words = WORDS.format(open=history.OPEN_ROWS) + f" Making the long past took {took_s:.0f} s."
    columns = ["work", "clients", f"ms at {plan.few_rows:,}", f"ms at {plan.many_rows:,}", "factor"]
    refused = together(*(found.refused for found in compared.values()))
    return Section("Growth", words, columns, table, goals, refused)


def _grow(stage: Stage, count: int) -> Past:
    [bystander] = rows.found(stage.connection, 1)
    history.make(stage.connection, stage.seats, bystander, count)
    organization = str(stage.seats[0].organization)
    return Past(stage, bystander, stage.run("-m", "benchmarks.inside", "session", organization))


def _audited(name: str, few: Past, many: Past) -> list[str]:
    """A row with the time of a whole `manage.py check_ledger`, which must say ok."""
    times = []
    for past in (few, many):
        began = time.perf_counter()
        said = past.stage.run("manage.py", "check_ledger").strip()
        times.append(1000 * (time.perf_counter() - began))
        if not said.startswith("ok"):
            raise RuntimeError(f"The rows that were made are not right: {said[:1000]}")
    return [name, "1", *(f"{ms:.0f}" for ms in times), f"{times[1] / times[0]:.2f}"]


def _works(few: Past, many: Past, plan: Plan) -> list[Work]:
    waiting, finished = {}, {}
    for past in (few, many):
        stage, hot = past.stage, past.stage.seats[0]
        waiting[past] = polls.tasks_of(stage, past.bystander, "queued")
        finished[past] = polls.tasks_of(stage, hot, "succeeded", anywhere=True, count=FINISHED)

    def poll_open(past: Past) -> tuple[float, dict[str, int]]:
        return polls.over_http(past.stage, past.bystander, waiting[past], GOAL_CLIENTS, plan.seconds)

    def poll_finished(past: Past) -> tuple[float, dict[str, int]]:
        return polls.over_http(past.stage, past.stage.seats[0], finished[past], GOAL_CLIENTS, plan.seconds)

    def show(past: Past) -> tuple[float, dict[str, int]]:
        script = [load.get("/playground/", {"Cookie": past.cookie})]
        answers = load.run(past.stage.port, [script] * PAGE_CLIENTS, plan.seconds)
        return answers.per_second, answers.refused

    def sweep(past: Past) -> tuple[float, dict[str, int]]:
        said = past.stage.run("-m", "benchmarks.inside", "sweep", str(plan.sweeps))
        return statistics.median(json.loads(said)), {}

    def accept(past: Past) -> tuple[float, dict[str, int]]:
        return accepts.over_http(past.stage, past.stage.seats[1:], GOAL_CLIENTS, plan.seconds)

    return [
        Work("poll of an open task", GOAL_CLIENTS, poll_open),
        Work("poll of a finished task", GOAL_CLIENTS, poll_finished),
        Work("playground with its latest images", PAGE_CLIENTS, show),
        Work("sweep", 1, sweep, is_ms=True),
        Work("accept", GOAL_CLIENTS, accept),
    ]


def _compare(work: Work, few: Past, many: Past, plan: Plan) -> Comparison:
    return compare(lambda: work.measure(many), lambda: work.measure(few), plan.goal_rounds)
