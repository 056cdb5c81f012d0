"""Every event arrives, signed, whatever its receiver does meanwhile; and none where it is not wanted."""

import datetime
import json

import pytest
from pytest_django import Settings

from accounts.clock import read_db_now
from accounts.models import AuditEvent, QueuedMail
from tests.cast import Person, access_of_user
from tests.makers import ago
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
from tests.webhooks.receiver import Receiver, Reply, receiving
from webhooks import carrying, secrets, service, settling
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.publishing import publish
from webhooks.settling import PAUSES_S, pause_before

pytestmark = pytest.mark.django_db


def test_event_arrives_signed_in_the_agreed_shape(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    an_event(alice.organization, 7)
    send_due()
    [one] = receiver.received
    assert set(one.event) == {"type", "timestamp", "sequence", "data"}
    assert (one.event["type"], one.event["sequence"], one.event["data"]) == (
        "credits.added",
        1,
        {"credits": 7},
    )
    delivery = WebhookDelivery.objects.get()
    assert one.id == delivery.public_id
    assert one.headers["webhook-signature"].startswith("v1,")
    assert (delivery.status, delivery.claim, delivery.response_status) == ("succeeded", 1, 200)
    [attempt] = delivery.attempts.all()
    assert (attempt.answer, attempt.error) == ("thanks", "")
    assert send_due() == []


def test_receiver_that_was_down_is_told_once_it_is_back(alice: Person) -> None:
    with receiving() as first:
        an_endpoint(alice, first)
        port, known = first.port, first.secrets
    an_event(alice.organization)
    send_due()
    send_again_and_again(2)
    delivery = WebhookDelivery.objects.get()
    assert log_of(delivery) == [(None, "unreachable")] * 3
    assert delivery.status == "pending"
    with receiving(port) as again:
        again.secrets = known
        send_again_and_again(1)
        assert again.types == ["credits.added"]
    assert states() == ["succeeded"]
    assert WebhookEndpoint.objects.get().failing_since is None


def test_errors_are_tried_again_by_the_schedule_and_then_given_up(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    receiver.answer = lambda _: Reply(500, b"oh \x00 no")
    an_event(alice.organization)
    for step, planned_s in enumerate(PAUSES_S[1:], 1):
        make_due()
        send_due()
        delivery = WebhookDelivery.objects.get()
        assert delivery.next_attempt_at is not None
        wait_s = (delivery.next_attempt_at - read_db_now()).total_seconds()
        assert planned_s - 2 <= wait_s <= planned_s * 1.1 + 1, step
        assert delivery.step == step
    make_due()
    send_due()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.claim, delivery.next_attempt_at) == ("failed", 10, None)
    assert len({one.id for one in receiver.received}) == 1
    assert delivery.attempts.order_by("pk")[0].answer == "oh   no"
    assert make_due() == 0


def test_schedule_takes_less_than_an_endpoint_has_until_it_is_switched_off(settings: Settings) -> None:
    assert sum(PAUSES_S) == 75 * 3600 + 35 * 60 + 5
    assert sum(PAUSES_S) * 1.1 < settings.WEBHOOK_DISABLE_DAYS * 86_400


def test_receiver_that_takes_too_long_is_tried_again(
    alice: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert carrying.TOTAL_S == 15.0
    monkeypatch.setattr(carrying, "TOTAL_S", 0.2)
    an_endpoint(alice, receiver)
    receiver.answer = lambda _: Reply(after_s=1.0)
    an_event(alice.organization)
    [outcome] = send_due()
    assert (outcome.error, outcome.status) == ("timeout", None)
    assert states() == ["pending"]
    receiver.answer = lambda _: Reply()
    send_again_and_again(1)
    assert states() == ["succeeded"]


def test_redirect_is_a_failure_and_followed_nowhere(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    with receiving() as inside:
        receiver.answer = lambda _: Reply(302, headers={"Location": f"http://127.0.0.1:{inside.port}/inside"})
        an_event(alice.organization)
        [outcome] = send_due()
        assert outcome.status == 302
        assert (inside.received, inside.forged) == ([], [])
    assert states() == ["pending"]


def test_410_switches_the_endpoint_off_and_nothing_comes_until_it_is_enabled(
    alice: Person, bob: Person, receiver: Receiver
) -> None:
    endpoint = an_endpoint(alice, receiver)
    an_event(alice.organization, 1)
    an_event(alice.organization, 2)
    receiver.answer = lambda _: Reply(410)
    send_due(1)
    assert len(receiver.received) == 1
    an_event(alice.organization, 3)
    send_again_and_again(2)
    assert len(receiver.received) == 1
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "gone")
    assert states() == ["failed", "failed"]
    assert WebhookDelivery.objects.order_by("pk")[0].response_status == 410
    told = set(QueuedMail.objects.filter(template="webhook_disabled").values_list("to", flat=True))
    assert told == {alice.user.email, bob.user.email}
    assert AuditEvent.objects.filter(action="webhook_disabled", subject=endpoint.public_id).count() == 1
    receiver.answer = lambda _: Reply()
    access = access_of_user(alice.user)
    with pytest.raises(service.EndpointDisabled):
        service.replay(access, WebhookDelivery.objects.order_by("pk")[0])
    service.change(access, endpoint, {"enabled": True})
    assert service.replay_failed(access, read_db_now() - datetime.timedelta(hours=1)) == 2
    send_due()
    an_event(alice.organization, 4)
    send_due()
    assert [one.event["data"]["credits"] for one in receiver.received] == [1, 1, 2, 4]


def test_what_was_published_as_its_endpoint_was_switched_off_is_not_sent(
    alice: Person, receiver: Receiver
) -> None:
    an_endpoint(alice, receiver)
    an_event(alice.organization)
    WebhookEndpoint.objects.update(enabled=False, disabled_reason="by_hand")
    assert send_due() == []
    assert settling.end_stranded() == 1
    assert states() == ["failed"]


def test_endpoint_that_fails_for_days_is_switched_off(alice: Person, receiver: Receiver) -> None:
    endpoint = an_endpoint(alice, receiver)
    receiver.answer = lambda _: Reply(503)
    an_event(alice.organization)
    send_due()
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None
    WebhookEndpoint.objects.update(failing_since=ago(FIVE_DAYS_S - 60))
    send_again_and_again(1)
    endpoint.refresh_from_db()
    assert endpoint.enabled
    WebhookEndpoint.objects.update(failing_since=ago(FIVE_DAYS_S + 60))
    send_again_and_again(1)
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, "failing")
    assert QueuedMail.objects.filter(template="webhook_disabled").count() == 1


def test_one_success_forgives_what_failed_before(alice: Person, receiver: Receiver) -> None:
    endpoint = an_endpoint(alice, receiver)
    WebhookEndpoint.objects.update(failing_since=ago(FIVE_DAYS_S + 60))
    an_event(alice.organization)
    send_due()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.failing_since) == (True, None)


