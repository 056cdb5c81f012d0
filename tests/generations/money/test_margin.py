"""Margin and leakage agree with the ledger and the attempts to the millionth, however they are grouped."""

import csv
import datetime
import io
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import F, Sum
from django.db.models.functions import Mod

from accounts.clock import read_db_now
from billing.models import EntryKind, LedgerEntry
from generations import leakage, margin, today
from generations.leakage import BadBill, read_bill
from generations.margin import Window
from generations.models import Attempt, BilledDay, Generation, Upstream
from tests import scale
from tests.generations.money.business import do_business, one_order
from tests.makers import (
    a_generation,
    ago,
    an_access,
    an_organization,
    an_upstream,
    books_are_right,
    moment_as_written,
)
from tests.many_rows import count_for_plans
from tests.operators import clerk, desk_of, is_told, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
MANY = scale.count(30, margin.PORTION + 200)
MARGIN, LEAKAGE, BILL = (f"/admin/generations/billedday/{name}/" for name in ("margin", "leakage", "bill"))


def last_days(count: int = 3) -> Window:
    today = read_db_now().date()
    return Window(today - datetime.timedelta(days=count - 1), today)


def income() -> int:
    return -(LedgerEntry.objects.filter(kind=EntryKind.CAPTURE).aggregate(n=Sum("value_micros"))["n"] or 0)


def cost() -> int:
    return Attempt.objects.aggregate(n=Sum("cost_micros"))["n"] or 0


def lines(response: Any) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("seed", range(scale.count(2, 20)))
def test_sums_agree_with_the_books_in_every_grouping(seed: int) -> None:
    do_business(seed, orders=25)
    assert income() > 0
    assert cost() > 0
    for by in ("day", "customer", "upstream", "model"):
        found = margin.total(margin.grouped(last_days(), by))
        assert (found.orders, found.income_micros, found.cost_micros) == (25, income(), cost()), by
    rows = [row for row, _place in margin.tasks(last_days(), limit=100)]
    assert (sum(row.income_micros for row in rows), sum(row.cost_micros for row in rows)) == (
        income(),
        cost(),
    )
    leaks = leakage.report(last_days())
    assert sum(leak.booked_micros for leak in leaks) == cost()
    paid = Attempt.objects.filter(outcome="ok", generation__status="succeeded").aggregate(
        n=Sum("cost_micros")
    )["n"]
    assert sum(leak.lost_micros for leak in leaks) == cost() - (paid or 0)
    assert books_are_right()


def test_sums_over_many_orders_and_days_agree_with_the_books_as_well() -> None:
    """In the proof so many that each search by portions takes several of them."""
    do_business(0, MANY)
    count_for_plans()
    for back in range(3):
        rows = Generation.objects.annotate(rest=Mod("pk", 3)).filter(rest=back)
        rows.update(finished_at=F("finished_at") - datetime.timedelta(days=back))
    window, books = last_days(4), (MANY, income(), cost())
    for by in ("day", "shop", "customer", "upstream", "model"):
        found = margin.total(margin.grouped(window, by))
        assert (found.orders, found.income_micros, found.cost_micros) == books, by
    tasks = list(csv.DictReader(margin.as_csv(window, "task")))
    amounts = (sum(Decimal(one[name]) * 10**6 for one in tasks) for name in ("income", "cost"))
    assert (len(tasks), *amounts) == books
    assert sum(leak.booked_micros for leak in leakage.report(window)) == cost()
    while today.sum_up():
        pass
    [days] = today.last_days().values()
    assert (days.missing, days.total.income_micros, days.total.cost_micros) == (0, income(), cost())
    assert books_are_right()


def test_days_are_apart_and_what_lies_outside_is_not_in_it() -> None:
    do_business(1, orders=12)
    old = list(Generation.objects.order_by("pk").values_list("pk", flat=True)[:5])
    Generation.objects.filter(pk__in=old).update(finished_at=ago(86_400))
    older = list(Generation.objects.order_by("-pk").values_list("pk", flat=True)[:2])
    Generation.objects.filter(pk__in=older).update(finished_at=ago(40 * 86_400))
    rows = margin.grouped(last_days(), "day")
    assert [row.orders for row in rows] == [5, 5]
    assert margin.total(margin.grouped(last_days(90), "day")).orders == 12


