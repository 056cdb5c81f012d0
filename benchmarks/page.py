"""The results as text on a terminal, and as docs/performance.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import gpu_page
from benchmarks.figures import Goal, Section
from tests import machine

PAGE = Path("docs") / "performance.md"
INTRODUCTION = """# Performance

Written by `make bench`. One run starts its own PostgreSQL (durable: every commit is on the disk
before it is answered for), Valkey and a stand-in upstream that answers at once, and the shop on
them as `manage.py up` runs it. Clients, shop and servers share the cores. The two sides of a
comparison take turns within the run, and medians of the rounds are shown: the ratios say more than
the numbers per second, which are this machine's."""


def as_text(section: Section) -> str:
    widths = [
        max(len(line[column]) for line in [section.columns, *section.rows])
        for column in range(len(section.columns))
    ]
    lines = [f"== {section.title}"]
    for line in [section.columns, *section.rows]:
        lines.append("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    if section.refused:
        lines.append(_refusals(section))
    lines += [_goal_line(goal) for goal in section.goals]
    return "\n".join(lines) + "\n"


def as_page(sections: Sequence[Section], facts: Sequence[str]) -> str:
    goals = [goal for section in sections for goal in section.goals]
    lines = [INTRODUCTION, "", *facts, "", "## Goals", ""]
    lines += _table(
        ["goal", "wanted", "measured", ""],
        [[goal.name, goal.wanted, goal.measured, "met" if goal.met else "**not met**"] for goal in goals],
    )
    for section in sections:
        lines += ["", f"## {section.title}", "", section.words, ""]
        lines += _table(section.columns, section.rows)
        lines += ["", _refusals(section) if section.refused else ""] if section.refused else []
    return "\n".join(lines) + "\n"


def write(sections: Sequence[Section], more_facts: Mapping[str, str], root: Path) -> None:
    """`more_facts`: what to say of the run beside date, commit and machine."""
    facts = machine.facts(root, PAGE) + [f"- {name}: {value}" for name, value in more_facts.items()]
    page = root / PAGE
    own_gpu = gpu_page.kept(page.read_text(encoding="utf-8") if page.exists() else "")
    page.write_text(f"{as_page(sections, facts)}\n{own_gpu}", encoding="utf-8")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    numbers = [all(_is_number(row[column]) for row in rows) for column in range(len(columns))]
    return [
        f"| {' | '.join(columns)} |",
        f"|{'|'.join('---:' if number else '---' for number in numbers)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _is_number(cell: str) -> bool:
    return not cell or cell.replace(".", "", 1).isdigit()


def _refusals(section: Section) -> str:
    counted = ", ".join(f"{count} × {status}" for status, count in sorted(section.refused.items()))
    return f"Answers other than 200, which spoil these figures: {counted}."


def _goal_line(goal: Goal) -> str:
    return f"{'met    ' if goal.met else 'NOT MET'}  {goal.name}: {goal.measured} (goal {goal.wanted})"
