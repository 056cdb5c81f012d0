"""Incidents, and the orders that they are about."""

import datetime
from typing import Any

from accounts.access import Access
from accounts.clock import read_db_now
from accounts.shops import first_shop
from generations import incidents, lifecycle
from generations.models import Affected, Generation, Incident
from tests.makers import a_submitted, age, stored_images

LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def a_failed(access: Access, error_type: str = "generation_failed", *, seconds_ago: float = 60) -> Generation:
    generation, attempt = a_submitted(access)
    assert lifecycle.fail(generation, error_type, attempt=attempt, outcome="failed")
    age(generation, finished_at=seconds_ago)
    generation.refresh_from_db()
    return generation


def a_succeeded(access: Access, *, seconds_ago: float = 60) -> Generation:
    generation, attempt = a_submitted(access)
    assert lifecycle.succeed(generation, attempt, stored_images(generation, 1))
    age(generation, finished_at=seconds_ago)
    generation.refresh_from_db()
    return generation


def an_incident(**fields: Any) -> Incident:
    """About all orders that have failed until now, unless said otherwise."""
    usual: dict[str, Any] = {
        "name": "The outage of Monday",
        "since": LONG_AGO,
        "until": read_db_now(),
        "upstream": None,
        "affected": Affected.FAILED,
        "credits_each": None,
        "actor": "system",
    }
    incident, _is_new = incidents.draft(first_shop(), **usual | fields)
    return incident
