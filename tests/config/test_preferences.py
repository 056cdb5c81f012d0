"""Light or dark, and the language: chosen at the foot of every page, kept in cookies, there from the first byte on."""

import pytest
from django.test import Client

from tests.cast import Person
from tests.pages import browser_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_chosen_theme_is_in_the_markup_so_that_nothing_flashes(theme: str) -> None:
    client = browser_of()
    assert "data-theme" not in client.get("/").content.decode()
    answer = client.post("/look/", {"theme": theme, "next": "/pricing/"})
    assert answer["Location"] == "/pricing/"
    html = client.get("/pricing/").content.decode()
    assert f'<html lang="en" data-theme="{theme}">' in html
    assert f'<meta name="color-scheme" content="{theme}">' in html
    assert f'value="{theme}" aria-pressed="true"' in html
    client.post("/look/", {"theme": "auto", "next": "/"})
    assert "data-theme" not in client.get("/").content.decode()


def test_members_choose_too(alice: Person) -> None:
    client = browser_of(alice)
    client.post("/look/", {"theme": "dark", "next": "/home/"})
    assert 'data-theme="dark"' in client.get("/home/").content.decode()


@pytest.mark.parametrize(
    ("here", "language", "there"),
    [
        ("/pricing/", "de", "/de/pricing/"),
        ("/de/docs/limits/?in=php", "zh-hans", "/zh/docs/limits/?in=php"),
        ("/zh/", "en", "/"),
        ("/sign-in/?next=/keys/", "de", "/sign-in/?next=/keys/"),
        ("/docs/errors/rate_limited", "de", "/docs/errors/rate_limited"),
    ],
)
def test_chosen_language_leads_to_the_same_page(here: str, language: str, there: str) -> None:
    client = browser_of()
    answer = client.post("/look/", {"language": language, "next": here})
    assert answer["Location"] == there
    assert client.cookies["language"].value == language


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", "\\"])
def test_nobody_is_sent_elsewhere(back: str) -> None:
    assert browser_of().post("/look/", {"theme": "dark", "next": back})["Location"] == "/"


def test_what_is_unknown_changes_nothing() -> None:
    client = browser_of()
    answer = client.post("/look/", {"theme": "neon", "language": "xx", "next": "/"})
    assert not answer.cookies
    client.cookies["theme"] = '"><script>'
    client.cookies["language"] = "../../etc"
    html = client.get("/").content.decode()
    assert "data-theme" not in html
    assert '<html lang="en">' in html


def test_a_page_for_anybody_sets_no_cookie_and_its_form_works_without() -> None:
    client = Client(enforce_csrf_checks=True)
    assert not client.get("/pricing/").cookies
    assert client.post("/look/", {"theme": "dark", "next": "/"}).status_code == 302


def test_caches_keep_one_page_for_each_choice() -> None:
    assert {"Cookie", "Accept-Language"} <= set(browser_of().get("/pricing/")["Vary"].split(", "))
    assert "Cookie" not in browser_of().get("/accent/a8470a.css").get("Vary", "")
