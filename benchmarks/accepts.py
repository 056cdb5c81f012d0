"""Accepts over HTTP against the raw SQL of the same transaction, on one wallet and on many."""

from collections.abc import Sequence

from benchmarks import load, raw_sql
from benchmarks.rounds import Comparison, compare
from benchmarks.rows import Seat
from benchmarks.stage import Stage, alternately, order


def measure(stage: Stage, seats: Sequence[Seat], clients: int, *, rounds: int, seconds: float) -> Comparison:
    """Per second. Asked for while workers are paused."""
    scripts = [[load.post(seat.secret, order())] for seat in alternately(seats, clients)]

    def ours() -> tuple[float, dict[str, int]]:
        answers = load.run(stage.port, scripts, seconds)
        return answers.per_second, answers.refused

    def other() -> tuple[float, dict[str, int]]:
        return raw_sql.run(stage.database_url, seats, clients, seconds).per_second, {}

    return compare(ours, other, rounds, between=stage.clear)
