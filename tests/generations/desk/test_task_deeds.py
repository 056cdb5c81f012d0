"""One task at the desk: found, credited, made again at the shop's expense, canceled."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.clock import db_now
from accounts.models import AuditEvent, Organization
from billing import ledger
from billing.models import LedgerEntry
from generations import content, lifecycle, runner
from generations.models import BlockedPhrase, Generation, PaidCancels, Status
from tests.generations.hurt import a_failed, a_succeeded
from tests.makers import (
    PRICE_CREDITS,
    a_generation,
    an_access,
    an_organization,
    an_upstream,
    books_are_right,
    new_reference,
    set_price,
    settlements_of,
    status_of,
    wallet_of,
)
from tests.operators import desk_of, do, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
LIST = "/admin/generations/generation/"


@pytest.fixture
def desk(db: None) -> Client:
    return desk_of(operator())


@pytest.fixture
def organization(db: None) -> Organization:
    return an_organization(credits=100)


def test_task_is_found_by_its_id_and_says_why_it_failed(desk: Client, organization: Organization) -> None:
    failed, other = (a_failed(an_access(organization), "timeout") for _ in range(2))
    words = text_of(desk.get(LIST, {"q": f" {failed.task_id} "}))
    assert failed.task_id in words
    assert other.task_id not in words
    assert "timeout" in text_of(desk.get(f"{LIST}{failed.pk}/change/"))


# --- Credits for it -----------------------------------------------------------------------------


def test_credits_for_a_task_come_once(desk: Client, organization: Organization) -> None:
    failed = a_failed(an_access(organization))
    assert f'value="{PRICE_CREDITS}"' in desk.get(f"{LIST}{failed.pk}/credit/").content.decode()
    assert "20 credits were given." in text_of(do(desk, failed, "credit", credits="20"))
    assert "Credits were given for it before." in text_of(do(desk, failed, "credit", credits="20"))
    assert wallet_of(organization)[0] == 120
    event = AuditEvent.objects.get()
    assert (event.subject, event.details) == (failed.task_id, {"credits": 20})
    assert books_are_right()


def test_a_task_of_a_test_key_cost_nothing(desk: Client, organization: Organization) -> None:
    failed = a_failed(an_access(organization, livemode=False))
    for deed in ("credit", "retry"):
        assert "by a test key" in text_of(desk.get(f"{LIST}{failed.pk}/{deed}/"))
    do(desk, failed, "retry")
    assert Generation.objects.count() == 1


# --- Made again ---------------------------------------------------------------------------------


def test_made_again_it_costs_the_customer_nothing(desk: Client, organization: Organization) -> None:
    access = an_access(organization)
    failed = a_failed(access)
    before = wallet_of(organization)
    words = text_of(do(desk, failed, "retry"))
    made = Generation.objects.get(retry_of=failed)
    assert f"{made.task_id} is made in its place." in words
    assert (made.prompt, made.width, made.height, made.requested_seed) == (
        failed.prompt,
        failed.width,
        failed.height,
        failed.requested_seed,
    )
    assert Generation.find(access, made.task_id) == made  # its organization sees it as any other
    runner.run(made.pk)
    assert status_of(made) == (Status.SUCCEEDED, "")
    assert settlements_of(made) == ["capture"]
    assert wallet_of(organization)[0] == before[0]
    assert books_are_right()


def test_made_again_and_failed_again_the_customer_keeps_the_credits(
    desk: Client, organization: Organization
) -> None:
    failed = a_failed(an_access(organization))
    do(desk, failed, "retry")
    again = lifecycle.claim(Generation.objects.get(retry_of=failed).pk)
    assert again
    attempt = lifecycle.mark_submitted(again, "sandbox")
    assert attempt
    lifecycle.fail(again, "generation_failed", attempt=attempt, outcome="failed")
    assert wallet_of(organization)[:2] == (100 + PRICE_CREDITS, 0)
    assert "is made in its place" in text_of(do(desk, again, "retry"))
    assert books_are_right()


def test_it_is_made_again_once(desk: Client, organization: Organization) -> None:
    failed = a_failed(an_access(organization))
    do(desk, failed, "retry")
    assert "It was made again before" in text_of(do(desk, failed, "retry"))
    assert Generation.objects.filter(retry_of=failed).count() == 1
    assert LedgerEntry.objects.filter(reference=f"retry:{failed.task_id}").count() == 1


def test_whatever_refuses_the_new_order_takes_the_gift_back(
    desk: Client, organization: Organization, settings: Settings
) -> None:
    failed = a_failed(an_access(organization))
    settings.MAX_OPEN_TASKS = 0
    assert "Too many open tasks" in text_of(do(desk, failed, "retry"))
    settings.MAX_OPEN_TASKS = 20
    ledger.claw_back(organization.pk, 1000, value_micros=0, reference=new_reference(), actor="system")
    assert "A payment is owed" in text_of(do(desk, failed, "retry"))
    assert (Generation.objects.count(), wallet_of(organization)[:3]) == (1, (0, 0, 900))
    assert not AuditEvent.objects.exists()


def test_only_what_failed_and_is_known_is_made_again(desk: Client, organization: Organization) -> None:
    access = an_access(organization)
    succeeded, waiting, forgotten = a_succeeded(access), a_generation(access), a_failed(access)
    Generation.objects.filter(pk=forgotten.pk).update(prompt="")
    for row, why in (
        (succeeded, "Only a failed task can be made again."),
        (waiting, "Only a failed task can be made again."),
        (forgotten, "Its prompt has been forgotten"),
    ):
        assert why in text_of(do(desk, row, "retry"))
        assert f"{LIST}{row.pk}/retry/" not in desk.get(f"{LIST}{row.pk}/change/").content.decode()
    failed = a_failed(access)
    for fields, why in (
        ({"suspended_at": db_now()}, "Its organization is suspended"),
        ({"closing_at": db_now()}, "Its organization is being deleted."),
    ):
        Organization.objects.update(**fields)
        assert why in text_of(do(desk, failed, "retry"))
        Organization.objects.update(suspended_at=None, closing_at=None)
    BlockedPhrase.objects.create(shop=organization.shop, phrase="lighthouse")
    content.forget()
    assert "refused by the content rules" in text_of(do(desk, failed, "retry"))
    assert not Generation.objects.exclude(retry_of=None).exists()


def test_it_is_made_again_for_what_it_costs_now(desk: Client, organization: Organization) -> None:
    failed = a_failed(an_access(organization))
    set_price(40)
    do(desk, failed, "retry")
    assert Generation.objects.get(retry_of=failed).price_credits == 40
    assert wallet_of(organization)[:2] == (100, 40)
    assert books_are_right()


# --- Canceled -----------------------------------------------------------------------------------


def test_canceled_it_frees_its_hold_and_ends_once(desk: Client, organization: Organization) -> None:
    waiting = a_generation(an_access(organization))
    assert wallet_of(organization)[:2] == (100 - PRICE_CREDITS, PRICE_CREDITS)
    assert "It is canceled." in text_of(do(desk, waiting, "cancel"))
    assert "This task has already ended" in text_of(do(desk, waiting, "cancel"))
    assert "This task has already ended" in text_of(desk.get(f"{LIST}{waiting.pk}/cancel/"))
    assert status_of(waiting) == (Status.CANCELED, "canceled")
    assert wallet_of(organization)[:2] == (100, 0)
    assert AuditEvent.objects.count() == 1
    assert books_are_right()


def test_an_operators_cancel_counts_against_nobody(
    desk: Client, organization: Organization, settings: Settings
) -> None:
    settings.MAX_PAID_CANCELS = 0
    upstream = an_upstream(cost_micros=1000)
    waiting = a_generation(an_access(organization))
    assert lifecycle.begin(waiting, upstream)
    assert "It is canceled." in text_of(do(desk, waiting, "cancel"))
    assert not PaidCancels.objects.exists()
