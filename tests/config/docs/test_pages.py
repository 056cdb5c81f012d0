"""The docs: every page is there for everybody, and names the reader's own test key."""

import re

import pytest
from django.conf import settings
from django.test import Client

from config.docs import errors, openapi, snippets
from config.docs.cures import CURES
from config.docs.pages import PAGES, V1_CALLS
from generations.api.v1_fields import parse_v1
from generations.messages import ERROR_MESSAGES
from tests.cast import Person, new_key
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db


def test_every_page_opens_and_its_links_lead_somewhere() -> None:
    client = Client()
    known: dict[str, str] = {}
    for page in PAGES:
        answer = client.get(page.address)
        assert answer.status_code == 200, page
        known[page.address] = answer.content.decode()
    for address, text in known.items():
        for target, anchor in re.findall(r'href="(/docs/[^"#?]*|)(?:#([^"]+))?"', text):
            page_text = known[target or address]
            assert not anchor or f'id="{anchor}"' in page_text or anchor == "main", (address, target, anchor)


def test_pages_are_small() -> None:
    for page in PAGES:
        size = len(Client().get(page.address).content)
        assert size < (400_000 if page.slug == "reference" else 100_000), (page, size)


def test_strangers_see_a_placeholder_and_members_their_newest_test_key(alice: Person) -> None:
    assert "tt_test_YOUR_KEY" in text_of(Client().get("/docs/"))
    new_key(alice, livemode=False)
    key, secret = new_key(alice, livemode=False)
    live, _ = new_key(alice)
    text = text_of(browser_of(alice).get("/docs/"))
    assert f"{key.prefix}..." in text
    assert secret not in text
    assert live.prefix not in text


def test_keys_of_others_and_ended_ones_are_not_named(alice: Person, charlie: Person) -> None:
    key, _ = new_key(alice, livemode=False)
    assert key.prefix not in text_of(browser_of(charlie).get("/docs/"))
    key.revoked_at = key.created_at
    key.save()
    assert key.prefix not in text_of(browser_of(alice).get("/docs/"))


def test_language_can_be_chosen() -> None:
    text = Client().get("/docs/?in=php").content.decode()
    assert re.search(r'value="php" checked', text)
    assert re.search(r'value="curl" checked', Client().get("/docs/?in=cobol").content.decode())


def test_page_of_version_1_shows_a_good_order_and_calls_that_there_are() -> None:
    assert parse_v1(snippets.V1_ORDER).n == 2
    known = openapi.document(openapi.Publisher("Tintype", settings.PUBLIC_URL))["paths"]
    for call, _meaning in V1_CALLS:
        method, _space, path = call.rpartition(" ")
        found = known[path.replace("{id}", "{task_id}")]
        assert not method or method.lower() in found, call


def test_page_of_the_status_names_every_reason_to_fail() -> None:
    text = text_of(Client().get("/docs/status/"))
    assert all(message in text for message in ERROR_MESSAGES.values())


def test_every_error_has_a_cure_and_an_address() -> None:
    words = {entry.word for entry in errors.catalogue()}
    assert words == set(CURES)
    page = Client().get("/docs/errors/").content.decode()
    for word in words:
        answer = Client().get(f"/docs/errors/{word}")
        assert answer["Location"] == f"/docs/errors/#{word}"
        assert f'id="{word}"' in page
    assert Client().get("/docs/errors/nonsense").status_code == 404


def test_type_of_a_problem_leads_to_its_entry() -> None:
    answer = Client(headers={"Accept": "application/problem+json"}).post("/api/generate")
    address = answer.json()["type"]
    assert address == f"{settings.PUBLIC_URL}/docs/errors/unauthenticated"
    assert Client().get(address.removeprefix(settings.PUBLIC_URL), follow=True).status_code == 200
