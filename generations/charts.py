"""Bars as SVG, drawn by the server: nothing to load, and there without scripts. The table behind says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 160  # of the highest bar, in the units of the picture
STEP, WIDTH = 32, 22


@dataclass(frozen=True, slots=True)
class Bar:
    """`name`: what it stands for; `value` is never negative. The others are places in the picture."""

    name: str
    value: int
    x: int
    y: int
    width: int
    height: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Chart:
    bars: Sequence[Bar]
    width: int
    height: int
    most: int

    @property
    def is_empty(self) -> bool:
        return self.most == 0


def bars(values: Sequence[tuple[str, int]]) -> Chart:
    """From the left, in their order. What is not nothing can be seen."""
    most = max((value for _name, value in values), default=0)
    drawn = []
    for number, (name, value) in enumerate(values):
        height = max(3, HEIGHT * value // most) if value else 0
        drawn.append(
            Bar(
                name,
                value,
                number * STEP + (STEP - WIDTH) // 2,
                HEIGHT - height,
                WIDTH,
                height,
                number == len(values) - 1,
            )
        )
    return Chart(drawn, len(values) * STEP, HEIGHT, most)
