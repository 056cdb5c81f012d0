"""Pages for anybody, and the errors that people see."""

import re
from typing import Any, cast

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from pytest_django import Settings

from accounts import accent
from accounts.models import Shop
from accounts.shops import first_shop
from tests.cast import Person
from tests.makers import set_price
from tests.pages import browser_of, database_away, made, text_of
from tests.processes import ROOT

handler400 = "config.pages.bad_request"
handler403 = "config.pages.forbidden"
handler404 = "config.pages.not_found"
handler500 = "config.pages.server_error"


def _bug(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret detail")


def _read_form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(len(request.POST))


urlpatterns = [path("bug", _bug), path("form", _read_form), path("", include("config.urls"))]


def test_landing_names_shop_price_and_address(db: None, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    first_shop()
    Shop.objects.update(name="Plate & Co")
    set_price(1234)
    words = text_of(browser_of().get("/"))
    assert "Plate &amp; Co" in words
    assert "1,234 credits an image" in words
    assert "curl https://shop.example/api/generate" in words
    assert "https://shop.example/api/status?task_id=" in words


@pytest.mark.parametrize(
    "page",
    [
        "/",
        "/sign-in/",
        "/playground/",
        "/credits/",
        "/keys/",
        "/keys/new/",
        "/nothing",
        "/playground/{task}/",
    ],
)
def test_page_is_small_and_holds_no_inline_code(alice: Person, page: str) -> None:
    client = browser_of(alice)
    response = client.get(page.format(task=made(client).task_id))
    html = response.content.decode()
    assert len(html) < 20_000
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", html)
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert '<html lang="en">' in html or response.status_code == 302


def test_scripts_and_styles_of_the_heaviest_page_are_under_100_kb(db: None) -> None:
    storage = cast(ManifestStaticFilesStorage, staticfiles_storage)
    files = ("css/palette.css", "css/shop.css", "js/playground.js", "django_htmx/htmx-2.min.js")
    total_bytes = 0
    for name in files:
        total_bytes += storage.size(storage.stored_name(name))
    assert total_bytes < 90_000  # before compression; the page itself is under 20_000


@pytest.mark.parametrize("name", ["shop", "till"])
def test_colours_of_shop_and_till_come_from_one_palette(name: str) -> None:
    folder = ROOT / "static" / "css"
    palette, own = ((folder / f"{each}.css").read_text() for each in ("palette", name))
    assert set(re.findall(r"var\((--[\w-]+)", own)) <= set(re.findall(r"(--[\w-]+):", palette + own))
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b", own)
    assert f"--paper: {accent.LIGHT_PAPER};" in palette
    assert f"--paper: light-dark({accent.LIGHT_PAPER}, {accent.DARK_PAPER});" in palette


def test_accent_is_a_stylesheet_that_may_be_kept(db: None) -> None:
    response = browser_of().get("/accent/a8470a.css")
    assert response.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in response.headers["Cache-Control"]
    css = response.content.decode()
    assert css.startswith(":root{--accent:#a8470a;--on-accent:#ffffff}")
    assert f"--accent:light-dark(#a8470a,{accent.on_dark('#a8470a')})" in css
    assert '"/accent/a8470a.css"' in browser_of().get("/").content.decode()


@pytest.mark.parametrize("colour", ["a8470", "A8470A", "a8470aa", "red", "}a{b:c"])
def test_what_is_no_colour_has_no_stylesheet(colour: str) -> None:
    assert browser_of().get(f"/accent/{colour}.css").status_code == 404


@pytest.mark.parametrize(
    "colour", ["#000000", "#ffffff", "#777777", "#ffe000", "#0000ff", "#a8470a", "#00ff00"]
)
def test_any_accent_is_readable_on_both_papers_and_under_its_ink(colour: str) -> None:
    for paper in (accent.LIGHT_PAPER, accent.DARK_PAPER):
        shown = accent.readable_on(colour, paper)
        assert accent.contrast(shown, paper) >= 4.5
        assert accent.contrast(accent.ink_on(shown), shown) >= 4.5


def test_unknown_address_is_a_page_for_people_and_json_for_programs(db: None) -> None:
    page, api = browser_of().get("/nothing"), browser_of().get("/api/nothing")
    assert (page.status_code, api.status_code) == (404, 404)
    assert "There is nothing here" in text_of(page)
    assert page.headers["X-Request-Id"] in text_of(page)
    assert api.json()["error"]["type"] == "not_found"


def test_forgotten_slash_is_added(db: None) -> None:
    response = browser_of().get("/credits")
    assert (response.status_code, response.headers["Location"]) == (302, "/credits/")
    assert browser_of().post("/credits").status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/sign-out/", "/credits/", "/accent/a8470a.css", "/playground/task_x/cancel"]
)
def test_wrong_method_is_a_page_that_says_which_are_right(db: None, path: str) -> None:
    response = browser_of().delete(path)
    assert response.status_code == 405
    assert response.headers["Allow"] in ("GET, HEAD", "POST")
    assert "cannot be used that way" in text_of(response)


@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [("too_large", 413, "too large"), ("timeout", 408, "took too long"), ("incomplete", 400, "understood")],
)
def test_body_that_did_not_arrive_is_a_page(db: None, problem: str, status: int, words: str) -> None:
    environ: dict[str, Any] = {"tintype.body_problem": problem}
    response = browser_of().generic("POST", "/sign-in/", **environ)
    assert response.status_code == status
    assert words in text_of(response)
    assert "Content-Security-Policy" in response.headers


@override_settings(ROOT_URLCONF=__name__)
def test_bug_is_a_page_without_its_details(db: None, caplog: pytest.LogCaptureFixture) -> None:
    response = browser_of().get("/bug")
    assert response.status_code == 500
    assert "Something broke on our side" in text_of(response)
    assert "secret" not in response.content.decode()
    assert "a secret detail" in caplog.text


def test_what_django_refuses_is_a_page(db: None, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__  # by the fixture alone: it would bring back what a decorator has undone
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    response = browser_of().post("/form", {"a": "1", "b": "2", "c": "3"})
    assert (response.status_code, "understood" in text_of(response)) == (400, True)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    response = browser_of().post("/form", {"a": "x" * 100}, content_type="application/x-www-form-urlencoded")
    assert (response.status_code, "too large" in text_of(response)) == (413, True)


@pytest.mark.parametrize("page", ["/", "/playground/", "/credits/", "/sign-in/"])
def test_lost_database_is_a_503_page_that_still_wears_the_brand(alice: Person, page: str) -> None:
    Shop.objects.update(name="Plate & Co")
    client = browser_of(alice)
    client.get("/credits/")
    with database_away():
        response = client.get(page)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "The shop is away for a moment" in text_of(response)
    assert f'href="{page}">Try again</a>' in response.content.decode()
    assert "Plate &amp; Co" in text_of(response)
    assert client.get("/playground/").status_code == 200
