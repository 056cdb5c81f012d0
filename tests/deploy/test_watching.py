"""The dashboard and the alert rules ask only for figures that there are, and each alert says what to do."""

import json
import re
from typing import Any

import yaml

from config.watching.figures import FIGURES
from tests.deploy.files import DEPLOY
from tests.processes import ROOT

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "tintype.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
# Labels of those that Prometheus makes of requests (config/watching/requests.py).
REQUESTS = {
    "tintype_requests_total": {"method", "route", "status"},
    "tintype_request_seconds_bucket": {"method", "route", "le"},
}
EXPOSED = REQUESTS | {
    f"{name}_total" if figure.counts else name: set(figure.labels) for name, figure in FIGURES.items()
}


def expressions() -> list[str]:
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    return asked + [rule["expr"] for rule in RULES]


def names(expression: str) -> set[str]:
    return set(re.findall(r"\btintype_\w+", expression))


def test_only_figures_that_exist_are_asked_for() -> None:
    assert set().union(*map(names, expressions())) - set(EXPOSED) == set()
    assert names("rate(tintype_nothing[5m])") - set(EXPOSED), "One that is gone would be found"


def test_only_labels_that_exist_are_asked_for() -> None:
    for expression in expressions():
        known = set().union(*(EXPOSED[name] for name in names(expression)), {"job"})
        chosen = re.findall(r"(\w+)(?:=~|!=|=)\"", expression)
        grouped = [
            label.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(",")
        ]
        assert {*chosen, *grouped} <= known, expression


def test_all_that_is_told_is_shown_somewhere() -> None:
    shown = set().union(*map(names, expressions()))
    assert set(EXPOSED) - shown == set()


def test_each_alert_says_what_to_do() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(Tintype\w+)`", operations))
    assert {rule["alert"] for rule in RULES} == named
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "warn")
        assert rule["annotations"]["summary"]


def test_the_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _y in cells) < 24
        taken |= cells


def test_counts_of_the_whole_shop_are_not_added_up_over_its_processes() -> None:
    """Each web process tells the same: a sum would be a multiple."""
    for expression in expressions():
        for before, name in re.findall(r"(\S+ \S+ \()?(?:rate|increase)\((tintype_\w+)", expression):
            assert name.startswith("tintype_request") or before == "without (instance) (", expression
