"""Writes docs/proof.md from the proof's runs, one on each database."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests import machine
from tests.scale import Figure

_ROOT = Path(__file__).resolve().parent.parent
_PAGE = Path("docs") / "proof.md"


def write(database: str, passed: int, seconds: float, figures: list[Figure], root: Path = _ROOT) -> None:
    """Stores one database's run and renders the page from all that are stored in build/proof."""
    folder = root / "build" / "proof"
    folder.mkdir(parents=True, exist_ok=True)
    run: dict[str, Any] = {"database": database, "passed": passed, "seconds": seconds}
    run["figures"] = [asdict(figure) for figure in figures]
    (folder / f"{database}.json").write_text(json.dumps(run, indent=1), encoding="utf-8")
    files = sorted(folder.glob("*.json"), reverse=True)  # sqlite first, as it is run
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    page = root / _PAGE
    page.parent.mkdir(exist_ok=True)
    page.write_text(_render(runs, _coverage_percents(root), machine.facts(root, _PAGE)), encoding="utf-8")


def _render(runs: list[dict[str, Any]], coverage: dict[str, float], facts: list[str]) -> str:
    lines = [
        "# Proof",
        "",
        "Written by `make proof`, which first runs `make coverage`, all tests, and then with full counts each"
        " test that does more there: explores, repeats, races, waits for true times or measures a promise.",
        "",
        *facts,
    ]
    lines += [
        f"- Tests passed on {run['database']}: {run['passed']} in {run['seconds']:.0f} s" for run in runs
    ]
    if coverage:
        shown = ", ".join(f"{app} {percent:.1f} %" for app, percent in coverage.items())
        lines.append(f"- Branch coverage (promised: at least 95 %): {shown}")
    lines += ["", "| figure | database | measured | promised |", "|---|---|---:|---:|"]
    for run in runs:
        for figure in run["figures"]:
            unit, limit = figure["unit"], figure["limit"]
            promised = "" if limit is None else f"≤ {limit:g} {unit}"
            measured = f"{figure['value']:.6g} {unit}"
            lines.append(f"| {figure['name']} | {run['database']} | {measured} | {promised} |")
    return "\n".join(lines) + "\n"


def _coverage_percents(root: Path) -> dict[str, float]:
    return {
        file.stem: float(file.read_text(encoding="ascii"))
        for file in sorted((root / "build" / "coverage").glob("*.percent"))
    }
