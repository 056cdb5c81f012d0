"""Statements whose SQL is written once: they do what the ORM does, whatever their values."""

import datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.clock import db_now
from accounts.models import ApiKey, Organization, Shop
from accounts.shops import first_shop
from accounts.statements import Change, Insert, Select, Update
from billing.models import KeyUsage
from tests.cast import Person, new_key
from tests.threads import together

pytestmark = pytest.mark.usefixtures("any_db")


def test_rows_are_those_of_the_queryset(alice: Person, charlie: Person) -> None:
    key, _secret = new_key(alice, scopes=["read"])
    new_key(charlie)
    of = Select(lambda slug: ApiKey.objects.select_related("organization").filter(organization__slug=slug))
    for person in (alice, charlie, alice):
        slug = person.organization.slug
        expected = list(ApiKey.objects.filter(organization__slug=slug))
        with CaptureQueriesContext(connection) as queries:
            found = of(slug=slug)
            assert [row.organization for row in found] == [person.organization] * len(expected)
        assert found == expected
        assert len(queries) == 1, "The organization comes along"
    [row] = of(slug=alice.organization.slug)
    # Converted as the ORM converts them: JSON, booleans and times.
    assert (row.scopes, row.livemode, row.created_at) == (["read"], True, key.created_at)


def test_values_lists_annotations_and_slices_work(alice: Person) -> None:
    first = Select(
        lambda name: (
            Organization.objects.filter(name=name).annotate(now=db_now()).values_list("slug", "now")[:1]
        )
    )
    [(slug, now)] = first(name=alice.organization.name)
    assert slug == alice.organization.slug
    assert abs(now - timezone.now()) < datetime.timedelta(hours=1)
    assert first(name="nobody's") == []


def test_sql_is_written_once_for_each_shape_of_the_values(alice: Person) -> None:
    built: list[dict[str, Any]] = []

    def build(**values: Any) -> Any:
        built.append(values)
        return Organization.objects.filter(**values)

    find = Select(build)
    organization = alice.organization
    for suspended_at__isnull in (True, False, True):
        for pk in (organization.pk, 0, organization.pk):
            expected = list(Organization.objects.filter(suspended_at__isnull=suspended_at__isnull, pk=pk))
            assert find(suspended_at__isnull=suspended_at__isnull, pk=pk) == expected
    assert len(built) == 2


def test_null_is_a_shape_of_its_own(alice: Person) -> None:
    key, _secret = new_key(alice)
    with_rate = Select(lambda rate: ApiKey.objects.filter(rate_per_minute=rate))
    assert with_rate(rate=None) == [key]
    assert with_rate(rate=7) == []
    ApiKey.objects.update(rate_per_minute=7)
    assert with_rate(rate=None) == []
    assert with_rate(rate=7) == [key]


def test_update_changes_what_the_orm_would_and_counts_it(alice: Person, charlie: Person) -> None:
    @Update
    def move(slug: str, days: datetime.timedelta, name: str) -> Change:
        rows = Organization.objects.filter(Q(name=name) | Q(slug=slug))
        return rows, {"created_at": F("created_at") - days, "name": name}

    before = alice.organization.created_at
    for days in (1, 10):
        moved = datetime.timedelta(days=days)
        assert move(slug=alice.organization.slug, days=moved, name="Renamed") == 1
        alice.organization.refresh_from_db()
        assert (alice.organization.name, before - alice.organization.created_at) == ("Renamed", moved)
        before = alice.organization.created_at
    assert move(slug="nobody", days=datetime.timedelta(1), name="nobody") == 0
    charlie.organization.refresh_from_db()
    assert charlie.organization.name == "Elsewhere"


def test_dates_are_compared_as_the_orm_compares_them(alice: Person) -> None:
    key, _secret = new_key(alice)
    KeyUsage.objects.create(key=key, day=datetime.date(2026, 2, 3))
    on = Select(lambda day: KeyUsage.objects.filter(day=day).values_list("key_id", flat=True))
    assert on(day=datetime.date(2026, 2, 3)) == [key.pk]
    assert on(day=datetime.date(2026, 2, 4)) == []


def test_insert_gives_the_object_as_saved() -> None:
    insert, shop_id = Insert(Organization), first_shop().pk
    made = [insert(slug=slug, name="One", shop_id=shop_id) for slug in ("first", "second")]
    assert [Organization.objects.get(slug=slug) for slug in ("first", "second")] == made
    saved = Organization.objects.get(slug="second")
    assert (made[1].created_at, made[1].suspended_reason) == (saved.created_at, "")
    assert not made[1]._state.adding


def test_failed_statement_spoils_its_transaction_as_the_orm_does(alice: Person) -> None:
    insert, shop_id = Insert(Organization), first_shop().pk
    insert(slug="taken", shop_id=shop_id)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(slug="taken", shop_id=shop_id)
    assert Organization.objects.filter(slug="taken").count() == 1


def test_value_that_would_be_frozen_is_refused() -> None:
    with pytest.raises(TypeError, match="public_id has a changing default"):
        Insert(ApiKey)(livemode=True, prefix="tt_live_abcd", digest="x")
    with pytest.raises(TypeError, match="Not found in the statement: credits"):
        Update(lambda credits: (KeyUsage.objects.all(), {"day_credits": F("day_credits") + -credits}))(
            credits=1
        )
    with pytest.raises(TypeError, match="float cannot be bound"):
        Select(lambda value: Shop.objects.filter(pk=value))(value=1.5)


def test_lock_outside_of_a_transaction_is_refused_every_time(committed_db: None) -> None:
    Shop.objects.create(slug="locked")
    locked = Select(lambda slug: Shop.objects.select_for_update().filter(slug=slug))
    with transaction.atomic():
        assert len(locked(slug="locked")) == 1
    with pytest.raises(transaction.TransactionManagementError):
        locked(slug="locked")


def test_threads_share_the_sql_and_not_the_connection(committed_db: None) -> None:
    Shop.objects.create(slug="first-one")
    by_slug = Select(lambda slug: Shop.objects.filter(slug=slug))
    found = together(8, lambda index: [len(by_slug(slug=slug)) for slug in ("first-one", "none") * 20])
    assert found == [[1, 0] * 20] * 8
