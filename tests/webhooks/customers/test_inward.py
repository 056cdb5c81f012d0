"""What leads into our network is refused when it is saved, and once more whenever something is sent."""

import pytest
from pytest_django import Settings

from accounts.errors import InvalidField
from tests.accounts.client import content, error_of, send
from tests.cast import Person, new_key
from tests.webhooks.customers.telling import an_endpoint, an_event, log_of, make_due, send_due
from tests.webhooks.receiver import Receiver, Reply, receiving
from tests.webhooks.test_rebinding import PUBLIC, Rebinding
from tests.webhooks.test_spellings import NUMBERS
from webhooks import secrets
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


INWARD = [
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://[::ffff:127.0.0.1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.7:8443/hooks",
    "http://127.0.0.1/",
    "https://localhost/",
]


def test_endpoint_is_not_moved_inside_over_the_api(
    alice: Person, receiver: Receiver, settings: Settings
) -> None:
    endpoint = an_endpoint(alice, receiver)
    manager = new_key(alice, scopes=["admin"])[1]
    settings.OUTBOUND_LOOPBACK = False
    for url in INWARD:
        path = f"/api/v1/webhook-endpoints/{endpoint.public_id}"
        error = error_of(send("PATCH", path, key=manager, body={"url": url, "events": ["credits.low"]}), 400)
        assert (error["type"], error["param"]) == ("invalid_field", "url"), url
    kept = WebhookEndpoint.objects.get()
    assert (kept.url, kept.events) == (endpoint.url, endpoint.events)


def test_address_of_an_order_leads_nowhere_inside(
    alice: Person, receiver: Receiver, settings: Settings
) -> None:
    """Neither by its spelling, nor by a name that answers with an address inside once it is asked, nor by redirect."""
    key = new_key(alice)[1]
    secret = secrets.default_secret(alice.organization)
    settings.OUTBOUND_LOOPBACK = False
    order = {"prompt": "a lighthouse", "aspect_ratio": "1:1"}
    for url in INWARD:
        body = order | {"webhook_url": url}
        error = error_of(send("POST", "/api/v1/generations", key=key, body=body), 400)
        assert (error["type"], error["param"]) == ("invalid_field", "webhook_url"), url
    named = order | {"webhook_url": f"https://customer.example:{receiver.port}/hooks"}
    ordered = content(send("POST", "/api/v1/generations", key=key, body=named))
    assert send("POST", f"/api/v1/generations/{ordered['id']}/cancel", key=key).status_code == 200
    for inside in ("127.0.0.1", "::1", "10.0.0.7", "169.254.169.254"):
        make_due()
        [outcome] = send_due(resolve=Rebinding([PUBLIC, inside]))
        assert (outcome.error, outcome.status) == ("refused", None)
        assert inside in outcome.detail
    assert (receiver.received, receiver.forged) == ([], [])
    with receiving() as inside_house:
        inside_house.secrets.append(secret)
        receiver.secrets.append(secret)
        settings.OUTBOUND_LOOPBACK = True  # so that the first hop is reached at all
        receiver.answer = lambda _: Reply(307, headers={"Location": inside_house.url})
        WebhookDelivery.objects.update(url=receiver.url)
        make_due()
        [outcome] = send_due()
        assert outcome.status == 307
        assert (len(receiver.received), inside_house.received, inside_house.forged) == (1, [], [])
