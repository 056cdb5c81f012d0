"""What customers wait for, what workers do and every sweep reads as few rows among millions as among a hundred."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.db import connection, connections, transaction
from django.test import Client, override_settings
from pytest_django.plugin import DjangoDbBlocker

from accounts import hooks
from accounts.access import Access, access_of_key
from accounts.clock import read_db_now
from accounts.models import ApiKey, Organization
from billing import audit, ledger, proofs, reads
from billing.models import LedgerEntry
from config.watching import alarms, figures, meters
from generations import (
    backlog,
    between_shops,
    closing,
    doorbell,
    gpu_workers,
    incidents,
    leakage,
    lifecycle,
    margin,
    remedies,
    retention,
    runner,
    sweeps,
    waiting,
    wholesale,
)
from generations.models import Attempt, Generation, Image
from tests.accounts.client import data_of, generate, status, task_of
from tests.cast import Person, found, give_credits, new_key
from tests.databases import Restore
from tests.generations.api.asking import get
from tests.generations.hurt import an_incident
from tests.makers import (
    a_generation,
    a_request,
    a_submitted,
    age,
    an_upstream,
    new_reference,
    stored_images,
)
from tests.many_rows import count_for_plans, fill
from tests.operators import doer
from tests.pages import browser_of
from tests.plans import ORDERS, Plan, plans_of

ROWS = 20_000 if connection.vendor == "postgresql" else 100  # SQLite does not count
DAY_S = 86_400


@dataclass(frozen=True)
class Customer:
    owner: Person
    access: Access
    secret: str
    key_id: str
    newest_task: str
    middle_entry: int


@dataclass(frozen=True)
class Shop:
    """`large` made nearly all there is, `gone` a tenth before that and none since. `seen`: what was found with every
    index in its place, by what happened.
    """

    large: Customer
    gone: Customer
    seen: dict[Callable[["Shop"], None], list[Plan]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def old_shop(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[Shop]:
    with django_db_blocker.unblock():
        gone, large = _customer("Gone", ROWS // 10), _customer("Large", ROWS)
        count_for_plans()
        assert proofs.check() == []
        yield Shop(large, gone)
        connections.close_all()
        django_db_setup()


def _customer(name: str, rows: int) -> Customer:
    owner = found(f"{name.lower()}@studio.example", name)
    give_credits(owner.organization, 100 * rows)
    key, secret = new_key(owner)
    fill(access_of_key(key), rows)
    newest = Generation.objects.latest("pk")
    middle = LedgerEntry.objects.latest("pk").pk - rows
    return Customer(owner, access_of_key(key), secret, key.public_id, newest.task_id, middle)


@pytest.fixture
def shop(old_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(doorbell, "publish", lambda _id: True)
    with undone():
        yield old_shop


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# --- What happens in a shop ---------------------------------------------------------------------


def order(shop: Shop) -> None:
    ApiKey.objects.update(last_used_at=None)
    headers = {"Idempotency-Key": "once"}
    task = task_of(generate(shop.large.secret, headers=headers))
    assert task_of(generate(shop.large.secret, headers=headers)) == task
    age(Generation.objects.get(task_id=task), created_at=2 * DAY_S)
    assert task_of(generate(shop.large.secret, headers=headers)) != task
    assert generate(new_key(shop.large.owner, livemode=False)[1]).status_code == 200


def poll(shop: Shop) -> None:
    task = task_of(generate(shop.large.secret))
    assert data_of(status(shop.large.secret, task))["status"] == "IN_PROGRESS"
    runner.run(Generation.objects.get(task_id=task).pk)
    [url] = data_of(status(shop.large.secret, task))["response"]
    path = url.partition("/i/")[2]
    assert Client().get(f"/i/{path}").status_code == 200
    assert status(shop.large.secret, f"task_{'0' * 26}").status_code == 404


def try_again(shop: Shop) -> None:
    """As a client does that waits for its image and got none."""
    access = shop.large.access
    first, second = (
        lifecycle.submit(access, a_request(), endpoint="test", its_try=lifecycle.Try(number, bool))
        for number in range(2)
    )
    assert first == second
    assert waiting.ended([first.pk]) == set()
    lifecycle.answered(first.pk)


def look_at_pages(shop: Shop) -> None:
    for customer in (shop.large, shop.gone):
        client = browser_of(customer.owner)
        for path in (
            "/playground/",
            f"/playground/{customer.newest_task}/",
            f"/playground/{customer.newest_task}/progress",
            "/credits/",
            f"/credits/?before={customer.middle_entry}",
        ):
            assert client.get(path, HTTP_HX_REQUEST="true").status_code == 200, path


def read_version_1(shop: Shop) -> None:
    for customer in (shop.large, shop.gone):
        newest = Generation.objects.get(task_id=customer.newest_task)
        then = newest.created_at - timedelta(days=2)
        day = then.date().isoformat()
        for path, query in (
            ("generations", {}),
            ("generations", {"status": "canceled"}),
            ("generations", {"model": "z-image-turbo", "created_before": then.isoformat()}),
            ("generations", {"key": customer.key_id, "created_after": then.isoformat()}),
            (f"generations/{customer.newest_task}", {}),
            (f"generations/{customer.newest_task}/receipt", {}),
            ("ledger", {}),
            ("ledger", {"kind": "take", "created_before": then.isoformat()}),
            ("balance", {}),
            ("models", {}),
            ("usage", {"start": day, "end": day, "group_by": "day,key,model"}),
        ):
            cursor = get(customer.secret, path, **query).get("next_cursor")
            if cursor:
                get(customer.secret, path, **query, cursor=cursor)


def work(shop: Shop) -> None:
    generation, attempt = a_submitted(shop.large.access)
    assert lifecycle.renew(generation)
    assert lifecycle.report_progress(generation, 50)
    assert lifecycle.hand_back(generation, 0, attempt=attempt, outcome="busy")
    again = lifecycle.claim(generation.pk)
    assert again
    attempt = lifecycle.mark_submitted(again, "sandbox") or attempt
    assert lifecycle.succeed(again, attempt, stored_images(again, 1))
    failing, attempt = a_submitted(shop.large.access)
    assert lifecycle.fail(failing, "generation_failed", attempt=attempt, outcome="failed")
    assert not lifecycle.fail(failing, "generation_failed", attempt=attempt, outcome="failed")
    canceled, _attempt = a_submitted(shop.large.access)
    lifecycle.cancel(canceled)


def sweep(shop: Shop) -> None:
    lost, submitted, late, waiting = (a_generation(shop.large.access) for _ in range(4))
    for row in (lost, submitted):
        claimed = lifecycle.claim(row.pk)
        assert claimed
        if row is submitted:
            lifecycle.mark_submitted(claimed, "sandbox")
        age(row, lease_until=1)
    age(late, deadline_at=1)
    age(waiting, dispatch_after=1)
    assert sweeps.expire_overdue() == 1
    assert (sweeps.requeue_lost(), sweeps.drive_again()) == (1, 1)
    assert sweeps.ring_again() >= 1
    assert gpu_workers.queued_before(a_generation(shop.large.access)) > 0


def delete_old_images(shop: Shop) -> None:
    oldest = Image.objects.filter(deleted_at=None).order_by("created_at").values_list("pk", flat=True)[:1]
    Image.objects.filter(pk__in=list(oldest)).update(created_at="2020-01-01T00:00:00Z")
    assert sweeps.delete_old_images() == 1


def keep_for_less(shop: Shop) -> None:
    """Both walks: an organization's own days, and everybody's prompts."""
    Organization.objects.filter(pk=shop.large.access.organization.pk).update(retention_days=20)
    with override_settings(PROMPT_RETENTION_DAYS=40):
        assert retention.apply() > 0


def export(shop: Shop) -> None:
    for section in hooks.export_sections:
        for item in section(shop.large.access.organization):
            if isinstance(item, hooks.ExportDocument):
                assert all(item.rows)


def close(shop: Shop) -> None:
    assert closing.end_orders(shop.gone.access.organization)
    assert list(closing.forget_orders(shop.gone.access.organization))


def make_good(shop: Shop) -> None:
    """What operators do after a bad day: credits for all that failed, and some of it made again."""
    access, now = shop.large.access, read_db_now()
    for upstream in (None, an_upstream(enabled=False)):
        incident = an_incident(since=now - timedelta(days=1), until=now, upstream=upstream)
        assert (incidents.extent(incident).tasks > 0) == (upstream is None)
        incidents.start(incident, doer())
        assert (incidents.run_due() > 0) == (upstream is None)
    failed = Generation.objects.filter(organization=access.organization, livemode=True, status="failed")
    remedies.retry(failed.newest_first()[0], doer())
    remedies.cancel(a_generation(access), doer())


def measure_the_backlog(shop: Shop) -> None:
    age(a_generation(shop.large.access), created_at=30)
    line = shop.large.access.organization.shop_id, True
    assert backlog.measure()[line].oldest_s > 0
    assert backlog.oldest_s() > 0


def move_credits(shop: Shop) -> None:
    organization_id = shop.large.access.organization.pk
    ledger.top_up(organization_id, 5, net_value_micros=5, reference=new_reference(), actor="system")
    ledger.take(organization_id, 5, reference=new_reference(), actor="system")
    ledger.claw_back(organization_id, 5, value_micros=5, reference=new_reference(), actor="system")
    assert reads.statement(organization_id).entries


def check_the_ledger(_shop: Shop) -> None:
    with connection.cursor() as cursor:
        since = proofs.latest(cursor)
        assert since != audit.BEGINNING
        assert audit.check(cursor, since) == []
        proofs.prove(cursor, since, proofs.newest_ids(cursor))


def check_the_ledger_fully(_shop: Shop) -> None:
    with connection.cursor() as cursor:
        assert audit.check(cursor) == []


def find_by_request(shop: Shop) -> None:
    """As support does, who is told the id that an answer bore."""
    answer = generate(shop.large.secret)
    found = Generation.objects.of_request(answer["X-Request-Id"])
    assert [row.task_id for row in found] == [task_of(answer)]


def watch(shop: Shop) -> None:
    """As beat and whoever asks for the figures do."""
    meters.count()
    order(shop)
    with patch.object(meters, "LAG", timedelta(seconds=-5)):
        assert meters.count() > 0
    figures.forget()
    assert ("tintype_database_up", {}, 1) in figures.now()
    alarms.look()


def look_at_margins(shop: Shop) -> None:
    """Of a day in the middle, of which there are few hundred orders among all."""
    then = Generation.objects.get(task_id=shop.large.newest_task).created_at - timedelta(days=20)
    window = margin.Window(then.date(), then.date())
    for by in margin.GROUPINGS:
        assert margin.tasks(window) if by == "task" else margin.grouped(window, by)
    assert leakage.report(window)


def buy_from_a_shop(shop: Shop) -> None:
    """Whose customer has made nearly all there is."""
    upstream = an_upstream(wholesale=shop.large.access.organization)
    newest = Generation.objects.get(task_id=shop.large.newest_task)
    attempt = Attempt(generation=newest, number=1, upstream=upstream, provider="portal")
    wholesale.cost_of(attempt)
    attempt.upstream_task_id = newest.task_id
    wholesale.cost_of(attempt)
    assert wholesale.obstacle_of(upstream) is not None, "There is no key"
    then = newest.created_at - timedelta(days=20)
    assert between_shops.paid(margin.Window(then.date(), then.date())) == {}
    sweeps.open_again()


EVERYTHING = [
    order,
    poll,
    try_again,
    look_at_pages,
    read_version_1,
    work,
    sweep,
    delete_old_images,
    keep_for_less,
    export,
    close,
    make_good,
    measure_the_backlog,
    move_credits,
    check_the_ledger,
    find_by_request,
    watch,
    look_at_margins,
    buy_from_a_shop,
]


def plans(shop: Shop, happening: Callable[[Shop], object]) -> list[Plan]:
    """Webhooks' tables are looked at where these are filled: tests/webhooks/customers/test_query_plans.py."""
    return plans_of(lambda: happening(shop), ORDERS)


