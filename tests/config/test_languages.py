"""Pages for anybody have an address in each language; others are in the language that was chosen, or the browser's."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

from config import languages
from tests.accounts.client import send
from tests.cast import Person
from tests.pages import browser_of

pytestmark = pytest.mark.django_db
GERMAN = {"headers": {"Accept-Language": "de-DE,de;q=0.9"}}


def language_of(client: Client, path: str, **how: object) -> str:
    html = client.get(path, **how).content.decode()  # type: ignore[arg-type]
    found = re.search(r'<html lang="([^"]+)"', html)
    assert found, path
    return found[1]


@pytest.mark.parametrize("page", ["/", "/pricing/", "/docs/", "/docs/limits/"])
def test_page_for_anybody_has_an_address_in_each_language(page: str) -> None:
    client = browser_of()
    assert language_of(client, page) == "en"
    assert language_of(client, f"/de{page}") == "de"
    assert language_of(client, f"/zh{page}") == "zh-hans"


def test_bare_address_is_english_whatever_the_browser_or_the_visitor_prefers() -> None:
    client = browser_of()
    client.cookies["language"] = "de"
    assert language_of(client, "/pricing/", **GERMAN) == "en"


def test_head_names_the_page_in_every_language_and_which_one_this_is(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    html = browser_of().get("/de/docs/limits/?in=python").content.decode()
    links = dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', html))
    assert links == {
        "en": "https://shop.example/docs/limits/",
        "x-default": "https://shop.example/docs/limits/",
        "de": "https://shop.example/de/docs/limits/",
        "zh-Hans": "https://shop.example/zh/docs/limits/",
    }
    assert '<link rel="canonical" href="https://shop.example/de/docs/limits/">' in html


@pytest.mark.parametrize("path", ["/sign-in/", "/nothing", "/docs/nothing"])
def test_other_pages_name_no_address_in_other_languages(path: str) -> None:
    assert "hreflang" not in browser_of().get(path).content.decode()


def test_links_stay_in_the_language() -> None:
    html = browser_of().get("/de/docs/idempotency/").content.decode()
    assert 'href="/de/pricing/"' in html
    assert 'href="/de/docs/errors/#idempotency_mismatch"' in html
    assert not re.search(r'href="/(docs|pricing)/', html)


def test_page_without_a_language_in_its_address_takes_the_choice_then_the_browsers() -> None:
    client = browser_of()
    assert language_of(client, "/sign-in/") == "en"
    assert language_of(client, "/sign-in/", **GERMAN) == "de"
    client.cookies["language"] = "zh-hans"
    assert language_of(client, "/sign-in/", **GERMAN) == "zh-hans"


def test_first_address_in_a_language_is_a_choice_and_a_later_one_is_not() -> None:
    client = browser_of()
    client.get("/de/")
    assert language_of(client, "/sign-in/") == "de"
    client.get("/zh/pricing/")
    assert language_of(client, "/sign-in/") == "de"
    assert "language" not in browser_of().get("/").cookies


def test_members_see_their_language(alice: Person) -> None:
    client = browser_of(alice)
    client.cookies["language"] = "de"
    assert language_of(client, "/home/") == "de"


def test_programs_get_english() -> None:
    answer = send("GET", "/api/v1/balance", headers={"Accept-Language": "de"})
    assert answer["Content-Language"] == "en"
    assert "Accept-Language" not in answer.get("Vary", "")


def test_documentation_of_an_error_is_shown_in_the_readers_language() -> None:
    client = browser_of()
    assert client.get("/docs/errors/rate_limited")["Location"] == "/docs/errors/#rate_limited"
    client.cookies["language"] = "de"
    assert client.get("/docs/errors/rate_limited")["Location"] == "/de/docs/errors/#rate_limited"


def test_only_pages_for_anybody_lie_behind_a_language() -> None:
    client = browser_of()
    assert client.get("/de/sign-in/").status_code == 404
    assert language_of(client, "/de/nothing") == "de"
    assert client.get("/de")["Location"] == "/de/"
    assert client.get("/de/pricing")["Location"] == "/de/pricing/"


def test_every_language_is_known_to_django_and_has_a_name(settings: Settings) -> None:
    assert {code for code, _name in settings.LANGUAGES} == set(languages.NAMES)
    assert set(languages.PREFIXES) == set(languages.NAMES) - {languages.ENGLISH}
