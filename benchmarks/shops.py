"""One shop against a thousand: two installations on the same server, asked in turn; all clients go round all shops."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import load, rows
from benchmarks.figures import Goal, Section, at_least, at_most, together
from benchmarks.plan import GOAL_CLIENTS, Plan
from benchmarks.rounds import compare
from benchmarks.stage import Ground, Stage, order
from tests.waiting import wait_until

LIMIT = 0.9
READINGS = 30
READING_LIMIT_MS = 50.0
WORDS = """The same requests a second of an installation with one shop and of one with {shops:,}, each at a host
of its own and with an upstream; both have {shops:,} organizations, which are asked one after the other. A
process reads all hosts at most once a second, and with them the rows of the shops that were asked for in
the last seconds, and for orders their upstreams and blocked phrases: `reading` is the milliseconds of one
such reading with nothing else going on, of which nobody waits for more than the first. It keeps
{kib:.0f} KiB of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """An installation, and who asks there: hosts and the organizations behind them."""

    stage: Stage
    asked: list[tuple[str, rows.Seat]]

    def round(self, request: Callable[[str, rows.Seat], str]) -> list[list[str]]:
        """For each client the requests that it sends in turn; together they go round all."""
        made = [request(host, seat) for host, seat in self.asked]
        return [made[start::GOAL_CLIENTS] for start in range(GOAL_CLIENTS)]

    def per_second(self, scripts: Sequence[Sequence[str]], seconds: float) -> tuple[float, dict[str, int]]:
        answers = load.run(self.stage.port, scripts, seconds)
        return answers.per_second, answers.refused


def section(ground: Ground, plan: Plan) -> Section:
    with ground.production(0) as few, ground.production(0) as many:
        one = Side(few, [("localhost", seat) for seat in rows.found(few.connection, plan.shops)])
        thousand = Side(many, list(rows.shops(many.connection, plan.shops).items()))
        for side in (one, thousand):
            side.stage.seats = [seat for _host, seat in side.asked]
            rows.upstreams(side.stage.connection)
        with few.workers_paused(), many.workers_paused():
            table, goals, refused = _asked(one, thousand, plan)
        readings = [_reading(few), _reading(many)]
    hosts_ms, rows_ms, orders_ms = ([one[part] for one in readings] for part in ("hosts", "rows", "orders"))
    for name, (at_one, at_many) in (
        ("reading, hosts alone", hosts_ms),
        ("reading, with all rows", rows_ms),
        ("reading, for orders", orders_ms),
    ):
        table.append([name, "1", f"{at_one:.1f} ms", f"{at_many:.1f} ms", f"{at_many / at_one:.1f}"])
    goals.append(
        at_most(f"reading hosts and rows of {plan.shops:,} shops", rows_ms[1], READING_LIMIT_MS, " ms")
    )
    words = WORDS.format(shops=plan.shops, kib=readings[1]["bytes"] / 1024)
    goals.append(
        at_most(f"reading for orders of {plan.shops:,} shops", orders_ms[1], READING_LIMIT_MS, " ms")
    )
    columns = ["work", "clients", "one shop", f"{plan.shops:,} shops", "ratio"]
    return Section("Shops", words, columns, table, goals, refused)


def _asked(one: Side, thousand: Side, plan: Plan) -> tuple[list[list[str]], list[Goal], dict[str, int]]:
    table, goals, refused = list[list[str]](), list[Goal](), dict[str, int]()
    tasks = {side: _tasks(side) for side in (one, thousand)}

    def landing(side: Side) -> tuple[float, dict[str, int]]:
        return side.per_second(side.round(lambda host, _seat: load.get("/", {}, host)), plan.seconds)

    def poll(side: Side) -> tuple[float, dict[str, int]]:
        def request(host: str, seat: rows.Seat) -> str:
            key = {"Authorization": f"Bearer {seat.secret}"}
            return load.get(f"/api/status?task_id={tasks[side][seat.organization]}", key, host)

        return side.per_second(side.round(request), plan.seconds)

    def accept(side: Side) -> tuple[float, dict[str, int]]:
        scripts = side.round(lambda host, seat: load.post(seat.secret, order(), host))
        found = side.per_second(scripts, plan.seconds)
        side.stage.clear()
        return found

    for name, work in (("landing page", landing), ("poll", poll), ("accept", accept)):
        found = compare(lambda work=work: work(thousand), lambda work=work: work(one), plan.goal_rounds)  # type: ignore[misc]  # bound now
        refused = together(refused, found.refused)
        table.append(
            [name, str(GOAL_CLIENTS), f"{found.other:.0f}/s", f"{found.ours:.0f}/s", f"{found.ratio:.2f}"]
        )
        goals.append(at_least(f"{name}, {plan.shops:,} shops to one", found.ratio, LIMIT, digits=2))
    return table, goals, refused


def _tasks(side: Side) -> dict[int, str]:
    """An open task of each organization."""

    def found() -> dict[int, str]:
        of_each = dict(
            side.stage.connection.execute(
                "SELECT organization_id, max(task_id) FROM generations_generation GROUP BY organization_id"
            ).fetchall()
        )
        # Of those without: each run begins at the beginning, and may not come to the end in two seconds.
        left = [(host, seat) for host, seat in side.asked if seat.organization not in of_each]
        if not left:
            return of_each
        made = [load.post(seat.secret, order(), host) for host, seat in left]
        clients = min(GOAL_CLIENTS, len(made))
        load.run(side.stage.port, [made[n::clients] for n in range(clients)], seconds=2, warm_up_s=0)
        return {}

    return wait_until(found, "an order of each organization", timeout_s=300)


def _reading(stage: Stage) -> dict[str, float]:
    found = json.loads(stage.run("-m", "benchmarks.inside", "directory", str(READINGS)))
    return {name: statistics.median(found[name]) for name in ("hosts", "rows", "orders")} | {
        "bytes": found["bytes"]
    }