@pytest.mark.parametrize(
    ("asked", "expected_s"),
    [
        ("600", 600),
        ("3", 5),
        ("999999999999", 86_400),
        ("soon", 5),
        ("-7", 5),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 86_400),
    ],
)
def test_retry_after_is_honoured_within_a_day(asked: str, expected_s: int) -> None:
    wait_s = pause_before(1, asked).total_seconds()
    assert expected_s <= wait_s <= max(expected_s, 5 * 1.1)


def test_answer_that_asks_for_time_gets_it(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    receiver.answer = lambda _: Reply(503, headers={"Retry-After": "1200"})
    an_event(alice.organization)
    send_due()
    due_at = WebhookDelivery.objects.get().next_attempt_at
    assert due_at is not None
    assert due_at - read_db_now() > datetime.timedelta(seconds=1190)


def test_both_secrets_sign_for_a_day_after_a_rotation(alice: Person, receiver: Receiver) -> None:
    endpoint = an_endpoint(alice, receiver)
    [old] = receiver.secrets
    new = service.rotate(access_of_user(alice.user), endpoint)
    for known in (old, new):
        receiver.secrets = [known]
        an_event(alice.organization)
        send_due()
    assert [len(one.headers["webhook-signature"].split(" ")) for one in receiver.received] == [2, 2]
    WebhookEndpoint.objects.update(old_secret_until=ago(1))
    an_event(alice.organization)
    send_due()
    assert len(receiver.received[-1].headers["webhook-signature"].split(" ")) == 1
    assert secrets.forget_old() == 1
    assert WebhookEndpoint.objects.get().sealed_old_secret == ""


def test_replay_sends_the_same_again_under_its_own_id(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    an_event(alice.organization)
    send_due()
    service.replay(access_of_user(alice.user), WebhookDelivery.objects.get())
    send_due()
    first, second = receiver.received
    assert (first.id, first.raw) == (second.id, second.raw)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.claim, delivery.status, delivery.attempts.count()) == (2, "succeeded", 2)


def test_what_cannot_be_signed_is_no_failure_of_its_receiver(alice: Person, receiver: Receiver) -> None:
    endpoint = an_endpoint(alice, receiver)
    WebhookEndpoint.objects.update(sealed_secret="not sealed by us")
    an_event(alice.organization)
    [outcome] = send_due()
    assert outcome.error == "no_secret"
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, states()) == (None, ["pending"])


