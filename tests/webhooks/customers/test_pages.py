"""The pages of webhooks: set up, looked at, tried, sent again."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, Role
from tests.cast import Person, join
from tests.pages import browser_of, text_of
from tests.webhooks.customers.telling import an_endpoint, an_event, send_due
from tests.webhooks.receiver import Receiver, Reply
from webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = pytest.mark.django_db

CHOSEN = {"events": ["generation.succeeded", "credits.added"], "livemode": "live", "form_id": "a" * 24}


def shown_secret(answer: Any) -> str:
    [secret] = re.findall(r"whsec_[A-Za-z0-9+/=]{20,}", answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    return str(secret)


@pytest.fixture
def browser(bob: Person) -> Client:
    """A developer's."""
    return browser_of(bob)


def test_developer_makes_an_endpoint_once_and_sees_what_a_test_event_brought(
    browser: Client, receiver: Receiver
) -> None:
    for _time in range(2):
        answer = browser.post("/webhooks/new/", {**CHOSEN, "url": receiver.url})
        path = answer["Location"]
    endpoint = WebhookEndpoint.objects.get()
    assert path == f"/webhooks/{endpoint.public_id}/"
    receiver.secrets.append(shown_secret(browser.post(f"{path}secret/")))
    receiver.answer = lambda _: Reply(418, b"a <teapot>")
    log = browser.post(f"{path}test/")["Location"]
    assert "It was not tried yet." in text_of(browser.get(log))
    send_due()
    text = browser.get(log).content.decode()
    assert "418" in text
    assert "a &lt;teapot&gt;" in text
    assert "webhook.test" in text
    assert "418" in text_of(browser.get(path))
    assert endpoint.url in text_of(browser.get("/webhooks/"))
    shown = AuditEvent.objects.filter(action="webhook_secret_shown", subject=endpoint.public_id)
    assert shown.count() == 1


def test_change_switch_rotate_and_delete(bob: Person, browser: Client, receiver: Receiver) -> None:
    endpoint = an_endpoint(bob, receiver)
    path = f"/webhooks/{endpoint.public_id}/"
    assert browser.post(path, {"url": receiver.url, "events": ["credits.low"]}).status_code == 302
    new = shown_secret(browser.post(f"{path}rotate/"))
    assert shown_secret(browser.post(f"{path}secret/")) == new
    assert "The one before signs as well" in text_of(browser.get(path))
    browser.post(f"{path}switch/", {"enabled": "no"})
    assert browser.post(f"{path}test/").status_code == 409
    assert "Switched off" in text_of(browser.get(path))
    browser.post(f"{path}switch/", {"enabled": "yes"})
    endpoint.refresh_from_db()
    assert (endpoint.events, endpoint.enabled) == (["credits.low"], True)
    browser.post(f"{path}delete/")
    assert browser.get(path).status_code == 404
    assert "No endpoints yet" in text_of(browser.get("/webhooks/"))


def test_bad_address_is_said_beside_its_field(browser: Client) -> None:
    for url, words in (
        ("", "Enter the address"),
        ("https://10.0.0.1/", "not on the public internet"),
        ("ftp://127.0.0.1/", "begin with https://"),
    ):
        answer = browser.post("/webhooks/new/", {**CHOSEN, "url": url})
        assert answer.status_code == 400
        assert words in text_of(answer)
    assert (
        "At least one of"
        in text_of(browser.post("/webhooks/new/", {"url": "https://10.0.0.1/", "livemode": "live"}))
        or not WebhookEndpoint.objects.exists()
    )


def test_what_failed_is_sent_again_from_the_log(bob: Person, browser: Client, receiver: Receiver) -> None:
    endpoint = an_endpoint(bob, receiver)
    an_event(bob.organization)
    send_due()
    WebhookDelivery.objects.update(status="failed")
    assert "Failed" in text_of(browser.get("/webhooks/deliveries/?status=failed"))
    answer = browser.post(
        "/webhooks/deliveries/again/", {"hours": "24", "endpoint": endpoint.public_id}, follow=True
    )
    assert "1 is sent again." in text_of(answer)
    delivery = WebhookDelivery.objects.get()
    send_due()
    browser.post(f"/webhooks/deliveries/{delivery.public_id}/again/")
    send_due()
    assert len(receiver.received) == 3
    page = browser.get(f"/webhooks/deliveries/?after={delivery.public_id}")
    assert "There are none." in text_of(page)


def test_secret_for_addresses_in_orders_is_shown_and_rotated(browser: Client) -> None:
    first = shown_secret(browser.post("/webhooks/secret/"))
    assert shown_secret(browser.post("/webhooks/secret/")) == first
    second = shown_secret(browser.post("/webhooks/secret/rotate/"))
    assert second != first
    assert shown_secret(browser.post("/webhooks/secret/")) == second


@pytest.mark.parametrize("role", [Role.BILLING, Role.VIEWER])
def test_others_of_the_organization_are_kept_out(alice: Person, receiver: Receiver, role: Role) -> None:
    endpoint = an_endpoint(alice, receiver)
    browser = browser_of(join("other@studio.example", alice.organization, role))
    paths = ["/webhooks/", "/webhooks/deliveries/", f"/webhooks/{endpoint.public_id}/"]
    assert [browser.get(path).status_code for path in paths] == [403] * 3
    assert browser.post(f"/webhooks/{endpoint.public_id}/secret/").status_code == 403
    assert "/webhooks/" not in browser.get("/playground/").content.decode()


def test_errors_of_these_pages_are_pages(browser: Client) -> None:
    answer = browser.get("/webhooks/we_nothing/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
