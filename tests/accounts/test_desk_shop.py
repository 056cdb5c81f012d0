"""What operators change of their shop, and what stays."""

import re
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Picture

from accounts import accent, hooks, shops
from accounts.models import Shop, ShopLogo
from accounts.shops import first_shop
from tests.operators import clerk, desk_of, operator
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db
FIELDS = {
    "name": "Plates & Co",
    "accent": "#004488",
    "currency": "eur",
    "terms_version": "2",
    "terms_url": "https://shop.example/terms",
    "privacy_version": "",
    "privacy_url": "",
    "promise": "Plates for everybody.",
    "imprint_url": "https://shop.example/imprint",
    "support_email": "help@shop.example",
}
NO_DOMAINS = {"domains-TOTAL_FORMS": 0, "domains-INITIAL_FORMS": 0}


@pytest.fixture
def desk() -> Client:
    return desk_of(operator())


def save(desk: Client, *, follow: bool = False, **changes: Any) -> Any:
    path = f"/admin/accounts/shop/{first_shop().pk}/change/"
    response = desk.post(path, FIELDS | NO_DOMAINS | changes, follow=follow)
    shops.forget()  # as when the transaction is over
    return response


def test_what_the_shop_is_called_and_asks_for_is_changed(desk: Client) -> None:
    assert save(desk).status_code == 302
    shop = Shop.objects.get()
    assert {name: getattr(shop, name) for name in FIELDS} == FIELDS
    assert "Plates & Co" in text_of(desk.get("/admin/accounts/shop/")).replace("&amp;", "&")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "This field is required."),
        ("name", "Plates\nERROR config nothing works", "a sign that cannot be used"),
        ("accent", "red", "A colour is written as #rrggbb."),
        ("accent", "#00448", "A colour is written as #rrggbb."),
        ("currency", "EUR", "A currency is three small letters, such as usd."),
        ("currency", "eu", "A currency is three small letters, such as usd."),
        ("terms_url", "", "Say where the version can be read."),
        ("terms_url", "javascript:alert(1)", "Enter a valid URL."),
        ("privacy_url", "ftp://shop.example", "Enter a valid URL."),
        ("imprint_url", "javascript:alert(1)", "Enter a valid URL."),
        ("support_email", "nobody", "Enter a valid email address."),
        ("promise", "a" * 201, "at most 200 characters"),
    ],
)
def test_what_cannot_be_is_refused_in_words(desk: Client, field: str, value: str, words: str) -> None:
    first_shop()
    before = Shop.objects.values().get()
    changed: dict[str, Any] = {field: value}
    response = save(desk, **changed)
    assert response.status_code == 200
    assert words in text_of(response)
    assert Shop.objects.values().get() == before


@pytest.mark.parametrize(("colour", "is_told"), [("#ffe000", True), ("#004488", False)])
def test_an_accent_that_would_be_hard_to_read_is_told_with_what_is_shown(
    desk: Client, colour: str, is_told: bool
) -> None:
    words = text_of(save(desk, accent=colour, follow=True))
    assert ("is hard to read on light paper" in words) is is_told
    shown = accent.on_light(colour)
    assert accent.contrast(shown, accent.LIGHT_PAPER) >= 4.5
    page = text_of(desk.get(f"/admin/accounts/shop/{first_shop().pk}/change/"))
    assert f"{shown} on light paper" in page


def a_picture(kind: str = "PNG", size: tuple[int, int] = (600, 200)) -> SimpleUploadedFile:
    file = BytesIO()
    Picture.new("RGB", size, "#336699").save(file, kind)
    return SimpleUploadedFile("logo", file.getvalue())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_logo_is_kept_small_and_worn_by_every_page(desk: Client, kind: str) -> None:
    assert save(desk, new_logo=a_picture(kind)).status_code == 302
    html = browser_of().get("/sign-in/").content.decode()
    found = re.search(r'<img class="logo" src="([^"]+)" width="(\d+)" height="32" alt="">', html)
    assert found
    assert found[2] == "96"
    answer = browser_of().get(found[1])
    assert (answer["Content-Type"], "immutable" in answer["Cache-Control"]) == ("image/png", True)
    with Picture.open(BytesIO(answer.content)) as logo:
        assert (logo.format, logo.size) == ("PNG", (288, 96))
    assert "Plates &amp; Co</span>" in html


def test_logo_with_the_name_in_it_is_read_aloud_in_its_place(desk: Client) -> None:
    save(desk, new_logo=a_picture(), logo_has_name="on")
    html = browser_of().get("/sign-in/").content.decode()
    assert 'alt="Plates &amp; Co"' in html
    assert "Plates &amp; Co</span>" not in html


def test_logo_is_replaced_and_removed(desk: Client) -> None:
    save(desk, new_logo=a_picture())
    old = Shop.objects.get().logo
    save(desk, new_logo=a_picture(size=(64, 64)))
    assert browser_of().get(f"/logo/{old}.png").status_code == 404
    save(desk)
    assert Shop.objects.get().logo
    save(desk, no_logo="on")
    assert (Shop.objects.get().logo, ShopLogo.objects.count()) == ("", 0)
    assert 'class="mark"' in browser_of().get("/sign-in/").content.decode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture that can be read"),
        (b"GIF89a", "no picture that can be read"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "no picture that can be read"),
        (b"x" * 2_000_001, "too large"),
    ],
)
def test_what_is_no_logo_is_refused_in_words(desk: Client, data: bytes, words: str) -> None:
    response = save(desk, new_logo=SimpleUploadedFile("logo", data))
    assert response.status_code == 200
    assert words in text_of(response)
    assert not ShopLogo.objects.exists()


def test_currency_stays_once_somebody_has_paid(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "currency_is_used", [lambda _shop: True])
    assert save(desk, name="New").status_code == 302
    shop = Shop.objects.get()
    assert (shop.name, shop.currency) == ("New", "usd")


def test_shops_are_not_removed_here(desk: Client) -> None:
    shop = first_shop()
    assert desk.post(f"/admin/accounts/shop/{shop.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Shop.objects.exists()


def test_staff_that_may_only_look_changes_nothing() -> None:
    shop = first_shop()
    looked = desk_of(clerk("view_shop"))
    assert looked.get(f"/admin/accounts/shop/{shop.pk}/change/").status_code == 200
    assert save(looked).status_code == 403
