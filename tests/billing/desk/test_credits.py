"""Credits that operators give and take: once for each form, in the books, and never below nothing."""

import uuid
from typing import Any

import pytest
from django.test import Client

from accounts.clock import db_now
from accounts.models import AuditEvent, Organization
from billing import ledger
from billing.models import LedgerEntry
from tests.makers import an_organization, books_are_right, new_reference, wallet_of
from tests.operators import do
from tests.pages import text_of

pytestmark = pytest.mark.django_db


def test_the_page_says_what_there_is_and_what_will_happen(desk: Client) -> None:
    organization = an_organization(credits=1200)
    page = f"/admin/accounts/organization/{organization.pk}"
    for deed in ("grant-credits", "take-credits"):
        assert f'href="{page}/{deed}/"' in desk.get(f"{page}/change/").content.decode()
        words = text_of(desk.get(f"{page}/{deed}/"))
        assert f"{organization.name} has 1,200 credits; 0 more are held for open tasks, 0 are owed." in words


def test_what_is_given_is_a_gift_with_a_reason_and_once_for_each_form(desk: Client) -> None:
    organization, once = an_organization(), uuid.uuid4()
    words = text_of(do(desk, organization, "grant-credits", once=once, credits="1500"))
    assert "1,500 credits were given." in words
    words = text_of(do(desk, organization, "grant-credits", once=once, credits="1500"))
    assert "That form was sent before: nothing was given again." in words
    assert wallet_of(organization) == (1500, 0, 0, 0)
    entry = LedgerEntry.objects.get()
    assert (entry.reference, entry.note.text) == (f"manual:{once}", "as the letter of Monday says")
    assert AuditEvent.objects.get().details == {"credits": 1500}
    do(desk, organization, "grant-credits", credits="1")
    assert wallet_of(organization)[0] == 1501
    assert books_are_right()


def test_what_is_taken_is_at_most_what_is_there(desk: Client) -> None:
    organization, once = an_organization(credits=10), uuid.uuid4()
    for words in ("10 credits were taken.", "That form was sent before: nothing was taken again."):
        assert words in text_of(do(desk, organization, "take-credits", once=once, credits="25"))
    assert wallet_of(organization) == (0, 0, 0, 0)
    assert "Nothing is available there" in text_of(do(desk, organization, "take-credits", credits="1"))
    assert [event.details for event in AuditEvent.objects.all()] == [{"credits": -10}]
    assert books_are_right()


def test_gift_repays_what_is_owed_first(desk: Client) -> None:
    organization = an_organization()
    ledger.claw_back(organization.pk, 40, value_micros=0, reference=new_reference(), actor="system")
    do(desk, organization, "grant-credits", credits="100")
    assert wallet_of(organization)[:3] == (60, 0, 0)


@pytest.mark.parametrize("deed", ["grant-credits", "take-credits"])
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"credits": "0"}, "greater than or equal to 1"),
        ({"credits": "1000000001"}, "less than or equal to 1000000000"),
        ({"credits": "five"}, "Enter a whole number."),
        ({"credits": ""}, "This field is required."),
        ({"credits": "5", "reason": " "}, "This field is required."),
    ],
)
def test_bad_entry_changes_nothing(desk: Client, deed: str, fields: dict[str, Any], says: str) -> None:
    organization = an_organization(credits=10)
    assert says in text_of(do(desk, organization, deed, **fields))
    assert wallet_of(organization)[0] == 10


def test_without_the_forms_own_mark_nothing_happens(desk: Client) -> None:
    organization = an_organization()
    path = f"/admin/accounts/organization/{organization.pk}/grant-credits/"
    for mark in ({}, {"once": "1"}):
        assert desk.post(path, {"credits": "5", "reason": "x", **mark}).status_code == 200
    assert wallet_of(organization)[0] == 0


def test_a_deleted_organization_gets_nothing(desk: Client) -> None:
    organization = an_organization()
    Organization.objects.update(closing_at=db_now(), closed_at=db_now())
    page = f"/admin/accounts/organization/{organization.pk}"
    assert "It was deleted." in text_of(desk.get(f"{page}/grant-credits/"))
    assert "grant-credits" not in desk.get(f"{page}/change/").content.decode()
    assert "It was deleted." in text_of(do(desk, organization, "grant-credits", credits="5"))
    assert wallet_of(organization)[0] == 0