def test_order_of_one_endpoint_takes_no_more_than_its_share(alice: Person, receiver: Receiver) -> None:
    """And one that fails gets one try at once, so that those that work are not kept waiting."""
    from webhooks import errands

    an_endpoint(alice, receiver)
    for number in range(10):
        an_event(alice.organization, number)
    with receiving() as other:
        an_endpoint(alice, other, ["credits.added"])
        an_event(alice.organization, 99)
        taken = errands.take_due(50)
        urls = [errand.url for errand in taken]
        assert (urls.count(receiver.url), urls.count(other.url)) == (errands.AT_ONCE, 1)
        assert errands.take_due(50) == []
    WebhookDelivery.objects.update(lease_until=None)
    WebhookEndpoint.objects.update(failing_since=ago(60))
    assert len(errands.take_due(50)) == 2


def test_dead_endpoints_with_many_events_hold_up_nobody(
    alice: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: each round of looks passes over those that have their share already."""
    from webhooks import errands

    monkeypatch.setattr(errands, "MOST_LOOKS", 2)
    for _dead in range(3):
        an_endpoint(alice, receiver)
    for number in range(4):
        an_event(alice.organization, number)
    WebhookEndpoint.objects.update(failing_since=ago(60))
    with receiving() as working:
        an_endpoint(alice, working, ["credits.low"])
        publish(alice.organization.pk, "credits.low", livemode=True, data={"available": 1})
        taken = [errand.url for _round in range(3) for errand in errands.take_due(2)]
    assert (taken.count(receiver.url), taken.count(working.url)) == (3, 1)


def test_what_an_earlier_address_answers_says_nothing_about_the_one_that_replaced_it(
    alice: Person, receiver: Receiver
) -> None:
    from webhooks import errands

    endpoint = an_endpoint(alice, receiver)
    an_event(alice.organization, 1)
    an_event(alice.organization, 2)
    on_their_way = errands.take_due(2)
    WebhookEndpoint.objects.update(failing_since=ago(FIVE_DAYS_S + 60))
    endpoint.refresh_from_db()
    service.change(access_of_user(alice.user), endpoint, {"url": f"{receiver.url}?moved"})
    for errand, status in zip(on_their_way, (410, 503), strict=True):
        settling.settle(errand, settling.Outcome(1, status=status))
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.failing_since) == (True, None)


def test_log_keeps_only_the_beginning_of_an_answer(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    receiver.answer = lambda _: Reply(500, json.dumps({"x": "y" * 100_000}).encode())
    an_event(alice.organization)
    send_due()
    assert len(WebhookDelivery.objects.get().attempts.get().answer) == 500
