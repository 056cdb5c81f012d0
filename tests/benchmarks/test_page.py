"""What a run says: medians of turns, goals that are met or not, and a page that tells both."""

from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.figures import Section, at_least, at_most
from benchmarks.rounds import compare

SECTION = Section(
    "Accepting",
    "How it was measured.",
    ["clients", "wallets", "ratio"],
    [["16", "one", "0.43"], ["32", "100", ""]],
    [at_least("accepts", 0.33, 0.33, digits=2), at_most("p50", 50.4, 50, " ms")],
    {"503": 2},
)


def test_page_shows_goals_beside_what_was_measured(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    page.write([SECTION], {"PostgreSQL": "18.1"}, tmp_path)
    lines = (tmp_path / "docs" / "performance.md").read_text().splitlines()
    assert "| accepts | ≥ 0.33 | 0.33 | met |" in lines
    assert "| p50 | ≤ 50 ms | 50 ms | **not met** |" in lines
    assert "|---:|---|---:|" in lines
    assert "| 32 | 100 |  |" in lines
    assert "Answers other than 200, which spoil these figures: 2 × 503." in lines
    assert {"- PostgreSQL: 18.1", "- Commit: unknown"} <= set(lines)


def test_text_lines_its_columns_up() -> None:
    lines = page.as_text(SECTION).splitlines()
    assert lines[1:4] == ["clients  wallets  ratio", "     16      one   0.43", "     32      100       "]
    assert lines[-1] == "NOT MET  p50: 50 ms (goal ≤ 50 ms)"


def test_sides_take_turns_and_medians_count() -> None:
    turns: list[str] = []
    ours, other = iter([10.0, 1.0, 12.0]), iter([20.0, 30.0, 40.0])

    def side(name: str, refused: dict[str, int]) -> tuple[float, dict[str, int]]:
        turns.append(name)
        return next(ours if name == "ours" else other), refused

    found = compare(lambda: side("ours", {"429": 1}), lambda: side("other", {}), 3)
    assert (found.ours, found.other) == (10, 30)
    assert found.ratio == pytest.approx(1 / 3)
    assert found.refused == {"429": 3}
    assert turns == ["other", "ours", "ours", "other", "other", "ours"]
