"""What somebody wants sent again is sent again, also when it is on its way at that moment; and nothing else is."""

import pytest

from accounts.errors import OrganizationSuspended
from accounts.models import AuditEvent
from accounts.organizations import resume, suspend
from generations import lifecycle
from tests.accounts.client import error_of, send
from tests.cast import Person, access_of_user, new_key
from tests.makers import a_generation, ago
from tests.pages import browser_of, text_of
from tests.webhooks.customers.telling import an_endpoint, an_event, log_of, send_due, states
from tests.webhooks.receiver import Receiver, Reply
from webhooks import errands, service, settling
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.settling import PAUSES_S, Outcome

pytestmark = pytest.mark.django_db

LAST_STEP = len(PAUSES_S) - 1


@pytest.mark.parametrize(
    ("answered", "step"),
    [(Outcome(1, status=200), 0), (Outcome(1, status=500), 3), (Outcome(1, error="timeout"), LAST_STEP)],
)
def test_what_is_wanted_again_while_it_is_being_sent_is_sent_once_more(
    alice: Person, receiver: Receiver, answered: Outcome, step: int
) -> None:
    an_endpoint(alice, receiver)
    an_event(alice.organization)
    WebhookDelivery.objects.update(step=step)
    [under_way] = errands.take_due(1)
    service.replay(access_of_user(alice.user), WebhookDelivery.objects.get())
    assert errands.take_due(1) == []  # not twice at once
    settling.settle(under_way, answered)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.step, delivery.response_status) == ("pending", 0, answered.status)
    [outcome] = send_due()
    assert outcome.is_good
    assert (states(), send_due()) == (["succeeded"], [])
    assert log_of(delivery) == [(answered.status, answered.error), (200, "")]


def test_410_ends_also_what_was_wanted_again_meanwhile(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    an_event(alice.organization)
    [under_way] = errands.take_due(1)
    service.replay(access_of_user(alice.user), WebhookDelivery.objects.get())
    settling.settle(under_way, Outcome(1, status=410))
    assert (states(), send_due()) == (["failed"], [])


def test_what_went_to_a_deleted_endpoint_cannot_be_sent_again_and_says_so(
    alice: Person, receiver: Receiver
) -> None:
    endpoint = an_endpoint(alice, receiver)
    an_event(alice.organization)
    send_due()
    service.delete(access_of_user(alice.user), endpoint)
    delivery = WebhookDelivery.objects.get()
    manager = new_key(alice, scopes=["admin"])[1]
    path = f"/api/v1/webhook-deliveries/{delivery.public_id}/replay"
    error = error_of(send("POST", path, key=manager, body={}), 409)
    assert error["type"] == "endpoint_deleted"
    browser = browser_of(alice)
    page = f"/webhooks/deliveries/{delivery.public_id}/"
    text = text_of(browser.post(f"{page}again/", follow=True))
    assert "was deleted" in text
    assert "Enable" not in text
    assert "Send it again" not in text_of(browser.get(page))
    assert (states(), send_due()) == (["succeeded"], [])


def test_suspended_organization_is_told_what_ends_but_has_nothing_sent_as_it_likes(
    alice: Person, receiver: Receiver
) -> None:
    """What it ordered before was paid for; yet a shop suspends who does harm, and a webhook can do some."""
    access = access_of_user(alice.user)
    endpoint = an_endpoint(alice, receiver, ["generation.canceled"])
    off = an_endpoint(alice, receiver, ["generation.failed"])
    service.change(access, off, {"enabled": False})
    generation = a_generation(access)
    suspend(alice.organization)
    access = access_of_user(alice.user)
    lifecycle.cancel(generation)
    receiver.answer = lambda _: Reply(500)
    send_due()
    WebhookDelivery.objects.update(next_attempt_at=ago(1))
    receiver.answer = lambda _: Reply()
    send_due()
    assert (receiver.types, states()) == (["generation.canceled"] * 2, ["succeeded"])
    delivery = WebhookDelivery.objects.get()
    off.refresh_from_db()
    for refused in (
        lambda: service.create(access, url=receiver.url, events=["credits.low"], livemode=True),
        lambda: service.change(access, endpoint, {"url": f"{receiver.url}?moved"}),
        lambda: service.change(access, off, {"enabled": True}),
        lambda: service.send_test(access, endpoint),
        lambda: service.replay(access, delivery),
        lambda: service.replay_failed(access, delivery.created_at),
    ):
        with pytest.raises(OrganizationSuspended):
            refused()
    browser = browser_of(alice)
    page, log = f"/webhooks/{endpoint.public_id}/", f"/webhooks/deliveries/{delivery.public_id}/"
    fields = {"url": f"{receiver.url}?moved", "events": ["credits.low"]}
    answers = [
        browser.post(page, fields),
        browser.post(f"{page}test/"),
        browser.post("/webhooks/new/", fields),
    ]
    answers += [browser.post(f"/webhooks/{off.public_id}/switch/", {"enabled": "yes"})]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert all("This organization is suspended" in text_of(answer) for answer in answers)
    assert "is suspended" in text_of(browser.post(f"{log}again/", follow=True))
    assert send_due() == []
    service.change(access, endpoint, {"enabled": False, "events": ["credits.low"]})
    service.delete(access, endpoint)
    assert not WebhookEndpoint.objects.filter(enabled=True).exists()
    assert not AuditEvent.objects.filter(action="webhook_replayed").exists()
    resume(alice.organization)
    service.change(access_of_user(alice.user), off, {"enabled": True})
