"""Accepting an order: all of it or nothing, and one task for one idempotency key."""

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.access import Access
from accounts.models import Organization
from billing import ledger
from billing.errors import InsufficientCredits, TooManyOpenTasks
from billing.models import KeyUsage, LedgerEntry
from generations import doorbell, lifecycle
from generations.errors import IdempotencyMismatch, UpstreamMissing
from generations.models import Generation, ModelPrice
from tests.makers import (
    a_generation,
    a_request,
    age,
    an_access,
    an_organization,
    books_are_right,
    new_reference,
    open_tasks_of,
    wallet_of,
)

pytestmark = pytest.mark.django_db
DAY_S = 86_400


def test_an_accepted_order_is_queued_and_holds_its_price(organization: Organization, access: Access) -> None:
    generation = Generation.objects.get(pk=a_generation(access).pk)
    assert (generation.status, generation.price_credits, generation.livemode) == ("queued", 15, True)
    assert wallet_of(organization) == (85, 15, 0, 0)
    entry = LedgerEntry.objects.get(reference=f"generation:{generation.task_id}")
    assert (entry.kind, entry.actor) == ("hold", access.actor)
    assert (generation.deadline_at - generation.created_at).total_seconds() == pytest.approx(600, abs=1)
    assert books_are_right()


def test_an_order_costs_the_price_that_is_valid_now(organization: Organization, access: Access) -> None:
    [price] = ModelPrice.objects.all()
    ModelPrice.objects.create(shop=price.shop, model=price.model, credits=7)
    assert a_generation(access).price_credits == 7
    assert wallet_of(organization)[:2] == (93, 7)


def test_a_refused_order_leaves_nothing() -> None:
    poor = an_access(an_organization(14))
    with pytest.raises(InsufficientCredits):
        a_generation(poor, idempotency_key="k")
    assert not Generation.objects.exists()
    assert not KeyUsage.objects.exists()
    assert not LedgerEntry.objects.filter(kind="hold").exists()


def test_after_a_refusal_the_same_idempotency_key_is_free() -> None:
    organization = an_organization(14)
    access = an_access(organization)
    with pytest.raises(InsufficientCredits):
        a_generation(access, idempotency_key="k")
    ledger.grant(organization.pk, 1, reference=new_reference("manual"), actor="system")
    assert a_generation(access, idempotency_key="k").status == "queued"


def test_orders_in_test_mode_hold_nothing_but_are_counted(
    organization: Organization, settings: Settings
) -> None:
    settings.MAX_OPEN_TASKS = 2
    access = an_access(organization, livemode=False)
    assert a_generation(access).price_credits == 0
    a_generation(access)
    with pytest.raises(TooManyOpenTasks):
        a_generation(access)
    assert wallet_of(organization) == (100, 0, 0, 0)
    assert open_tasks_of(organization) == 0
    assert Generation.objects.count() == 2
    assert books_are_right()


def test_live_orders_without_an_upstream_are_refused(access: Access, settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(UpstreamMissing):
        a_generation(access)
    assert not Generation.objects.exists()


def test_the_bell_rings_after_the_commit_of_whoever_calls(
    access: Access,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(doorbell, "ring", rung.append)
    with django_capture_on_commit_callbacks(execute=True):
        generation = a_generation(access)
        assert rung == []
    assert rung == [generation.pk]


# --- Idempotency keys ----------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_same_task(organization: Organization, access: Access) -> None:
    first = a_generation(access, idempotency_key="k")
    assert a_generation(access, idempotency_key="k").pk == first.pk
    assert wallet_of(organization)[:2] == (85, 15)


def test_a_replay_is_answered_whatever_has_become_of_credits_and_limits(
    access: Access, settings: Settings
) -> None:
    first = a_generation(access, idempotency_key="k")
    settings.MAX_OPEN_TASKS, settings.DEMO = 1, False
    assert a_generation(access, idempotency_key="k").pk == first.pk
    lifecycle.cancel(first)
    assert a_generation(access, idempotency_key="k").pk == first.pk


def test_the_same_key_with_another_body_is_a_mismatch(access: Access) -> None:
    a_generation(access, idempotency_key="k")
    for request, endpoint in ((a_request("a harbour"), "test"), (a_request(), "another endpoint")):
        with pytest.raises(IdempotencyMismatch):
            lifecycle.submit(access, request, endpoint=endpoint, idempotency_key="k")
    assert Generation.objects.count() == 1


def test_keys_of_another_organization_or_mode_are_not_ours(
    organization: Organization, access: Access
) -> None:
    others = (an_access(organization, livemode=False), an_access(an_organization(100)))
    tasks = {a_generation(who, idempotency_key="k").pk for who in (access, *others)}
    assert len(tasks) == 3
    assert a_generation(an_access(organization), idempotency_key="k").pk in tasks


def test_after_a_day_a_key_makes_a_new_task(access: Access) -> None:
    old = a_generation(access, idempotency_key="k")
    assert lifecycle.claim(old.pk) is not None  # untouched for a day, it would be a backlog
    age(old, created_at=DAY_S - 60)
    assert a_generation(access, idempotency_key="k").pk == old.pk
    lifecycle.cancel(old)
    age(old, created_at=DAY_S + 1)
    new = a_generation(access, idempotency_key="k")
    assert new.pk != old.pk
    assert a_generation(access, idempotency_key="k").pk == new.pk


# --- What the database refuses -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"status": "paused"}, "generation_status_is_known|generation_ended_has_a_time"),
        ({"status": "failed"}, "generation_ended_has_a_time"),
        ({"finished_at": "2026-01-01T00:00:00Z"}, "generation_ended_has_a_time"),
        ({"livemode": False}, "generation_test_costs_nothing"),
        ({"price_credits": 0}, "generation_test_costs_nothing"),
        ({"n": 0}, "generation_n_is_1_to_4"),
        ({"n": 5}, "generation_n_is_1_to_4"),
        ({"progress": 101}, "generation_progress_is_percent"),
    ],
)
def test_impossible_generations_are_refused(
    access: Access, change: dict[str, object], constraint: str
) -> None:
    generation = a_generation(access)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Generation.objects.filter(pk=generation.pk).update(**change)


def test_test_generations_with_a_price_are_refused(organization: Organization) -> None:
    generation = a_generation(an_access(organization, livemode=False))
    with pytest.raises(IntegrityError, match="generation_test_costs_nothing"), transaction.atomic():
        Generation.objects.filter(pk=generation.pk).update(price_credits=1)


def test_a_second_generation_with_an_idempotency_key_is_refused(access: Access) -> None:
    a_generation(access, idempotency_key="k")
    second = a_generation(access)
    with pytest.raises(IntegrityError), transaction.atomic():
        Generation.objects.filter(pk=second.pk).update(idempotency_key="k")
