"""How long the log is kept, what of it is exported, and what is left once an organization is closed."""

import pytest

from accounts import hooks
from accounts.hooks import ExportDocument
from accounts.models import Organization
from accounts.privacy import closing
from generations import lifecycle
from tests.cast import Person, access_of_user
from tests.makers import a_request, ago, status_of
from tests.webhooks.customers.telling import an_endpoint, an_event, send_due
from tests.webhooks.receiver import Receiver, Reply
from webhooks import keeping, secrets
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookFeed

pytestmark = pytest.mark.django_db


def test_log_is_kept_for_a_month_and_what_waits_stays(alice: Person, receiver: Receiver) -> None:
    an_endpoint(alice, receiver)
    for number in range(3):
        an_event(alice.organization, number)
    send_due(2)
    old, young, waiting = WebhookDelivery.objects.order_by("pk")
    WebhookDelivery.objects.exclude(pk=young.pk).update(created_at=ago(31 * 86_400))
    assert keeping.forget_old() == 1
    assert set(WebhookDelivery.objects.all()) == {young, waiting}
    assert WebhookEvent.objects.count() == 2
    assert not WebhookAttempt.objects.filter(delivery=old.pk).exists()
    assert keeping.forget_old() == 0


def test_export_holds_endpoints_and_their_log_but_no_secret(alice: Person, receiver: Receiver) -> None:
    endpoint = an_endpoint(alice, receiver)
    receiver.answer = lambda _: Reply(500, b"oh no")
    an_event(alice.organization)
    send_due()
    documents = {one.name: list(one.rows) for one in sections(alice.organization)}
    [known] = documents["webhook_endpoints.json"]
    assert (known["id"], known["url"]) == (endpoint.public_id, receiver.url)
    [delivery] = documents["webhook_deliveries.json"]
    assert (delivery["endpoint"], delivery["event"], delivery["data"]) == (
        endpoint.public_id,
        "credits.added",
        {"credits": 1},
    )
    assert [attempt["answer"] for attempt in delivery["attempts"]] == ["oh no"]
    assert "whsec_" not in repr(documents)
    assert endpoint.sealed_secret not in repr(documents)


def sections(organization: Organization) -> list[ExportDocument]:
    found = keeping.sections(organization)
    return [one for one in found if isinstance(one, ExportDocument)]


def test_closed_organization_keeps_ids_alone_and_is_told_nothing_more(
    alice: Person, charlie: Person, receiver: Receiver
) -> None:
    an_endpoint(alice, receiver)
    an_endpoint(charlie, receiver)
    secrets.default_secret(alice.organization)
    for person in (alice, charlie):
        an_event(person.organization)
    assert keeping.forget in hooks.organization_blanked
    closing.ask(access_of_user(alice.user))
    Organization.objects.filter(pk=alice.organization.pk).update(closing_at=ago(15 * 86_400))
    assert closing.close_due() == 1
    [endpoint] = WebhookEndpoint.objects.filter(organization=alice.organization)
    assert (endpoint.url, endpoint.events, endpoint.sealed_secret, endpoint.enabled) == ("", [], "", False)
    assert endpoint.deleted_at is not None
    assert not WebhookFeed.objects.filter(pk=alice.organization.pk).exists()
    for kind in (WebhookDelivery, WebhookEvent):
        assert set(kind._default_manager.values_list("organization", flat=True)) == {charlie.organization.pk}
    an_event(alice.organization)
    send_due()
    assert len(receiver.received) == 1


@pytest.mark.parametrize("closed", [True, False])
def test_order_that_ends_after_its_organization_was_closed_writes_no_news(
    alice: Person, receiver: Receiver, closed: bool
) -> None:
    """`closed` False: just before, when it can no longer be taken back and its rows are being blanked."""
    request = a_request("a lighthouse")
    object.__setattr__(request, "webhook_url", receiver.url)
    generation = lifecycle.submit(access_of_user(alice.user), request, endpoint="test")
    Organization.objects.filter(pk=alice.organization.pk).update(
        closing_at=ago(15 * 86_400), closed_at=ago(0) if closed else None
    )
    lifecycle.cancel(generation)
    assert status_of(generation)[0] == "canceled"
    for kind in (WebhookDelivery, WebhookEvent, WebhookFeed):
        assert not kind._default_manager.exists()


def test_order_that_ends_while_its_organization_may_still_stay_is_told(
    alice: Person, receiver: Receiver
) -> None:
    receiver.secrets.append(secrets.default_secret(alice.organization))
    request = a_request("a lighthouse")
    object.__setattr__(request, "webhook_url", receiver.url)
    generation = lifecycle.submit(access_of_user(alice.user), request, endpoint="test")
    WebhookFeed.objects.all().delete()  # as if this were its first news
    closing.ask(access_of_user(alice.user))
    assert status_of(generation)[0] == "canceled"
    receiver.secrets.append(secrets.default_secret(alice.organization))
    send_due()
    assert receiver.types == ["generation.canceled"]


def test_what_is_still_to_be_sent_as_an_organization_closes_brings_back_no_secret(
    alice: Person, receiver: Receiver
) -> None:
    an_event(alice.organization, url=receiver.url)
    an_event(alice.organization, url=receiver.url)
    steps = keeping.forget(alice.organization)
    next(steps)  # the feed is gone, the deliveries are not yet
    assert [outcome.error for outcome in send_due()] == ["gone", "gone"]
    assert not WebhookFeed.objects.exists()
    list(steps)
    assert not WebhookDelivery.objects.exists()