def plans_with_all_indexes(shop: Shop, happening: Callable[[Shop], None]) -> list[Plan]:
    """The same, once for all tests that change nothing before."""
    if happening not in shop.seen:
        shop.seen[happening] = plans(shop, happening)
    return shop.seen[happening]


def costs(found: list[Plan]) -> list[str]:
    return [f"{cost}: {plan.sql}" for plan in found for cost in plan.costs]


@pytest.mark.parametrize("happening", EVERYTHING)
def test_no_statement_reads_more_as_tables_grow(shop: Shop, happening: Callable[[Shop], None]) -> None:
    found = plans_with_all_indexes(shop, happening)
    assert any(plan.indexes for plan in found)
    assert costs(found) == []


@pytest.mark.parametrize(
    ("index", "happening", "table"),
    [
        ("generation_open", sweep, "generations_generation"),
        ("generation_open", measure_the_backlog, "generations_generation"),
        ("generation_ended", measure_the_backlog, "generations_generation"),
        ("generation_ended", make_good, "generations_generation"),
        ("generation_ended", watch, "generations_generation"),
        ("generation_ended", look_at_margins, "generations_generation"),
        ("generation_by_request", find_by_request, "generations_generation"),
        ("generation_newest_first", look_at_pages, "generations_generation"),
        ("generation_newest_first", keep_for_less, "generations_generation"),
        ("generation_newest_first", read_version_1, "generations_generation"),
        ("image_kept", delete_old_images, "generations_image"),
        ("entry_newest_first", look_at_pages, "billing_ledgerentry"),
    ],
)
def test_without_its_index_a_statement_reads_more_control(
    shop: Shop, index: str, happening: Callable[[Shop], None], table: str
) -> None:
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {index}")
    assert any(table in cost for cost in costs(plans(shop, happening)))


