"""Telling customers reads as few rows after a million deliveries as after a hundred."""

from collections.abc import Callable

import pytest
from django.db import connection

from accounts.clock import read_db_now
from accounts.hooks import ExportDocument
from tests.cast import Person, access_of_user
from tests.makers import ago
from tests.many_rows import count_for_plans
from tests.pages import browser_of
from tests.plans import WEBHOOKS, plans_of
from tests.webhooks.customers.telling import an_endpoint, an_event, send_due
from tests.webhooks.receiver import Receiver
from webhooks import errands, keeping, service, settling
from webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookFeed
from webhooks.publishing import delivery_to

pytestmark = pytest.mark.django_db

ROWS = 6_000 if connection.vendor == "postgresql" else 100  # SQLite does not count


def fill(endpoint: WebhookEndpoint) -> None:
    """As if it had been told of so much."""
    now = read_db_now()
    organization = endpoint.organization
    WebhookFeed.objects.filter(pk=organization.pk).update(last_sequence=ROWS)
    events = WebhookEvent.objects.bulk_create(
        WebhookEvent(organization=organization, livemode=True, type="credits.added", sequence=number, data={})
        for number in range(10, ROWS)
    )
    told = [delivery_to(event, endpoint_id=endpoint.pk) for event in events]
    for delivery in told:
        delivery.status, delivery.next_attempt_at, delivery.finished_at = "succeeded", None, now
        delivery.claim = 1
    told = WebhookDelivery.objects.bulk_create(told)
    WebhookAttempt.objects.bulk_create(
        WebhookAttempt(delivery=delivery, number=1, response_status=200) for delivery in told
    )
    count_for_plans()


def test_work_and_pages_do_not_grow_with_the_log(alice: Person, receiver: Receiver) -> None:
    endpoint = an_endpoint(alice, receiver)
    an_event(alice.organization)
    fill(endpoint)
    browser, access = browser_of(alice), access_of_user(alice.user)
    delivery = WebhookDelivery.objects.latest("pk")

    def tell() -> None:
        an_event(alice.organization)
        assert send_due()
        service.replay(access, delivery)
        assert errands.take_due(10)

    def look() -> None:
        paths = ("/webhooks/", "/webhooks/deliveries/", f"/webhooks/{endpoint.public_id}/")
        for path in (*paths, f"/webhooks/deliveries/{delivery.public_id}/"):
            assert browser.get(path).status_code == 200

    def sweep() -> None:
        assert settling.end_stranded() == 0
        errands.anything_due()
        WebhookDelivery.objects.filter(pk=delivery.pk).update(created_at=ago(40 * 86_400))
        WebhookDelivery.objects.unfinished().update(
            status="failed", next_attempt_at=None, lease_until=None, finished_at=ago(0)
        )
        assert keeping.forget_old() == 1

    def export() -> None:
        parts = [part for part in keeping.sections(alice.organization) if isinstance(part, ExportDocument)]
        assert sum(1 for part in parts for _row in part.rows) > ROWS - 20

    works: list[Callable[[], None]] = [tell, look, export, sweep]
    costs = [(plan.sql, plan.costs) for work in works for plan in plans_of(work, WEBHOOKS) if plan.costs]
    assert costs == []
