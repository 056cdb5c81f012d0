"""Where one is signed in, and signing out there."""

import pytest

from accounts.models import AuditEvent
from tests.accounts.signing.steps import sign_in, signed_in
from tests.cast import Person
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db
PAGE = "/account/sessions/"


def test_sessions_are_listed_with_where_they_come_from(alice: Person, charlie: Person) -> None:
    client, other = signed_in(alice), browser_of()
    sign_in(other, alice.user.email, REMOTE_ADDR="203.0.113.7", HTTP_USER_AGENT="Ship's <b>browser</b>")
    signed_in(charlie)
    page = client.get(PAGE)
    words = text_of(page)
    assert (words.count("This browser"), words.count("Another browser")) == (1, 1)
    assert "from 203.0.113.7" in words
    assert "Ship's &lt;b&gt;browser" in page.content.decode().replace("&#x27;", "'")


def test_all_others_are_ended_at_once(alice: Person, charlie: Person) -> None:
    client, others, stranger = signed_in(alice), [signed_in(alice) for _ in range(2)], signed_in(charlie)
    assert client.post(PAGE)["Location"] == PAGE
    assert "2 other sessions were ended." in text_of(client.get(PAGE))
    for other in others:
        assert other.get("/playground/").status_code == 302
    assert client.get("/playground/").status_code == stranger.get("/playground/").status_code == 200
    event = AuditEvent.objects.filter(organization=alice.organization).latest("pk")
    assert (event.action, event.details) == ("signed_out_elsewhere", {"sessions": 2})


def test_whoever_signed_out_is_listed_no_more(alice: Person) -> None:
    client, other = signed_in(alice), signed_in(alice)
    other.post("/sign-out/")
    assert "Another browser" not in text_of(client.get(PAGE))


def test_address_comes_from_trusted_proxies_alone(alice: Person) -> None:
    client = browser_of()
    sign_in(client, alice.user.email, REMOTE_ADDR="203.0.113.7", HTTP_X_FORWARDED_FOR="198.51.100.9")
    assert "from 203.0.113.7" in text_of(client.get(PAGE))


def test_a_unix_socket_has_no_address_and_does_no_harm(alice: Person) -> None:
    assert sign_in(browser_of(), alice.user.email, REMOTE_ADDR="")["Location"] == "/home/"
