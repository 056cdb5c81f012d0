"""What log lines and figures tell of an order that succeeds, one that fails, and one that goes elsewhere."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from accounts import trail
from accounts.access import Access
from accounts.models import Organization
from config.logs import JsonFormatter
from config.watching import meters
from generations.models import Generation
from tests.generations.at_upstreams.driving import COST_MICROS, at, ended, order
from tests.upstreams.running import Up
from tests.waiting import wait_until

PROMPT = "a walrus that nobody may read of"


class Lines(logging.Handler):
    """As they are written down."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(JsonFormatter())
        self.written: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler.written
    logging.getLogger().removeHandler(handler)


@pytest.fixture(autouse=True)
def _counted(organization: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "LAG", timedelta(seconds=-5))
    meters.count()


def ordered(access: Access, request_id: str) -> Generation:
    """As a request with this id orders."""
    before = trail.request_id.set(request_id)
    try:
        return order(access, PROMPT)
    finally:
        trail.request_id.reset(before)


def counts(name: str) -> dict[str, int]:
    meters.count()
    return {
        " ".join(labels[label] for label in sorted(labels)): value
        for known, labels, value in meters.read()
        if known == name
    }


def told(lines: list[dict[str, Any]], generation: Generation) -> list[str]:
    """All that is written of an order that has ended, without the names of it and its attempts."""
    last = f"{generation.task_id} has ended"  # written after the commit, by whichever thread
    wait_until(lambda: [line for line in lines if line["message"].startswith(last)], "its last line")
    ours = [
        line
        for line in lines
        if line.get("task_id") == generation.task_id or generation.task_id in line["message"]
    ]
    assert all(PROMPT not in json.dumps(line) for line in lines)
    assert {line.get("request_id") for line in ours} == {generation.request_id}
    return [
        line["message"].replace(generation.task_id, "it")
        for line in ours
        if line["logger"].startswith("gener")
    ]


def test_a_success(access: Access, ups: dict[str, Up], lines: list[dict[str, Any]]) -> None:
    upstream = at(ups["portal"])
    generation = ordered(access, "req_of_a_success")
    assert ended(generation) == ("succeeded", "")
    assert told(lines, generation) == [
        "it was accepted",
        f"it:1: sent to {upstream}",
        f"it:1: ok by {upstream}",
        "it has ended: succeeded",
    ]
    assert counts(meters.ENDED) == {" live succeeded": 1}
    assert counts(meters.ATTEMPTS) == {f"ok {upstream}": 1}
    assert counts(meters.COST) == {str(upstream): COST_MICROS}
    [sent] = [
        one for one in ups["portal"].log() if one["headers"].get("x-request-id") == f"{generation.task_id}:1"
    ]
    assert sent["method"] == "POST"


def test_a_failure(access: Access, ups: dict[str, Up], lines: list[dict[str, Any]]) -> None:
    upstream = at(ups["openai_compatible"])
    ups["openai_compatible"].behave(status=400, body={"error": {"message": PROMPT}}, times=1)
    generation = ordered(access, "req_of_a_failure")
    assert ended(generation) == ("failed", "invalid_request")
    assert told(lines, generation)[1:] == [
        f"it:1: sent to {upstream}",
        f"it:1: invalid by {upstream}",
        f"it:1: {upstream} did not accept our request",
        "it has ended: failed",
    ]
    assert counts(meters.ENDED) == {"invalid_request live failed": 1}
    assert counts(meters.ATTEMPTS) == {f"invalid {upstream}": 1}
    assert counts(meters.COST) == {}


def test_a_failover(access: Access, ups: dict[str, Up], lines: list[dict[str, Any]]) -> None:
    broken, works = at(ups["fal"], priority=1), at(ups["openai_compatible"], priority=2)
    ups["fal"].behave(status=401, body={}, times=1)
    generation = ordered(access, "req_of_a_failover")
    assert ended(generation) == ("succeeded", "")
    assert told(lines, generation)[1:] == [
        f"it:1: sent to {broken}",
        f"it:1: account by {broken}",
        f"it:2: sent to {works}",
        f"it:2: ok by {works}",
        "it has ended: succeeded",
    ]
    assert counts(meters.ATTEMPTS) == {f"account {broken}": 1, f"ok {works}": 1}
    assert counts(meters.ENDED) == {" live succeeded": 1}
