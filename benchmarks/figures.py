"""What a run says: sections with a table each, and the goals that they were measured for."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Goal:
    """`wanted` and `measured` as people read them."""

    name: str
    wanted: str
    measured: str
    met: bool


@dataclass(frozen=True, slots=True)
class Section:
    """`words` say how it was measured. `refused`: answers that should have been 200 and were not, by status."""

    title: str
    words: str
    columns: list[str]
    rows: list[list[str]]
    goals: list[Goal] = field(default_factory=list)
    refused: Mapping[str, int] = field(default_factory=dict)


def at_least(name: str, measured: float, limit: float, unit: str = "", digits: int = 0) -> Goal:
    return Goal(name, f"≥ {limit:g}{unit}", f"{measured:.{digits}f}{unit}", measured >= limit)


def at_most(name: str, measured: float, limit: float, unit: str = "", digits: int = 0) -> Goal:
    return Goal(name, f"≤ {limit:g}{unit}", f"{measured:.{digits}f}{unit}", measured <= limit)


def together(*refused: Mapping[str, int]) -> dict[str, int]:
    """The sums by status."""
    sums: dict[str, int] = {}
    for counts in refused:
        for status, count in counts.items():
            sums[status] = sums.get(status, 0) + count
    return sums
