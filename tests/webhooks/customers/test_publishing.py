"""What customers hear of, told in the very transaction in which it happens."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts import leaks
from accounts.access import Access, access_of_key
from accounts.clock import db_now
from accounts.models import User
from billing import ledger, low_balance, manual, vouchers, welcome
from generations import lifecycle, retention
from generations.lifecycle.shared import NEWS
from generations.models import ENDED, Generation
from tests.billing.gifts import a_voucher
from tests.cast import Person, access_of_user, new_key
from tests.makers import (
    a_generation,
    a_paid_payment,
    a_request,
    a_submitted,
    age,
    ago,
    new_reference,
    stored_images,
)
from tests.webhooks.customers.telling import an_endpoint, an_event, send_due
from tests.webhooks.receiver import Receiver
from webhooks import secrets
from webhooks.models import WebhookDelivery, WebhookEvent
from webhooks.publishing import publish

pytestmark = pytest.mark.django_db


def succeed(access: Access) -> Generation:
    generation, attempt = a_submitted(access)
    assert lifecycle.succeed(generation, attempt, stored_images(generation, 1))
    return generation


def fail(access: Access) -> Generation:
    generation, attempt = a_submitted(access)
    assert lifecycle.fail(generation, "content_rejected", attempt=attempt, outcome="rejected")
    return generation


def cancel(access: Access) -> Generation:
    generation = a_generation(access)
    lifecycle.cancel(generation)
    return generation


def expire(access: Access) -> Generation:
    generation = a_generation(access)
    age(generation, deadline_at=1)
    assert lifecycle.expire(generation)
    return generation


def give_up(access: Access) -> Generation:
    generation = a_generation(access)
    assert lifecycle.give_up(generation, "upstream_unavailable")
    return generation


ENDS: list[tuple[Callable[[Access], Generation], str]] = [
    (succeed, "generation.succeeded"),
    (fail, "generation.failed"),
    (cancel, "generation.canceled"),
    (expire, "generation.failed"),
    (give_up, "generation.failed"),
]


def told() -> list[str]:
    return list(WebhookEvent.objects.order_by("sequence").values_list("type", flat=True))


def test_every_end_of_an_order_is_told_once(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    orders = [end(access_of_user(alice.user)) for end, _word in ENDS]
    assert told() == [word for _end, word in ENDS]
    while send_due():
        pass
    heard = {one.event["data"]["id"]: one.event for one in receiver.received}
    assert len(heard) == len(receiver.received) == len(ENDS)
    for generation, (_end, word) in zip(orders, ENDS, strict=True):
        event = heard[generation.task_id]
        generation.refresh_from_db()
        assert (event["type"], event["data"]["status"]) == (word, generation.status)


def test_event_of_an_order_bears_its_whole_shape(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    generation = succeed(access_of_user(alice.user))
    send_due()
    data = receiver.received[0].event["data"]
    assert set(data) == {
        *(
            "id",
            "object",
            "livemode",
            "status",
            "progress",
            "model",
            "prompt",
            "aspect_ratio",
            "width",
            "height",
        ),
        *("seed", "n", "output_format", "price_credits", "consumed_credits", "images", "metadata", "error"),
        *("created_at", "started_at", "finished_at", "expires_at", "images_deleted_at"),
    }
    assert (data["object"], data["progress"], data["consumed_credits"], data["error"]) == (
        "generation",
        100,
        15,
        None,
    )
    [image] = data["images"]
    assert set(image) == {"id", "url", "thumbnail_url", "width", "height", "content_type", "bytes", "sha256"}
    assert "&s=" in image["url"]
    assert generation.prompt in receiver.received[0].raw.decode()
    assert WebhookEvent.objects.get().data is None  # the prompt stays where it was


def test_failed_order_says_why(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    fail(access_of_user(alice.user))
    send_due()
    data = receiver.received[0].event["data"]
    assert data["error"]["type"] == "content_rejected"
    assert (data["images"], data["expires_at"], data["consumed_credits"]) == ([], None, 0)


def test_links_and_prompt_are_as_they_are_at_each_try(
    alice: Person, receiver: Receiver, settings: Settings
) -> None:
    an_endpoint(alice, receiver)
    generation = succeed(access_of_user(alice.user))
    settings.RETENTION_DAYS = 1
    generation.images.update(created_at=ago(2 * 86_400))
    row = Generation.objects.filter(pk=generation.pk)
    row.update(metadata_text='{"customer": "Ms Example"}', webhook_url="https://example.org/secret-path")
    retention.forget_prompts([generation.pk])
    assert row.values_list("metadata_text", "webhook_url").get() == ("", "")
    send_due()
    data = receiver.received[0].event["data"]
    assert (data["images"], data["expires_at"]) == ([], None)
    assert data["prompt"] != "a lighthouse"


def test_nobody_who_listens_costs_one_query(alice: Person) -> None:
    an_event(alice.organization)  # compiles it
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        an_event(alice.organization)
    asked = [query["sql"] for query in queries if "webhooks_" in query["sql"]]
    assert len(asked) == 1
    assert not WebhookEvent.objects.exists()


def test_what_is_undone_is_not_told(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    with transaction.atomic():
        an_event(alice.organization)
        transaction.set_rollback(True)
    assert told() == []
    an_event(alice.organization)
    an_event(alice.organization)
    assert list(WebhookEvent.objects.order_by("pk").values_list("sequence", flat=True)) == [1, 2]


def test_endpoint_hears_only_what_it_asked_for(alice: Person, charlie: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver, ["generation.failed"])
    an_endpoint(charlie, receiver)
    succeed(access_of_user(alice.user))
    fail(access_of_user(alice.user))
    assert told() == ["generation.failed"]
    assert WebhookEvent.objects.get().organization == alice.organization


def test_test_orders_are_told_to_test_endpoints_alone(alice: Person, receiver: Receiver) -> None:
    live = an_endpoint(alice, receiver)
    test = an_endpoint(alice, receiver, livemode=False)
    succeed(access_of_key(new_key(alice, livemode=False)[0]))
    assert [one.endpoint for one in WebhookDelivery.objects.select_related("endpoint")] == [test]
    succeed(access_of_user(alice.user))
    assert WebhookDelivery.objects.filter(endpoint=live).count() == 1


def test_address_of_an_order_is_told_with_the_default_secret(alice: Person, receiver: Receiver) -> None:
    receiver.secrets.append(secrets.default_secret(alice.organization))
    request = a_request("a lighthouse")
    object.__setattr__(request, "webhook_url", receiver.url)
    generation = lifecycle.submit(access_of_user(alice.user), request, endpoint="test")
    lifecycle.cancel(generation)
    send_due()
    assert receiver.types == ["generation.canceled"]
    delivery = WebhookDelivery.objects.get()
    assert (delivery.url, delivery.endpoint, delivery.status) == (receiver.url, None, "succeeded")


def test_credits_that_come_are_told_whichever_way_they_come(
    alice: Person, receiver: Receiver, settings: Settings
) -> None:
    an_endpoint(alice, receiver)
    a_paid_payment(alice.organization, 1000)
    a_voucher("SPRING-2026", 100)
    vouchers.redeem(alice.organization, alice.user, "SPRING-2026")
    settings.WELCOME_CREDITS = 50
    User.objects.filter(pk=alice.user.pk).update(email_confirmed_at=db_now())
    welcome.give(alice.user, "203.0.113.7")
    manual.grant(alice.organization.pk, 7, reason="goodwill")
    send_due()
    heard = [(one.event["data"]["kind"], one.event["data"]["credits"]) for one in receiver.received]
    assert heard == [("purchase", 1000), ("voucher", 100), ("welcome", 50), ("grant", 7)]
    assert receiver.received[-1].event["data"]["balance"]["available"] == 1500 + 1157


def test_low_credits_are_told_once(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    low_balance.set_threshold(alice.organization.pk, 1000)
    ledger.take(alice.organization.pk, 600, reference=new_reference("manual"), actor="system")
    assert (low_balance.look(), low_balance.look()) == (1, 0)
    send_due()
    [one] = receiver.received
    assert one.event["data"] == {"available": 900, "threshold": 1000}


def test_key_that_was_found_in_public_is_told_once(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    key, text = new_key(alice)
    for _time in range(2):
        leaks.report([leaks.Finding(text, "https://pastes.example/1")], source="github")
    send_due()
    [one] = receiver.received
    assert (one.event["type"], one.event["data"]["key"]) == ("key.compromised", key.public_id)
    assert text not in one.raw.decode()


def test_what_is_forgotten_for_good_is_given_up(alice: Person, receiver: Receiver) -> None:
    endpoint = an_endpoint(alice, receiver)
    publish(alice.organization.pk, "generation.failed", livemode=True, reference="generation:task_gone")
    [outcome] = send_due()
    assert outcome.error == "gone"
    endpoint.refresh_from_db()
    assert (WebhookDelivery.objects.get().status, endpoint.failing_since) == ("failed", None)
    assert receiver.received == []


def test_every_status_that_ends_an_order_has_a_word() -> None:
    assert set(NEWS) == set(ENDED)
