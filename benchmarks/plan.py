"""How much is measured: what a page is written of, and a quick look."""

from dataclasses import dataclass

GOAL_CLIENTS = 16  # the load that the goals are about


@dataclass(frozen=True, slots=True)
class Plan:
    """`rounds` of `seconds` each for every side of a comparison; `goal_rounds` where a goal is judged."""

    clients: tuple[int, ...] = (1, 4, 16, 32)
    wallets: int = 100
    rounds: int = 3
    goal_rounds: int = 5
    seconds: float = 1.5
    steady_per_second: float = 10
    steady_s: float = 45
    backlog: int = 1500
    accepting_s: float = 10
    few_rows: int = 10_000
    many_rows: int = 1_000_000
    sweeps: int = 40
    shops: int = 1000

    def rounds_at(self, clients: int) -> int:
        return self.goal_rounds if clients == GOAL_CLIENTS else self.rounds


FULL = Plan()
QUICK = Plan(
    clients=(GOAL_CLIENTS,),
    goal_rounds=2,
    seconds=1,
    steady_s=8,
    backlog=200,
    accepting_s=3,
    many_rows=100_000,
    sweeps=10,
    shops=300,
)
