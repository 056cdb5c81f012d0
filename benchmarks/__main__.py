"""`python -m benchmarks [PART …]`: measures and prints; writes docs/performance.md when all was measured in full."""

import argparse
import dataclasses
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

from benchmarks import accepts, growth, latency, memory, page, polls, screens, settling, shops
from benchmarks.figures import Section
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.stage import Ground, Stage, ground, overrides
from tests.processes import ROOT

# Those of one running shop, in this order: a later part leaves a longer past than an earlier one finds.
SHOP_PARTS: dict[str, Callable[[Ground, Stage, Plan], Section]] = {
    "accepts": lambda _ground, stage, plan: accepts.section(stage, plan),
    "status": lambda _ground, stage, plan: polls.section(stage, plan),
    "latency": lambda _ground, stage, plan: latency.section(stage, plan),
    "settled": lambda _ground, stage, plan: settling.section(stage, plan),
    "memory": lambda own, stage, _plan: memory.section(own, stage),
}
PARTS = (*SHOP_PARTS, "screens", "growth", "shops")


def main() -> int:
    options = _options()
    plan = _plan(options)
    signal.signal(signal.SIGTERM, _stop)
    began, load_before = time.monotonic(), os.getloadavg()[0]
    sections: list[Section] = []

    def keep(section: Section) -> None:
        sections.append(section)
        sys.stdout.write(page.as_text(section) + f"   ({time.monotonic() - began:.0f} s)\n\n")
        sys.stdout.flush()

    with ground() as own:
        parts = [name for name in SHOP_PARTS if name in options.parts]
        if parts:
            with own.production(plan.wallets) as stage:
                for name in parts:
                    keep(SHOP_PARTS[name](own, stage, plan))
        if "screens" in options.parts:
            keep(screens.section(own, plan))
        if "growth" in options.parts:
            keep(growth.section(own, plan))
        if "shops" in options.parts:
            keep(shops.section(own, plan))
        version = own.version()
    if plan == FULL and set(options.parts) == set(PARTS):
        given = " ".join(f"{name}={value}" for name, value in overrides().items())
        facts = {"PostgreSQL": version, "Load of the machine before the run": f"{load_before:.1f}"}
        page.write(sections, facts | ({"Settings given": given} if given else {}), ROOT)
        sys.stdout.write(f"{page.PAGE} is written\n")
    return 1 if any(section.refused for section in sections) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Ratios of what the shop can do."
    )
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="a look of three minutes; writes no page")
    for field in dataclasses.fields(Plan):
        name = f"--{field.name.replace('_', '-')}"
        if field.name == "clients":
            parser.add_argument(name, type=int, nargs="+")
        else:
            parser.add_argument(name, type=type(field.default))
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    return options


def _plan(options: argparse.Namespace) -> Plan:
    given = {field.name: getattr(options, field.name) for field in dataclasses.fields(Plan)}
    changes = {name: value for name, value in given.items() if value is not None}
    if "clients" in changes:
        changes["clients"] = tuple(changes["clients"])
    return dataclasses.replace(QUICK if options.quick else FULL, **changes)


def _stop(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)  # through every `finally`, so that nothing is left running


if __name__ == "__main__":
    sys.exit(main())
