"""Prometheus' own tool reads rules and dashboard, and lets each alert fire. Only where it is installed (the Debian
package `prometheus`); tests/deploy/test_watching.py compares names and labels everywhere.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import DEPLOY
from tests.deploy.test_watching import RULES, expressions

PROMTOOL = shutil.which("promtool")
SUMMARIES = {rule["alert"]: rule["annotations"]["summary"] for rule in RULES}
SEVERITIES = {rule["alert"]: rule["labels"]["severity"] for rule in RULES}
ENDED = 'tintype_orders_ended_total{mode="live",instance="%s",status="%s",error="%s"}'
BUCKET = 'tintype_request_seconds_bucket{method="POST",route="/api/generate",le="%s"}'
DURATION, PERCENT = "{{ $value | humanizeDuration }}", "{{ $value | humanizePercentage }}"
# Alert -> series, a value each minute; when it is looked at; its labels beside the severity; what stands for its value.
FIRING: dict[str, tuple[dict[str, str], str, dict[str, str], dict[str, str]]] = {
    "TintypeDown": (
        {'up{job="tintype",instance="a"}': "0x10", 'up{job="tintype",instance="b"}': "1x10"},
        "5m",
        {"job": "tintype", "instance": "a"},
        {},
    ),
    "TintypeDatabaseAway": ({'tintype_database_up{instance="a"}': "0x10"}, "5m", {"instance": "a"}, {}),
    "TintypeNotWatching": ({"tintype_counted_timestamp_seconds": "0x20"}, "10m", {}, {}),
    "TintypeQueueOld": ({"tintype_queue_oldest_seconds": "90x10"}, "5m", {}, {DURATION: "1m 30s"}),
    "TintypeHoldsOld": ({"tintype_hold_oldest_seconds": "1000x10"}, "5m", {}, {}),
    "TintypeCircuitOpen": (
        {'tintype_upstream_circuit_open{upstream="Main",instance="a"}': "1x10"},
        "5m",
        {"upstream": "Main"},
        {"{{ $labels.upstream }}": "Main"},
    ),
    "TintypeOrdersFail": (  # each web process tells all of them
        {
            ENDED % (instance, status, error): f"0+{number}x60"
            for instance in "ab"
            for status, error, number in (
                ("succeeded", "", 80),
                ("failed", "generation_failed", 20),
                ("failed", "content_rejected", 0),
            )
        },
        "30m",
        {},
        {PERCENT: "20%"},
    ),
    "TintypeErrors": (
        {'tintype_requests_total{status="500"}': "0+5x60", 'tintype_requests_total{status="200"}': "0+95x60"},
        "30m",
        {},
        {PERCENT: "5%"},
    ),
    "TintypeSlow": (
        {BUCKET % "1": "0+50x60", BUCKET % "2.5": "0+100x60", BUCKET % "+Inf": "0+100x60"},
        "30m",
        {},
        {DURATION: "2.35s"},
    ),
    "TintypeBooksDisagree": ({"tintype_books_findings": "3x10"}, "5m", {}, {"{{ $value }}": "3"}),
    "TintypeBooksUnchecked": ({"tintype_books_checked_timestamp_seconds": "0x100"}, "90m", {}, {}),
    "TintypeStripeStuck": ({"tintype_stripe_oldest_seconds": "700x10"}, "5m", {}, {DURATION: "11m 40s"}),
    "TintypeWebhooksStuck": ({"tintype_webhooks_overdue_seconds": "700x10"}, "5m", {}, {}),
    "TintypeMailStuck": ({'tintype_mail_waiting{to="people"}': "30x40"}, "20m", {}, {"{{ $value }}": "30"}),
}
CALM = {
    'up{job="tintype"}': "1x100",
    "tintype_database_up": "1x100",
    "tintype_counted_timestamp_seconds": "0+60x100",
    "tintype_queue_oldest_seconds": "2x100",
    "tintype_hold_oldest_seconds": "30x100",
    'tintype_upstream_circuit_open{upstream="Main"}': "0x100",
    ENDED % ("a", "succeeded", ""): "0+100x100",
    ENDED % ("a", "failed", "generation_failed"): "0+1x100",
    ENDED % ("a", "failed", "content_rejected"): "0+50x100",
    'tintype_requests_total{status="200"}': "0+1000x100",
    'tintype_requests_total{status="500"}': "0+1x100",
    BUCKET % "1": "0+99x100",
    BUCKET % "+Inf": "0+100x100",
    "tintype_books_findings": "0x100",
    "tintype_books_checked_timestamp_seconds": "0+60x100",
    "tintype_stripe_oldest_seconds": "5x100",
    "tintype_webhooks_overdue_seconds": "5x100",
    'tintype_mail_waiting{to="people"}': "3x100",
}


def a_test(series: dict[str, str], at: str, expected: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [
            {"eval_time": at, "alertname": name, "exp_alerts": alerts} for name, alerts in expected.items()
        ],
    }


def test_there_is_a_case_for_each_alert() -> None:
    assert set(FIRING) == set(SUMMARIES)


if PROMTOOL:

    def say(folder: Path, content: dict[str, Any], *command: str) -> None:
        file = folder / "asked.yml"
        file.write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
        done = subprocess.run(
            [str(PROMTOOL), *command, str(file)], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def test_every_expression_of_rules_and_dashboard_is_one(tmp_path: Path) -> None:
        listed = [
            {"record": f"asked:{number}", "expr": expression.replace("${source}", "")}
            for number, expression in enumerate(expressions())
        ]
        say(tmp_path, {"groups": [{"name": "asked", "rules": listed}]}, "check", "rules")
        broken = {"groups": [{"name": "asked", "rules": [{"record": "x", "expr": "sum(rate(x)"}]}]}
        with pytest.raises(AssertionError):
            say(tmp_path, broken, "check", "rules")

    @pytest.mark.parametrize("alert", sorted(FIRING))
    def test_an_alert_fires_with_its_value_in_words(tmp_path: Path, alert: str) -> None:
        series, at, labels, words = FIRING[alert]
        summary = SUMMARIES[alert]
        for placeholder, value in words.items():
            assert placeholder in summary
            summary = summary.replace(placeholder, value)
        told = {
            "exp_labels": {"severity": SEVERITIES[alert], **labels},
            "exp_annotations": {"summary": summary},
        }
        tests = [a_test(series, at, {alert: [told]})]
        say(tmp_path, {"rule_files": [str(DEPLOY / "alerts.yml")], "tests": tests}, "test", "rules")

    def test_none_fires_in_a_shop_that_is_well(tmp_path: Path) -> None:
        tests = [a_test(CALM, "90m", {name: [] for name in FIRING})]
        say(tmp_path, {"rule_files": [str(DEPLOY / "alerts.yml")], "tests": tests}, "test", "rules")
