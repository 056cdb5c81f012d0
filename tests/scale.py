"""Two speeds of proof: small counts for every day, full counts and promises about time with PROOF=1."""

import os
from dataclasses import dataclass

from tests import alone

PROOF = os.environ.get("PROOF") == "1"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `limit` is the most that was promised, None where it only informs."""

    name: str
    value: float
    unit: str
    limit: float | None


figures: list[Figure] = []


def count(small: int, full: int) -> int:
    """How often to do it: `full` in the proof, else `small`."""
    return full if PROOF else small


def record(name: str, value: float, unit: str, limit: float | None = None) -> None:
    """Keeps a figure for docs/proof.md; only the proof, alone on its machine, holds it to `limit`."""
    figures.append(Figure(name, value, unit, limit))
    if PROOF and limit is not None:
        assert alone.has_the_machine(), "Call scale.record() in the test function itself: it then runs alone."
        assert value <= limit, f"{name}: {value:g} {unit}, promised at most {limit:g}"
