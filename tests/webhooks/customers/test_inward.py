"""What leads into our network is refused when it is saved, and once more whenever something is sent."""

import pytest
from pytest_django import Settings

from accounts.errors import InvalidField
from tests.cast import Person
from tests.webhooks.customers.telling import an_endpoint, an_event, log_of, send_due
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_rebinding import PUBLIC, Rebinding
from tests.webhooks.test_spellings import NUMBERS
from webhooks.addresses import checked
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db


def test_name_that_leads_inside_the_second_time_is_not_followed(
    alice: Person, receiver: Receiver, settings: Settings
) -> None:
    endpoint = an_endpoint(alice, receiver)
    settings.OUTBOUND_LOOPBACK = False
    resolve = Rebinding([PUBLIC], ["127.0.0.1"])
    url = checked(f"https://rebinding.example:{receiver.port}/hooks", resolve=resolve)
    WebhookEndpoint.objects.update(url=url)
    an_event(alice.organization)
    [outcome] = send_due(resolve=resolve)
    assert (outcome.error, outcome.status) == ("refused", None)
    assert "127.0.0.1" in outcome.detail
    assert (receiver.received, receiver.forged) == ([], [])
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None
    assert log_of(WebhookDelivery.objects.get()) == [(None, "refused")]


def test_no_spelling_of_this_machine_is_sent_to(
    alice: Person, receiver: Receiver, settings: Settings
) -> None:
    an_endpoint(alice, receiver)
    settings.OUTBOUND_LOOPBACK = False
    for host in NUMBERS:
        WebhookEndpoint.objects.update(url=f"https://{host}:{receiver.port}/", failing_since=None)
        an_event(alice.organization)
        [outcome] = send_due()
        assert outcome.error in ("refused", "unreachable"), host  # the latter: systems that cannot read it
    assert (receiver.received, receiver.forged) == ([], [])


def test_address_that_is_no_longer_allowed_in_the_clear_is_not_sent_to(
    alice: Person, receiver: Receiver, settings: Settings
) -> None:
    an_endpoint(alice, receiver)
    settings.OUTBOUND_LOOPBACK = False
    an_event(alice.organization)
    [outcome] = send_due()
    assert outcome.error == "refused"
    with pytest.raises(InvalidField):
        checked(receiver.url)