def test_what_an_order_brought_counts_where_it_was_made_and_costs_where_they_arose() -> None:
    """A failover: the first upstream bills its failure, the second makes the image."""
    from generations import lifecycle
    from tests.makers import stored_images

    first, second = an_upstream(cost_micros=100), an_upstream(cost_micros=7_000)
    generation = a_generation(an_access(an_organization(15, 90_000)))
    attempt = lifecycle.begin(generation, first)
    assert attempt
    lifecycle.hand_back(attempt.generation, 0, attempt=attempt, outcome="failed", cost_micros=100)
    attempt = lifecycle.begin(Generation.objects.get(pk=generation.pk), second)
    assert attempt
    lifecycle.succeed(attempt.generation, attempt, stored_images(generation, 1), cost_micros=7_000)
    rows = {row.name: row for row in margin.grouped(last_days(), "upstream")}
    assert (rows[first.name].orders, rows[first.name].income_micros, rows[first.name].cost_micros) == (
        0,
        0,
        100,
    )
    assert (rows[second.name].income_micros, rows[second.name].margin_micros) == (90_000, 83_000)
    leaks = {leak.name: leak for leak in leakage.report(last_days())}
    assert dict(leaks[first.name].lost) == {"failed": 100}
    assert leaks[second.name].lost_micros == 0


def test_pages_and_files_say_the_same(settings: Any) -> None:
    do_business(3, orders=10)
    client = desk_of(operator())
    for by in ("day", "customer", "upstream", "model", "task"):
        assert client.get(MARGIN, {"by": by}).status_code == 200
        found = lines(client.get(MARGIN, {"by": by, "file": "1"}))
        assert sum(round(float(one["income"]) * 10**6) for one in found) == income()
        assert sum(round(float(one["cost"]) * 10**6) for one in found) == cost()
    assert f"{cost() / 10**6:,.4f}" in text_of(client.get(MARGIN))
    booked = [one for one in lines(client.get(LEAKAGE, {"file": "1"})) if one["what"] == "booked"]
    assert sum(round(float(one["booked"]) * 10**6) for one in booked) == cost()


@pytest.mark.parametrize("milliseconds", [0, 123])
def test_all_tasks_come_by_pages(milliseconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    do_business(4, orders=9)
    Generation.objects.update(finished_at=moment_as_written(milliseconds))  # all at the same moment
    monkeypatch.setattr(margin, "PORTION", 4)
    found = "".join(margin.as_csv(last_days(), "task")).splitlines()[1:]
    assert len({line.partition(",")[0] for line in found}) == len(found) == 9


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"start": "2026-02-02", "end": "2026-01-01"}, "The first day comes after the last."),
        ({"start": "2020-01-01", "end": "2026-01-01"}, "At most 92 days at once."),
        ({"start": "yesterday"}, "Enter a valid date."),
        ({"by": "moon"}, "Select a valid choice."),
        ({"end": "9999-12-31"}, "less than or equal to"),
        ({"end": "0001-01-02"}, "greater than or equal to"),
    ],
)
def test_windows_that_make_no_sense_are_refused(query: dict[str, str], words: str) -> None:
    desk = desk_of(operator())
    for path in (MARGIN, LEAKAGE):
        response = desk.get(path, query)
        assert response.status_code == 400
        assert words in text_of(response)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999+00:00"])
def test_a_place_at_the_edge_of_time_is_none(moment: str) -> None:
    do_business(5, orders=2)
    response = desk_of(operator()).get(MARGIN, {"by": "task", "before": f"{moment}_1"})
    assert response.status_code == 200
    assert Generation.objects.earliest("pk").task_id in text_of(response)


