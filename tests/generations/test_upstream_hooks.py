"""What upstreams tell us by themselves: believed only that there is news, and only when they signed it."""

import datetime
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from standardwebhooks import Webhook

from accounts.access import Access
from generations import lifecycle, polling, upstream_hooks
from generations.models import Attempt, Upstream
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer
from tests.makers import a_generation, an_access, an_organization, an_upstream
from tests.upstreams.formats import fal
from tests.upstreams.running import Up, running

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps({"id": "up-1", "status": "succeeded"})


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream_hooks, "_known", {})
    monkeypatch.setattr(upstream_hooks, "_away_until", {})


@pytest.fixture
def access(db: None) -> Access:
    return an_access(an_organization(1000))


@pytest.fixture(scope="module")
def fal_up() -> Iterator[Up]:
    with running("fal") as up:
        yield up


def accepted(access: Access, upstream: Upstream) -> Attempt:
    """One that is asked about in a minute."""
    attempt = lifecycle.begin(a_generation(access), upstream)
    assert attempt is not None
    assert lifecycle.accepted(attempt, Answer(OutcomeKind.WAIT, handle={"get": "x"}, task_id="up-1"), 60)
    return attempt


def told(attempt: Attempt, headers: dict[str, str], body: str = BODY) -> int:
    path = f"/hooks/upstream/{attempt.key.replace(':', '/')}"
    answer: Any = Client().post(path, body, content_type="application/json", headers=headers)
    assert answer.headers["Content-Type"] == "application/json"
    return int(answer.status_code)


def signed(body: str = BODY, *, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
    timestamp = int(at or time.time())
    moment = datetime.datetime.fromtimestamp(timestamp, tz=datetime.UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": Webhook(secret).sign("msg_1", moment, body),
    }


def is_due(attempt: Attempt) -> bool:
    return [question.attempt.pk for question in polling.take_due(5)] == [attempt.pk]


@pytest.mark.django_db
def test_genuine_news_make_it_due_now_also_twice(access: Access) -> None:
    attempt = accepted(access, an_upstream("replicate", webhook_secret=SECRET, uses_webhooks=True))
    assert not is_due(attempt)
    assert [told(attempt, signed()), told(attempt, signed())] == [200, 200]
    assert is_due(attempt)
    attempt.refresh_from_db()
    assert attempt.outcome == "", "What it says of itself is not believed"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(secret="whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        signed(at=time.time() - 3600),
        signed(at=time.time() + 3600),
        signed("another body"),
        {**signed(), "webhook-signature": "v1,"},
    ],
)
def test_forged_or_old_ones_are_refused_and_make_nothing_due(access: Access, headers: dict[str, str]) -> None:
    attempt = accepted(access, an_upstream("replicate", webhook_secret=SECRET, uses_webhooks=True))
    assert told(attempt, headers) == 401
    assert not is_due(attempt)


@pytest.mark.django_db
def test_news_of_what_has_ended_are_taken_and_forgotten(access: Access) -> None:
    attempt = accepted(access, an_upstream("replicate", webhook_secret=SECRET, uses_webhooks=True))
    assert lifecycle.fail(attempt.generation, "x", attempt=attempt, outcome="failed")
    assert told(attempt, signed()) == 200
    assert not is_due(attempt)


@pytest.mark.django_db
def test_who_sends_none_or_whose_secret_cannot_be_read_is_not_listened_to(access: Access) -> None:
    silent = accepted(access, an_upstream("portal", uses_webhooks=True))
    assert told(silent, signed()) == 401
    attempt = accepted(access, an_upstream("replicate", webhook_secret=SECRET, uses_webhooks=True))
    Upstream.objects.update(sealed_webhook_secret="sealed by another key")
    assert told(attempt, signed()) == 404


@pytest.mark.django_db
def test_keys_are_fetched_once_and_news_signed_with_them_are_genuine(access: Access, fal_up: Up) -> None:
    attempt = accepted(access, an_upstream("fal", base_url=fal_up.base_url, uses_webhooks=True))
    headers = fal.signature_of(fal.KEY, "up-1", str(int(time.time())), BODY.encode())
    forged = fal.signature_of(fal.OTHER_KEY, "up-1", str(int(time.time())), BODY.encode())
    assert [told(attempt, headers), told(attempt, forged), told(attempt, headers)] == [200, 401, 200]
    assert is_due(attempt)
    asked = [entry["path"] for entry in fal_up.log() if "jwks" in entry["path"]]
    assert len(asked) == 1, "Forgeries must not make us ask each time"


@pytest.mark.django_db
def test_while_the_keys_cannot_be_had_it_may_be_told_again(access: Access, fal_up: Up) -> None:
    attempt = accepted(access, an_upstream("fal", base_url="http://127.0.0.1:9", uses_webhooks=True))
    headers = fal.signature_of(fal.KEY, "up-1", str(int(time.time())), BODY.encode())
    assert told(attempt, headers) == 503
    Upstream.objects.update(base_url=fal_up.base_url)
    assert told(attempt, headers) == 200


@pytest.mark.django_db
def test_keys_that_cannot_be_had_are_not_asked_for_by_everybody(access: Access, fal_up: Up) -> None:
    attempt = accepted(access, an_upstream("fal", base_url=fal_up.base_url, uses_webhooks=True))
    headers = fal.signature_of(fal.KEY, "up-1", str(int(time.time())), BODY.encode())
    before = sum("jwks" in entry["path"] for entry in fal_up.log())
    fal_up.behave(status=404, body={}, times=10)
    assert [told(attempt, headers) for _ in range(3)] == [503, 503, 503]
    fal_up.behave()
    assert sum("jwks" in entry["path"] for entry in fal_up.log()) == before + 1


@pytest.mark.django_db
def test_an_upstream_that_was_not_asked_to_is_not_listened_to(access: Access) -> None:
    attempt = accepted(access, an_upstream("replicate", webhook_secret=SECRET))
    assert told(attempt, signed()) == 404
    assert not is_due(attempt)
