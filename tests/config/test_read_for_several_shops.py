"""What requests want to know of their shop is read for all shops that were asked lately, and given to its own alone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts import glances, shops
from accounts.glances import Shared
from accounts.models import Shop
from billing.models import StripeAccount
from config import pricing
from generations import content, routing
from generations.models import BlockedPhrase, Upstream, UpstreamState
from tests import scale
from tests.accounts.client import FOX, generate
from tests.cast import new_key
from tests.several import Place, a_shop, an_owner, many_shops, the_platform

pytestmark = pytest.mark.django_db
MANY = scale.count(60, 1000)
ALL: dict[str, Shared[int, Any]] = {
    "rows": shops._rows,
    "phrases": content._phrases_of,
    "upstreams": routing._enabled_of,
    "credentials": pricing.paid_at,
}


@pytest.fixture(autouse=True)
def _by_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read stays until a test says that it is old, and all is read at once, however long that takes."""
    monkeypatch.setattr(glances, "LOOK_AGAIN_S", 3600.0)
    monkeypatch.setattr(glances, "ASKED_AGAIN_S", 36_000.0)
    monkeypatch.setattr(glances, "MOST_CPU_S", float("inf"))


@pytest.fixture
def several(settings: Settings) -> list[Shop]:
    """Of each three: one with everything, one with nothing, one whose upstream is switched off."""
    settings.DEMO = settings.TILL = False
    the_platform()
    made = many_shops(MANY)
    full = made[::3]
    BlockedPhrase.objects.bulk_create(
        BlockedPhrase(shop=shop, phrase=f"{word} {shop.pk}") for shop in full for word in ("red", "blue")
    )
    upstreams = Upstream.objects.bulk_create(
        Upstream(shop=shop, provider="portal", name=name, base_url="https://up.example", enabled=enabled)
        for enabled, name, these in ((True, "a", full), (True, "b", full), (False, "off", made[2::3]))
        for shop in these
    )
    UpstreamState.objects.bulk_create(UpstreamState(upstream=upstream) for upstream in upstreams)
    StripeAccount.objects.bulk_create(
        StripeAccount(
            shop=shop,
            livemode=True,
            sealed_key=f"k{shop.pk}",
            sealed_webhook_secrets="w",
            key_digest=str(shop.pk),
        )
        for shop in full
    )
    return made


def wanted(made: list[Shop], number: int) -> dict[str, Any]:
    """What belongs to one of them."""
    shop, is_full = made[number], number % 3 == 0
    return {
        "rows": (shop.pk, shop.name),
        "phrases": (f"red {shop.pk}", f"blue {shop.pk}") if is_full else (),
        "upstreams": [(shop.pk, "a"), (shop.pk, "b")] if is_full else [],
        "credentials": f"k{shop.pk}" if is_full else None,
    }


PLAIN: dict[str, Callable[[Any], Any]] = {
    "rows": lambda shop: (shop.pk, shop.name),
    "phrases": lambda phrases: phrases,
    "upstreams": lambda found: sorted((upstream.shop_id, upstream.name) for upstream in found),
    "credentials": lambda found: found and found.stored_key,
}


def given(shop: Shop) -> dict[str, Any]:
    return {name: PLAIN[name](kept(shop.pk)) for name, kept in ALL.items()}


def age(kept: Shared[int, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    held = kept._kept._held
    assert held is not None
    monkeypatch.setattr(kept._kept, "_held", (held[0] - 3600.0, held[1]))


def test_each_shop_is_given_what_is_its_own_read_alone_or_with_others(
    several: list[Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        for number, shop in enumerate(several):
            assert given(shop) == wanted(several, number)
        for kept in ALL.values():
            age(kept, monkeypatch)
    BlockedPhrase.objects.filter(shop=several[0]).delete()
    Upstream.objects.filter(shop=several[3]).update(enabled=False)
    Upstream.objects.filter(shop=several[2]).update(enabled=True)
    changed: dict[int, dict[str, Any]] = {
        0: {"phrases": ()},
        3: {"upstreams": []},
        2: {"upstreams": [(several[2].pk, "off")]},
    }
    for number, shop in enumerate(several):
        assert given(shop) == wanted(several, number) | changed.get(number, {})


@pytest.mark.parametrize("name", ALL)
def test_all_that_were_asked_for_are_read_again_by_one_query(
    several: list[Shop], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ALL[name]
    for shop in several:
        kept(shop.pk)
    age(kept, monkeypatch)
    with CaptureQueriesContext(connection) as queries:
        for shop in several:
            kept(shop.pk)
    at_once = connection.features.max_query_params or MANY  # SQLite takes fewer than a thousand
    assert len(queries) <= -(-MANY // at_once)


# --- As customers notice it -----------------------------------------------------------------------


def order_at(place: Place, key: str, prompt: str) -> Any:
    return generate(key, FOX | {"prompt": prompt}, **place.environ)


def test_phrases_of_one_shop_are_made_at_another(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [the_platform(), a_shop("North"), a_shop("South")]
    keys = [new_key(an_owner(place, f"{n}@owner.example", f"Owner {n}"))[1] for n, place in enumerate(places)]
    for number, place in enumerate(places):
        BlockedPhrase.objects.create(shop=place.shop, phrase=f"number {number}")
    for _ in range(2):
        for number, place in enumerate(places):
            for other in range(3):
                answer = order_at(place, keys[number], f"a lighthouse, number {other}")
                assert answer.status_code == (400 if other == number else 200)
        age(content._phrases_of, monkeypatch)


def test_who_pays_where_is_told_by_each_shop_for_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TILL = False
    settings.STRIPE_SECRET_KEY = ""
    places = [a_shop("North"), a_shop("South")]
    for _ in range(2):
        for place in places:
            assert not pricing.takes_payments(place.shop)
            assert Client().get("/pricing/", HTTP_HOST=place.host).status_code == 200
        age(pricing.paid_at, monkeypatch)
    StripeAccount.objects.create(
        shop=places[1].shop, livemode=False, sealed_key="k", sealed_webhook_secrets="w", key_digest="1"
    )
    age(pricing.paid_at, monkeypatch)
    assert [pricing.takes_payments(place.shop) for place in places] == [False, True]