def test_rows_that_are_read_by_and_by_are_measured_too_control(shop: Shop) -> None:
    """By a cursor on PostgreSQL: nobody would see that it reads everything."""

    def walk(_shop: Shop) -> None:
        assert any(Generation.objects.filter(width=1280).iterator())

    assert any("generations_generation" in cost for cost in costs(plans(shop, walk)))


def test_rows_that_are_deleted_are_looked_for_too_control(shop: Shop) -> None:
    def delete(_shop: Shop) -> None:
        Attempt.objects.filter(detail="nobody's").delete()

    assert any(plan.costs for plan in plans(shop, delete) if plan.sql.startswith("DELETE"))


if connection.vendor == "postgresql":  # on SQLite tests/billing/test_proofs.py counts its steps

    def test_without_its_index_a_next_try_reads_more_control(shop: Shop) -> None:
        """SQLite would take that of the organization's newest, and count no row of it."""
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX generation_awaited")
        assert any("generations_generation" in cost for cost in costs(plans(shop, try_again)))

    def test_without_its_index_an_order_made_again_is_looked_for_among_all_control(shop: Shop) -> None:
        """SQLite would make an index of its own for the one statement."""
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX generation_made_again")
        assert any("generations_generation" in cost for cost in costs(plans(shop, check_the_ledger)))

    def test_a_full_check_of_the_ledger_reads_everything_control(shop: Shop) -> None:
        found = " ".join(costs(plans(shop, check_the_ledger_fully)))
        assert all(table in found for table in ORDERS - {"generations_attempt"})


def test_no_index_is_kept_that_nothing_uses(old_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorbell, "publish", lambda _id: True)
    used = set[str]()
    for happening in EVERYTHING:
        with undone():
            used |= {name for plan in plans_with_all_indexes(old_shop, happening) for name in plan.indexes}
    with connection.cursor() as cursor:
        kept = {
            name
            for table in ORDERS
            for name, details in connection.introspection.get_constraints(cursor, table).items()
            if details["index"] and not details["unique"]
        }
    assert kept == {
        "generation_newest_first",
        "generation_open",
        "generation_ended",
        "generation_awaited",
        "generation_by_request",
        "generation_made_again",
        "attempt_open",
        "image_kept",
        "entry_newest_first",
    }
    assert kept <= used


def test_workers_find_their_row_by_its_number(shop: Shop) -> None:
    """A partial index may look cheaper while the queue is empty, and would be read whole when it is full."""
    found = plans_with_all_indexes(shop, work)
    updates = [plan for plan in found if plan.sql.startswith('UPDATE "generations_generation"')]
    assert updates
    assert "generation_open" not in {name for plan in updates for name in plan.indexes}
