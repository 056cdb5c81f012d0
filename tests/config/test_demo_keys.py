"""What a newcomer's printed keys may do."""

import pytest
from pytest_django import Settings

from accounts.models import Organization
from config.demo import open_demo
from tests.accounts.client import content, error_of, send

pytestmark = pytest.mark.django_db

PATH = "/api/v1/webhook-endpoints"


def test_test_key_of_a_demo_tries_webhooks_and_reaches_nothing_that_is_live(settings: Settings) -> None:
    settings.DEMO = settings.OUTBOUND_LOOPBACK = True
    assert not Organization.objects.exists()
    welcome = open_demo()
    assert welcome is not None
    body = {"url": "http://127.0.0.1:9/hooks", "events": ["generation.succeeded"]}
    made = content(send("POST", PATH, key=welcome.test_key, body=body))
    assert (made["livemode"], made["url"]) == (False, body["url"])
    tested = send("POST", f"{PATH}/{made['id']}/test", key=welcome.test_key, body={})
    assert content(tested)["event"] == "webhook.test"
    assert error_of(send("POST", PATH, key=welcome.live_key, body=body), 403)["type"] == "insufficient_scope"
    keys = content(send("GET", "/api/v1/keys", key=welcome.test_key))["data"]
    assert [one["livemode"] for one in keys] == [False]
