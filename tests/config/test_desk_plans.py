"""The desk's lists, its search and Today read as few rows among millions as among a hundred."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from accounts.access import access_of_key
from accounts.clock import read_db_now
from accounts.desk import lists
from accounts.desk.scope import CHOSEN
from accounts.models import Organization
from accounts.shops import first_shop
from billing import reads
from billing.models import LedgerEntry, Wallet
from generations import margin, today
from generations.models import CountedHour, Generation, Image
from tests import scale
from tests.cast import found, give_credits, new_key
from tests.databases import Restore
from tests.many_rows import count_for_plans, fill
from tests.operators import desk_of, operator
from tests.plans import ORDERS, plans_of

# SQLite does not count.
ROWS = scale.count(20_000, 1_000_000) if connection.vendor == "postgresql" else 100


@dataclass(frozen=True)
class Desk:
    client: Client
    gone: Organization  # ordered before the other one, and not since
    newest: Generation
    image: Image


@pytest.fixture(scope="module")
def old_desk(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[Desk]:
    with django_db_blocker.unblock():
        organizations = []
        for name, rows in (("Gone", ROWS // 10), ("Large", ROWS)):
            owner = found(f"{name.lower()}@desk.example", name)
            give_credits(owner.organization, 100 * rows)
            key, _secret = new_key(owner)
            fill(access_of_key(key), rows)
            organizations.append(owner.organization)
        count_for_plans()
        while today.sum_up():
            pass
        yield Desk(
            desk_of(operator()), organizations[0], Generation.objects.latest("pk"), Image.objects.latest("pk")
        )
        connections.close_all()
        django_db_setup()


@pytest.fixture
def desk(old_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(lists, "WINDOW", 1_000)
    monkeypatch.setattr(lists, "WINDOW_OF_SHOP", 1_000)
    with undone():
        yield old_desk


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def look_at_today(desk: Desk) -> None:
    assert desk.client.get("/admin/").status_code == 200


def sum_up(desk: Desk) -> None:
    CountedHour.objects.filter(pk__in=CountedHour.objects.order_by("-hour").values("pk")[:3]).delete()
    assert today.sum_up() >= 2


def page_through(desk: Desk) -> None:
    for name in ("generations/generation", "generations/attempt", "generations/image", "billing/ledgerentry"):
        page = desk.client.get(f"/admin/{name}/")
        cl = page.context["cl"]
        assert len(cl.result_list) == 50
        page = desk.client.get(f"/admin/{name}/{cl.older}")
        assert page.context["cl"].result_list[0].pk < cl.result_list[-1].pk


def look_at_one_shop(desk: Desk) -> None:
    session = desk.client.session
    session[CHOSEN] = first_shop().pk
    session.save()
    try:
        page_through(desk)
        look_at_today(desk)
    finally:
        session = desk.client.session
        del session[CHOSEN]
        session.save()


def filter_lists(desk: Desk) -> None:
    for path in (
        "generations/generation/?status=open",
        "generations/generation/?status=canceled",
        "generations/generation/?status=failed&livemode__exact=1",
        "generations/attempt/?outcome=open",
        "generations/attempt/?outcome=orphan",
        "generations/attempt/?upstream__id__exact=1",
        "billing/ledgerentry/?kind=claw_back",
        "billing/ledgerentry/?kind=claw_back&before=50",
    ):
        assert desk.client.get(f"/admin/{path}").status_code == 200, path


def go_to_a_day(desk: Desk) -> None:
    day = (read_db_now() - timedelta(days=20)).date()
    for path in (
        f"generations/generation/?since={day}&until={day}",
        f"generations/attempt/?since={day}&until={day}&outcome=orphan",
        f"generations/image/?until={day}",
        f"billing/ledgerentry/?since={day}",
    ):
        rows = desk.client.get(f"/admin/{path}").context["cl"].result_list
        assert rows or "orphan" in path
        assert all(_time(row).date() >= day for row in rows if "since" in path)
        assert all(_time(row).date() <= day for row in rows if "until" in path)


def _time(row: Any) -> Any:
    return getattr(row, "created_at", None) or row.submitted_at


def look_at_one_organization(desk: Desk) -> None:
    wallet = Wallet.objects.get(organization=desk.gone)
    for path in (
        f"generations/generation/?organization__id__exact={desk.gone.pk}&livemode__exact=1",
        f"generations/generation/?organization__id__exact={desk.gone.pk}&livemode__exact=1&status=canceled",
        f"billing/ledgerentry/?wallet__id__exact={wallet.pk}",
        f"accounts/organization/{desk.gone.pk}/change/",
        "accounts/organization/",
    ):
        page = desk.client.get(f"/admin/{path}")
        assert page.status_code == 200, path
        if page.context.get("cl") and "canceled" not in path and "/?" in path:
            assert len(page.context["cl"].result_list) >= min(50, ROWS // 10)
            assert page.context["cl"].narrowed_to == "Gone"


def search(desk: Desk) -> None:
    image, task = desk.image, desk.newest.task_id
    for term in (
        task,
        "req_1",
        image.public_id,
        f"generation:{task}",
        "theirs",
        "gone",
        "gone@desk.example",
        "evt_1",
    ):
        assert desk.client.post("/admin/find/", {"term": term}).status_code in {200, 302}
    for path in (
        f"generations/generation/?q={task}",
        "generations/generation/?q=req_1",
        f"generations/attempt/?q={task}",
        f"generations/image/?q={task}",
        f"billing/ledgerentry/?q={task}",
    ):
        assert desk.client.get(f"/admin/{path}").status_code == 200
    assert desk.client.get(f"/admin/generations/generation/{desk.newest.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    "happening",
    [
        look_at_today,
        sum_up,
        page_through,
        filter_lists,
        go_to_a_day,
        look_at_one_organization,
        search,
        look_at_one_shop,
    ],
)
def test_no_statement_of_the_desk_reads_more_as_tables_grow(
    desk: Desk, happening: Callable[[Desk], None]
) -> None:
    found_plans = plans_of(lambda: happening(desk), ORDERS)
    assert any(plan.indexes for plan in found_plans) or connection.vendor != "postgresql"
    assert [f"{cost}: {plan.sql}" for plan in found_plans for cost in plan.costs] == []


if connection.vendor == "postgresql":  # SQLite counts no rows

    def test_days_that_are_counted_live_read_more_control(desk: Desk) -> None:
        """What the sums spare: thirty days at once."""
        now = read_db_now()
        found_plans = plans_of(lambda: today.count_between(now - timedelta(days=30), now), ORDERS)
        assert any(plan.costs for plan in found_plans)

    @pytest.mark.parametrize("by", sorted(set(margin.GROUPINGS) - {"task"}))
    def test_margins_take_as_long_for_each_order_however_many_there_are(desk: Desk, by: str) -> None:
        """Of all days, against a tenth of them: whoever read more of the tables than the days ask for would show."""
        last = read_db_now().date()
        some, every = (margin.Window(last - timedelta(days=days), last) for days in (5, 60))
        each_us = []
        for window in (some, every, some, every):
            began = time.perf_counter()
            orders = margin.total(margin.grouped(window, by)).orders
            each_us.append(1e6 * (time.perf_counter() - began) / orders)
        assert orders >= ROWS
        ratio = min(each_us[1::2]) / min(each_us[::2])
        scale.record(f"Margin by {by}, microseconds for each of {orders:,} orders", min(each_us[1::2]), "µs")
        scale.record(f"Margin by {by}, for an order of 61 days against one of 6", ratio, "", limit=1.5)


def test_pages_lose_and_double_nothing(desk: Desk) -> None:
    seen: list[int] = []
    query = "?kind=hold"
    while query:
        cl = desk.client.get(f"/admin/billing/ledgerentry/{query}").context["cl"]
        seen += [row.pk for row in cl.result_list]
        query = cl.older
        if len(seen) >= 500:
            break
    wanted = LedgerEntry.objects.filter(kind="hold").order_by("-pk").values_list("pk", flat=True)[: len(seen)]
    assert seen == list(wanted)
    assert len(seen) >= min(110, 500)


def test_sold_reads_steps_by_number(desk: Desk) -> None:
    assert reads.sold_by_day(read_db_now() - timedelta(days=30)) == {}


def test_today_opens_within_a_second(desk: Desk) -> None:
    took_ms = []
    for _ in range(5):
        began = time.perf_counter()
        look_at_today(desk)
        took_ms.append(1000 * (time.perf_counter() - began))
    scale.record(f"Today at the desk, after {ROWS:,} orders", statistics.median(took_ms), "ms", limit=1000)
