"""A thousand shops cost a request no more than one: counted in queries and rows, on pages, in the API, at the desk, and
in what runs by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from accounts import glances, shops
from accounts.glances import Shared
from accounts.models import Organization, Shop
from billing.models import StripeAccount
from config.watching import alarms, figures
from generations import sweeps
from generations.catalogue import ALWAYS, DEFAULT_MODEL
from generations.models import ImageModel, ModelPrice, Upstream, UpstreamState
from tests.accounts.client import generate, send, status, task_of
from tests.cast import new_key
from tests.operators import desk_of, operator
from tests.several import Place, a_shop, an_owner, browser_at, many_shops, the_platform
from tests.threads import together

MANY = 1000
DESK = (
    "/admin/",
    "/admin/accounts/organization/",
    "/admin/accounts/user/",
    "/admin/accounts/apikey/",
    "/admin/billing/creditpack/",
    "/admin/billing/payment/",
    "/admin/billing/stripeevent/",
    "/admin/billing/voucher/",
    "/admin/generations/generation/",
    "/admin/generations/modelprice/",
    "/admin/generations/upstream/",
)


@pytest.fixture(autouse=True)
def _looks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for a second is kept for the whole test, so that counts are of requests alone."""
    monkeypatch.setattr(glances, "LOOK_AGAIN_S", 3600.0)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements within, once it has ended."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield found
    found += [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]


def of_shops(statements: list[str]) -> list[str]:
    return [sql for sql in statements if 'FROM "accounts_shop"' in sql or '"accounts_shopdomain"' in sql]


# --- Resolving ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def thousand(kept_db: None, django_db_blocker: DjangoDbBlocker) -> list[Shop]:
    with django_db_blocker.unblock():
        the_platform()
        return many_shops(MANY)


@pytest.fixture
def warm(thousand: list[Shop]) -> list[Shop]:
    shops.forget()
    shops.id_at("shop0.example")
    return thousand


def test_hosts_are_found_without_a_query_those_that_nobody_has_too(warm: list[Shop]) -> None:
    with counted() as statements:
        for number, shop in enumerate(warm):
            assert shops.id_at(f"SHOP{number}.example:443") == shop.pk
            assert shops.address_of(shop.pk).startswith("http://shop")
            shops.id_at(f"made-up-{number}.example")
    assert statements == []


def test_all_are_read_in_one_query_and_the_rows_that_are_needed_in_another(warm: list[Shop]) -> None:
    for shop in warm[:50]:
        shops.by_id(shop.pk)
    with counted() as statements:
        held, rows = shops._read(None), read_again(shops._rows)
    assert len(statements) == 2
    assert set(rows) == {shop.pk for shop in warm[:50]}
    assert len(held.primary) == MANY


def read_again(kept: Shared[int, Any]) -> dict[int, Any]:
    """What it holds after a second has passed."""
    return kept._read(kept._kept()).values


def test_row_is_read_once_however_often_it_is_asked_for(warm: list[Shop]) -> None:
    with counted() as statements:
        for _ in range(3):
            for shop in warm[:20]:
                assert shops.by_id(shop.pk) == shop
    assert len(statements) == 20


def test_many_threads_at_the_moment_of_reading_read_once(thousand: list[Shop]) -> None:
    shops.forget()
    read: list[int] = []
    original = shops._hosts._read

    def counting(before: Any) -> Any:
        read.append(1)
        return original(before)

    shops._hosts._read = counting
    try:
        found = together(8, lambda number: shops.id_at(f"shop{number}.example"))
    finally:
        shops._hosts._read = original
    assert found == [shop.pk for shop in thousand[:8]]
    assert len(read) == 1


# --- Requests -----------------------------------------------------------------------------------


def costs(place: Place, key: str) -> dict[str, Counter[str]]:
    """What requests ask the database for, by the statement without its numbers; the second time each is asked."""
    page = browser_at(place)
    task = task_of(generate(key, **place.environ))
    work: dict[str, Callable[[], Any]] = {
        "landing": lambda: page.get("/"),
        "pricing": lambda: page.get("/pricing/"),
        "docs": lambda: page.get("/docs/"),
        "schema": lambda: page.get("/api/schema"),
        "sign in": lambda: page.get("/sign-in/"),
        "status": lambda: status(key, task, **place.environ),
        "generate": lambda: generate(key, **place.environ),
        "models": lambda: send("GET", "/v1/models", key=key, **place.environ),
        "wrong key": lambda: generate("tt_live_x", **place.environ),
    }
    found = {}
    for name, do in work.items():
        do()
        with counted() as statements:
            assert do().status_code in (200, 401), name
        assert of_shops(statements) == [], name
        found[name] = Counter(" ".join(sql.split()[:4]) for sql in statements)
    return found


@pytest.mark.django_db
def test_requests_cost_no_more_queries_than_with_one_shop() -> None:
    place = the_platform()
    alone = costs(place, new_key(an_owner(place, "only@one.example", "Only One"))[1])
    north = a_shop("North")
    many_shops(MANY)
    key = new_key(an_owner(north, "nora@north.example", "Nora's"))[1]
    assert costs(north, key) == alone


# --- The desk, and what runs by itself ----------------------------------------------------------


def furnish(made: list[Shop]) -> None:
    """Each with what a shop that works has."""
    model = ImageModel.objects.get(slug=DEFAULT_MODEL)
    Organization.objects.bulk_create(
        Organization(shop=shop, slug=f"{shop.slug}-org", name=f"Studio of {shop.name}") for shop in made
    )
    ModelPrice.objects.bulk_create(
        ModelPrice(shop=shop, model=model, credits=15, valid_from=ALWAYS) for shop in made
    )
    StripeAccount.objects.bulk_create(StripeAccount(shop=shop, livemode=False) for shop in made)
    upstreams = Upstream.objects.bulk_create(
        Upstream(shop=shop, provider="portal", name=f"Of {shop.slug}", base_url="https://up.example")
        for shop in made
    )
    UpstreamState.objects.bulk_create(
        (UpstreamState(upstream=upstream) for upstream in upstreams), ignore_conflicts=True
    )


def desk_costs(desk: Client) -> dict[str, int]:
    found = {}
    for path in DESK:
        desk.get(path)
        with counted() as statements:
            answer = desk.get(path)
        assert answer.status_code == 200, path
        assert len(answer.content) < 1_500_000, path
        found[path] = len(statements)
    return found


def runs() -> dict[str, int]:
    work: dict[str, Callable[[], Any]] = {
        "sweep": sweeps.sweep,
        "alarms": alarms.look,
        "figures": lambda: (figures.forget(), figures.now()),
    }
    found = {}
    for name, do in work.items():
        do()
        with counted() as statements:
            do()
        found[name] = len(statements)
    return found


@pytest.mark.django_db
def test_desk_and_what_runs_by_itself_ask_as_often_with_a_thousand_shops_as_with_a_hundred() -> None:
    """A list shows a page of a hundred rows, so it is full with a hundred."""
    the_platform()
    desk = desk_of(operator())
    furnish(many_shops(110, "few{}.example".format))
    few = desk_costs(desk), runs()
    furnish(many_shops(MANY))
    assert (desk_costs(desk), runs()) == few
