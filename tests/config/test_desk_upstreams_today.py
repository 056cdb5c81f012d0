"""Today shows the upstreams that want looking at first, and a bounded number however many shops there are."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.clock import db_now
from config.desk.today import MOST_UPSTREAMS
from generations.models import Attempt, Upstream, UpstreamState
from tests.config.desk_shops import a_desk
from tests.makers import a_generation, an_access, an_organization
from tests.operators import desk_of, operator
from tests.pages import text_of
from tests.several import many_shops, the_platform

pytestmark = pytest.mark.django_db
LIST = "/admin/generations/upstream/"


def upstreams(count: int) -> list[Upstream]:
    """One each of so many shops."""
    the_platform()
    made = Upstream.objects.bulk_create(
        Upstream(shop=shop, provider="portal", name=f"up-{number:03}", base_url="https://up.example")
        for number, shop in enumerate(many_shops(count))
    )
    UpstreamState.objects.bulk_create(UpstreamState(upstream=one) for one in made)
    return made


def close_to_orders(*rows: Upstream) -> None:
    UpstreamState.objects.filter(upstream__in=rows).update(
        opened_at=db_now(), open_until=db_now(), reason="failing"
    )


def tried(row: Upstream, outcomes: str) -> None:
    generation = a_generation(an_access(an_organization(1000)))
    for number, outcome in enumerate(outcomes.split(), 1):
        Attempt.objects.create(
            generation=generation, number=number, provider="portal", upstream=row, outcome=outcome
        )


def shown(page: str) -> list[str]:
    return re.findall(r"up-\d{3}", page)


def test_those_that_want_looking_at_come_first_and_not_all_are_shown() -> None:
    made = upstreams(MOST_UPSTREAMS + 10)
    off, open_one, failing, well = made[0], made[-1], made[-2], made[-3]
    Upstream.objects.filter(pk=off.pk).update(enabled=False)
    close_to_orders(open_one)
    tried(failing, "failed ok failed")
    tried(well, "failed ok ok")
    page = desk_of(operator()).get("/admin/")
    names = shown(text_of(page))
    assert names[:3] == [open_one.name, failing.name, made[1].name]
    assert len(names) == MOST_UPSTREAMS
    assert not {off.name, well.name} & set(names)
    assert f"{MOST_UPSTREAMS} of {len(made)}" in text_of(page)
    assert f'href="{LIST}">All upstreams' in page.content.decode()


def test_where_all_are_shown_nothing_is_said_of_more() -> None:
    upstreams(MOST_UPSTREAMS)
    page = text_of(desk_of(operator()).get("/admin/"))
    assert len(shown(page)) == MOST_UPSTREAMS
    assert "All upstreams" not in page


def test_staff_of_a_shop_sees_and_counts_its_own_alone() -> None:
    others = upstreams(MOST_UPSTREAMS + 10)
    close_to_orders(*others)
    desk = a_desk("North", "north.example")
    mine = Upstream.objects.create(
        shop=desk.shop, provider="portal", name="up-999", base_url="https://up.example"
    )
    page = text_of(desk.browser(desk.staff()).get("/admin/"))
    assert shown(page) == [mine.name]
    assert "All upstreams" not in page


def test_many_that_get_no_orders_cost_no_query_more() -> None:
    made = upstreams(MOST_UPSTREAMS)
    desk = desk_of(operator())
    desk.get("/admin/")
    counts = []
    for rows in (made[:1], made):
        close_to_orders(*rows)
        with CaptureQueriesContext(connection) as queries:
            assert desk.get("/admin/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
