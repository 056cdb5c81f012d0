"""Accepts over HTTP against the raw SQL of the same transaction, on one wallet and on many."""

from collections.abc import Sequence

from benchmarks import load, raw_sql
from benchmarks.figures import Goal, Section, at_least, together
from benchmarks.plan import GOAL_CLIENTS, Plan
from benchmarks.rounds import Comparison, compare
from benchmarks.rows import Seat
from benchmarks.stage import Stage, one_each, order

WORDS = """Orders per second over HTTP, and the four statements of the same transaction from as many
psycopg connections to the same server. Workers stand still meanwhile: accepting alone is measured."""


def section(stage: Stage, plan: Plan) -> Section:
    rows: list[list[str]] = []
    goals: list[Goal] = []
    refused: dict[str, int] = {}
    with stage.workers_paused():
        for wallets, seats in (("one", stage.seats[:1]), (f"{plan.wallets}", stage.seats[1:])):
            for clients in plan.clients:
                found = measure(stage, seats, clients, rounds=plan.rounds_at(clients), seconds=plan.seconds)
                refused = together(refused, found.refused)
                rows.append(
                    [str(clients), wallets, f"{found.ours:.0f}", f"{found.other:.0f}", f"{found.ratio:.2f}"]
                )
                if clients == GOAL_CLIENTS:
                    name = f"accepts, of raw SQL, {clients} clients, wallets: {wallets}"
                    goals.append(at_least(name, found.ratio, 0.33, digits=2))
    columns = ["clients", "wallets", "accepts/s", "raw SQL/s", "ratio"]
    return Section("Accepting", WORDS, columns, rows, goals, refused)


def measure(stage: Stage, seats: Sequence[Seat], clients: int, *, rounds: int, seconds: float) -> Comparison:
    """Per second; workers must be paused. One seat for each client, as far as they last."""

    def raw() -> tuple[float, dict[str, int]]:
        count = raw_sql.run(stage.database_url, seats, clients, seconds)
        stage.clear()
        return count.per_second, {}

    return compare(lambda: over_http(stage, seats, clients, seconds), raw, rounds)


def over_http(
    stage: Stage, seats: Sequence[Seat], clients: int, seconds: float
) -> tuple[float, dict[str, int]]:
    """Orders accepted per second, and what was answered instead; the orders are ended afterwards."""
    scripts = [[load.post(seat.secret, order())] for seat in one_each(seats, clients)]
    answers = load.run(stage.port, scripts, seconds)
    stage.clear()
    return answers.per_second, answers.refused
