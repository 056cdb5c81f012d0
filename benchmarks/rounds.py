"""Two sides measured in turn, so that what disturbs the machine disturbs both."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.figures import together

Side = Callable[[], tuple[float, dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians of the rounds, in the same unit. `refused`: answers other than 200, by status."""

    ours: float
    other: float
    refused: dict[str, int]

    @property
    def ratio(self) -> float:
        return self.ours / self.other


def compare(ours: Side, other: Side, rounds: int) -> Comparison:
    """Each side gives a value and its answers that were not 200. Who is first changes from round to round."""
    values: dict[Side, list[float]] = {ours: [], other: []}
    refused: dict[str, int] = {}
    for number in range(rounds):
        for side in (ours, other) if number % 2 else (other, ours):
            value, bad = side()
            values[side].append(value)
            refused = together(refused, bad)
    if not all(values[ours] + values[other]):
        raise RuntimeError(f"A round did nothing; what was answered instead of 200: {refused}")
    return Comparison(statistics.median(values[ours]), statistics.median(values[other]), refused)
