"""The GPU's figures as lines, and as the last section of docs/performance.md, which `make bench` leaves as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
HEADING = "## An own GPU"
WORDS = """Written by `python -m benchmarks.gpu --write`: Z-Image-Turbo with random weights at full size, bfloat16, 8
steps. `floor`: what the card's arithmetic allows at best (benchmarks/gpu_roofline.py); `naive`: one call of diffusers
in the same run. Medians of three after one that counts for nothing."""
NOT_MEASURED = "No GPU was at hand where this was written: there are no figures yet."


@dataclass(frozen=True, slots=True)
class Row:
    """`seconds` None: it could not be run, for `problem`. `floor_s` None: unknown."""

    part: str
    what: str
    size: tuple[int, int]
    batch: int
    seconds: float | None = None
    peak_gib: float = 0.0
    floor_s: float | None = None
    problem: str = ""

    @property
    def cells(self) -> list[str]:
        size = f"{self.size[0]}x{self.size[1]}"
        if self.seconds is None:
            return [self.part, self.what, size, str(self.batch), self.problem.replace("|", "/"), "", "", ""]
        ratio = f"{self.seconds / self.floor_s:.2f}" if self.floor_s else ""
        peak = f"{self.peak_gib:.1f}" if self.peak_gib else ""
        each = f"{self.seconds / self.batch:.3f}"
        return [self.part, self.what, size, str(self.batch), f"{self.seconds:.3f}", each, ratio, peak]

    def as_text(self) -> str:
        return "  ".join(cell for cell in self.cells if cell)


def section(rows: Sequence[Row], facts: Mapping[str, str]) -> str:
    lines = [HEADING, "", WORDS, "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += ["| part | what | size | batch | s | s an image | of the floor | peak GiB |"]
    lines += ["|---|---|---|---:|---:|---:|---:|---:|"]
    lines += [f"| {' | '.join(row.cells)} |" for row in rows]
    return "\n".join(lines) + "\n"


def kept(page: str) -> str:
    """The section as it stands in a page, or that there is none yet."""
    _before, found, after = page.partition(HEADING)
    return found + after if found else f"{HEADING}\n\n{NOT_MEASURED}\n"


def write(rows: Sequence[Row], facts: Mapping[str, str], *, tiny: bool) -> None:
    """Raises ValueError for figures of the tiny model, which mean nothing."""
    if tiny:
        raise ValueError("figures of the tiny model belong into no page")
    before = PAGE.read_text(encoding="utf-8").partition(HEADING)[0].rstrip("\n")
    PAGE.write_text(f"{before}\n\n{section(rows, facts)}", encoding="utf-8")