def test_who_may_not_see_money_does_not(alice: Any) -> None:
    for path in (MARGIN, LEAKAGE, BILL):
        assert desk_of(clerk("view_upstream")).get(path).status_code == 403
    looking = desk_of(clerk("view_billedday"))
    assert looking.get(MARGIN).status_code == 200
    assert looking.get(BILL).status_code == 403
    assert looking.post(BILL, {}).status_code == 403


# --- Bills --------------------------------------------------------------------------------------

TODAY = datetime.date(2026, 11, 29)


@pytest.mark.parametrize(
    "text",
    [
        "date,amount\n2026-11-27,12.50\n2026-11-28,0.000001\n",
        "2026-11-27;12,5\r\n\r\n2026-11-28;0,000001",
        "\ufeffDay,USD\n 2026-11-27 , 12.50 \n2026-11-28,0.000001",
    ],
)
def test_bills_are_read_as_spreadsheets_write_them(text: str) -> None:
    assert read_bill(text.encode(), TODAY) == {
        datetime.date(2026, 11, 27): 12_500_000,
        datetime.date(2026, 11, 28): 1,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-11-27,1\n11/28/2026,2", "Line 2: 11/28/2026 is no date; write it as 2026-11-28."),
        ("2026-11-27,twelve", "Line 1: twelve is no amount"),
        ("2026-11-27,-1", "Line 1: -1 is no amount"),
        ("2026-11-27,NaN", "Line 1: NaN is no amount"),
        ("2026-11-27,0.0000001", "Line 1: 0.0000001 is no amount"),
        ("2026-11-27,1e40", "Line 1: 1e40 is no amount"),
        ("2026-11-27", "Line 1: a date and an amount are expected"),
        ("2026-11-30,1", "Line 1: 2026-11-30 has not come yet."),
        ("2026-11-27,1\n2026-11-27,2", "Line 2: 2026-11-27 is there already."),
        ("date,amount\n", "There is no line with a date and an amount."),
        ("", "There is no line with a date and an amount."),
    ],
)
def test_bad_lines_are_named_with_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(BadBill) as refused:
        read_bill(text.encode(), TODAY)
    assert words in refused.value.problems[0]


def test_other_files_are_refused() -> None:
    for data in (b"\xff\xfe", b"x" * 300_000, b"\x00" * 10, b'"' * 200_000):
        with pytest.raises(BadBill):
            read_bill(data, TODAY)


def upload(client: Any, upstream: Upstream, text: str) -> Any:
    file = io.BytesIO(text.encode())
    file.name = "bill.csv"
    return client.post(BILL, {"upstream": upstream.pk, "file": file})


def test_the_gap_is_what_is_billed_above_what_is_booked_on_those_days() -> None:
    import random

    upstream = an_upstream(cost_micros=10_000, concurrency=100)
    access = an_access(an_organization(1000, 10**6))
    for number in range(4):
        one_order(random.Random(number), a_generation(access), [upstream])
    booked = cost()
    client = desk_of(operator())
    today = read_db_now().date()
    yesterday = today - datetime.timedelta(days=1)
    before = upload(client, upstream, "2026-01-01,5")
    assert before.status_code == 302
    assert is_told(LogEntry.objects.latest("pk").get_change_message())
    answer = upload(client, upstream, f"{today},1.5\n{yesterday},0.25")
    assert answer.status_code == 302
    page = text_of(client.get(LEAKAGE, {"start": str(yesterday), "end": str(today)}))
    assert "1.7500" in page
    [leak] = leakage.report(last_days())
    assert leak.gap_micros == 1_750_000 - booked
    assert upload(client, upstream, f"{today},2").status_code == 302
    [leak] = leakage.report(last_days())
    assert leak.billed_micros == 2_250_000, "The day is replaced, the other stays"
    assert BilledDay.objects.count() == 3
    refused = upload(client, upstream, "nonsense")
    assert refused.status_code == 200
    assert "a date and an amount are expected" in text_of(refused)
