"""Two sides measured in turn, so that what disturbs the machine disturbs both."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians of the rounds, in the same unit. `refused`: answers other than 200, by status."""

    ours: float
    other: float
    refused: dict[str, int]

    @property
    def ratio(self) -> float:
        return self.ours / self.other


def compare(
    ours: Callable[[], tuple[float, dict[str, int]]],
    other: Callable[[], tuple[float, dict[str, int]]],
    rounds: int,
    between: Callable[[], object] = lambda: None,
) -> Comparison:
    """Each side gives a value and the answers that were not 200; `between` runs after every turn of a side."""
    values: tuple[list[float], list[float]] = ([], [])
    refused: dict[str, int] = {}
    for number in range(rounds):
        sides = ((0, ours), (1, other))
        for side, measure in sides if number % 2 else sides[::-1]:
            value, bad = measure()
            between()
            values[side].append(value)
            for status, count in bad.items():
                refused[status] = refused.get(status, 0) + count
    return Comparison(statistics.median(values[0]), statistics.median(values[1]), refused)
