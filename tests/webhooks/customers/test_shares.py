"""Nobody's receivers hold up the others': what one address, one host and one organization may have under way."""

import pytest
from django.db.models import F
from pytest_django import Settings

from generations import lifecycle
from tests.cast import Person, access_of_user
from tests.makers import a_request, ago
from tests.webhooks.customers.telling import (
    FIVE_DAYS_S,
    an_endpoint,
    an_event,
    log_of,
    make_due,
    send_again_and_again,
    send_due,
    states,
)
from tests.webhooks.receiver import Receiver, Reply
from tests.webhooks.test_rebinding import Rebinding
from webhooks import errands, keeping, resolving, secrets, settling
from webhooks.models import WebhookDelivery, WebhookHost
from webhooks.outbound import Door

pytestmark = pytest.mark.django_db


def an_order_told_at(person: Person, url: str) -> None:
    """One that has ended, and wants that to be told there."""
    request = a_request("a lighthouse")
    object.__setattr__(request, "webhook_url", url)
    lifecycle.cancel(lifecycle.submit(access_of_user(person.user), request, endpoint="test"))


def targets(person: Person) -> int:
    return (
        WebhookDelivery.objects.filter(organization=person.organization).values("target").distinct().count()
    )


def test_slow_receivers_of_one_organization_leave_places_to_the_others(
    alice: Person, charlie: Person, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOKS_AT_ONCE = 8
    for _endpoint in range(4):
        an_endpoint(alice, receiver)
    for number in range(5):
        an_event(alice.organization, number)
    an_endpoint(charlie, receiver)
    an_event(charlie.organization)
    taken = [errand.organization_id for errand in errands.take_due(8)]
    assert sorted(taken) == sorted([alice.organization.pk] * 2 + [charlie.organization.pk])
    assert errands.take_due(8) == []
    WebhookDelivery.objects.update(lease_until=None)
    assert len(errands.take_due(8)) == 3


def test_without_a_share_of_each_organization_they_would_take_all(
    alice: Person, charlie: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errands, "most_of_one_organization", lambda: 1000)
    for _endpoint in range(4):
        an_endpoint(alice, receiver)
    for number in range(5):
        an_event(alice.organization, number)
    an_endpoint(charlie, receiver)
    an_event(charlie.organization)
    assert {errand.organization_id for errand in errands.take_due(8)} == {alice.organization.pk}


def test_addresses_of_orders_at_one_host_share_and_are_slowed_while_it_fails(
    alice: Person, charlie: Person, receiver: Receiver
) -> None:
    for person in (alice, charlie):
        receiver.secrets.append(secrets.default_secret(person.organization))
    for number in range(6):
        an_order_told_at(alice, f"{receiver.url}/{number}")
    an_order_told_at(alice, f"http://localhost:{receiver.port}/")
    an_order_told_at(charlie, receiver.url)
    assert (targets(alice), targets(charlie)) == (2, 1)
    taken = errands.take_due(50)
    assert len(taken) == errands.AT_ONCE + 2
    for errand in taken:
        failed = errand.organization_id == alice.organization.pk and "127.0.0.1" in errand.url
        settling.settle(errand, settling.Outcome(1, status=500 if failed else 200))
    host = WebhookHost.objects.get()
    assert (host.organization, host.target) == (alice.organization, taken[0].target)
    make_due()
    assert len(errands.take_due(50)) == 1
    WebhookDelivery.objects.filter(lease_until__isnull=False).update(lease_until=ago(1))
    [outcome] = send_due()
    assert outcome.is_good
    assert not WebhookHost.objects.exists()
    make_due()
    assert len(errands.take_due(50)) == errands.AT_ONCE


def test_host_that_has_failed_for_days_gets_one_try_of_each_event(alice: Person, receiver: Receiver) -> None:
    """Not switched off, since nobody could enable it; its orders do not pile up either."""
    receiver.secrets.append(secrets.default_secret(alice.organization))
    receiver.answer = lambda _: Reply(503)
    an_order_told_at(alice, receiver.url)
    send_due()
    assert (states(), WebhookHost.objects.count()) == (["pending"], 1)
    send_again_and_again(1)
    assert states() == ["pending"]
    WebhookHost.objects.update(failing_since=ago(FIVE_DAYS_S + 60))
    send_again_and_again(1)
    an_order_told_at(alice, receiver.url)
    send_due()
    assert states() == ["failed", "failed"]
    receiver.answer = lambda _: Reply()
    an_order_told_at(alice, receiver.url)
    send_due()
    assert (states()[2], WebhookHost.objects.count()) == ("succeeded", 0)


def test_410_of_an_orders_address_ends_that_one_alone(alice: Person, receiver: Receiver) -> None:
    receiver.secrets.append(secrets.default_secret(alice.organization))
    receiver.answer = lambda _: Reply(410)
    an_order_told_at(alice, receiver.url)
    send_due()
    assert (states(), WebhookHost.objects.count()) == (["failed"], 0)


def test_hosts_that_nothing_was_sent_to_for_long_are_forgotten(alice: Person, receiver: Receiver) -> None:
    receiver.secrets.append(secrets.default_secret(alice.organization))
    receiver.answer = lambda _: Reply(500)
    an_order_told_at(alice, receiver.url)
    send_due()
    keeping.forget_old()
    assert WebhookHost.objects.count() == 1
    WebhookHost.objects.update(failed_at=ago(31 * 86_400))
    keeping.forget_old()
    assert not WebhookHost.objects.exists()


def test_busy_resolvers_are_waited_for_and_held_against_nobody(
    alice: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = an_endpoint(alice, receiver)
    monkeypatch.setattr(resolving, "TURN_S", 0.05)
    monkeypatch.setattr(resolving, "THREADS", 0)
    an_event(alice.organization)
    for _time in range(12):  # more than there are steps
        make_due()
        [outcome] = send_due(resolve=Rebinding(["127.0.0.1"]))
        assert outcome.error == "busy"
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, states()) == (None, ["pending"])
    soon = WebhookDelivery.objects.filter(next_attempt_at__gt=ago(-29), next_attempt_at__lt=ago(-34), step=0)
    assert soon.exists()
    monkeypatch.setattr(resolving, "THREADS", 8)
    send_again_and_again(1)
    assert states() == ["succeeded"]
    assert log_of(WebhookDelivery.objects.get())[-2:] == [(None, "busy"), (200, "")]


def test_our_own_mistake_is_held_against_nobody(
    alice: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = an_endpoint(alice, receiver)
    receiver.secrets.append(secrets.default_secret(alice.organization))
    an_event(alice.organization)
    an_order_told_at(alice, receiver.url)

    async def broken(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("our own")

    monkeypatch.setattr(Door, "post", broken)
    assert {outcome.error for outcome in send_due()} == {"internal"}
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, WebhookHost.objects.exists()) == (None, False)
    assert "our own" in caplog.text
    assert WebhookDelivery.objects.filter(status="pending", step=F("claim")).count() == 3
    monkeypatch.undo()
    send_again_and_again(1)
    assert set(states()) == {"succeeded"}
