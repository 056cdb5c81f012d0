"""How long the log is kept, what of it is exported, and what is left once an organization is closed."""

import pytest

from accounts import closing, hooks
from accounts.access import access_of_user
from accounts.hooks import ExportDocument
from accounts.models import Organization
from tests.cast import Person
from tests.makers import ago
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
