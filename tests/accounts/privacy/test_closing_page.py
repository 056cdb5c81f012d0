"""An owner asks for the deletion of an organization: everything stops at once, and for 14 days it can be taken back."""

from typing import Any

import pytest

from accounts.models import Organization, Role
from accounts.privacy import closing
from billing import automatic_rules
from billing.models import CreditPack
from generations.models import Generation
from tests.accounts.client import generate, status, task_of, word_of
from tests.accounts.privacy.steps import access_of, acts, an_image_of, let_time_pass, mails, now, post
from tests.cast import Person, join, new_key
from tests.makers import a_payment, books_are_right, open_tasks_of, wallet_of
from tests.pages import browser_of, order, text_of

pytestmark = pytest.mark.django_db
PAGE, UNDO = "/settings/delete/", "/settings/delete/undo/"


def delete(person: Person, name: str | None = None) -> Any:
    return post(browser_of(person), PAGE, name=person.organization.name if name is None else name)


def test_the_page_names_what_is_lost(alice: Person) -> None:
    an_image_of(alice)
    a_payment(alice.organization)
    page = text_of(browser_of(alice).get(PAGE))
    for words in (
        "what comes of a purchase",
        "1,485 credits",
        "1 image",
        "all API keys",
        "For 14 days an owner can take this back",
    ):
        assert words in page


@pytest.mark.parametrize("typed", ["", "Alice", "alice's studio", "Elsewhere", "x" * 300])
def test_another_name_deletes_nothing_and_is_kept_in_the_form(alice: Person, typed: str) -> None:
    response = delete(alice, typed)
    assert response.status_code == 400
    assert now(alice.organization).closing_at is None
    assert mails() == []


@pytest.mark.parametrize("name", ["Alice\u200f's  Studio", "  Alice's Studio "])
def test_signs_that_nobody_sees_do_not_count(alice: Person, name: str) -> None:
    assert delete(alice, name).status_code == 302
    assert now(alice.organization).closing_at is not None


def test_it_stops_everything_at_once(alice: Person, bob: Person) -> None:
    _key, secret = new_key(bob)
    task = task_of(generate(secret))
    pack = CreditPack.objects.filter(shop=alice.organization.shop).first()
    assert pack is not None
    rule = automatic_rules.switch_on(access_of(alice), threshold=10, pack=pack, cap_minor=None)
    assert open_tasks_of(alice.organization) == 1

    assert delete(alice)["Location"] == PAGE

    assert word_of(status(secret, task)) == (401, "unauthenticated")
    assert word_of(generate(secret)) == (401, "unauthenticated")
    assert Generation.objects.get(task_id=task).status == "canceled"
    assert wallet_of(alice.organization)[:2] == (1500, 0)
    assert open_tasks_of(alice.organization) == 0
    rule.refresh_from_db()
    assert not rule.is_on
    assert mails() == [("alice@studio.example", "closing_asked"), ("bob@studio.example", "closing_asked")]
    assert acts(alice.organization) == [(alice.user.actor, "deletion_asked")]
    assert books_are_right()


def test_everything_can_still_be_looked_at_and_nothing_done(alice: Person, bob: Person) -> None:
    an_image_of(alice)
    delete(alice)
    for person, says in ((alice, "Keep it after all"), (bob, "An owner can take this back until then.")):
        client = browser_of(person)
        for path in ("/playground/", "/credits/"):
            page = text_of(client.get(path))
            assert "Alice's Studio is being deleted." in page
            assert says in page
        refused = order(client)
        assert refused.status_code == 403
        assert "no images can be made" in text_of(refused)
    assert browser_of(alice).get("/settings/export/").status_code == 403
    assert browser_of(alice).get("/settings/retention/").status_code == 403
    assert Generation.objects.count() == 1


def test_an_owner_takes_it_back(alice: Person, bob: Person) -> None:
    _key, secret = new_key(bob)
    delete(alice)
    assert browser_of(bob).post(UNDO).status_code == 403
    response = browser_of(alice).post(UNDO, follow=True)
    assert "Alice's Studio stays." in text_of(response)
    assert "is being deleted" not in text_of(response)
    assert now(alice.organization).closing_at is None
    assert generate(secret).status_code == 200
    assert acts(alice.organization)[-1] == (alice.user.actor, "deletion_undone")
    assert mails()[2:] == [
        ("alice@studio.example", "closing_undone"),
        ("bob@studio.example", "closing_undone"),
    ]
    assert closing.close_due() == 0


def test_only_owners_delete(alice: Person) -> None:
    for role in (Role.ADMIN, Role.DEVELOPER, Role.BILLING, Role.VIEWER):
        member = join(f"{role}@studio.example", alice.organization, role)
        assert browser_of(member).get(PAGE).status_code == 403
        assert delete(member).status_code == 403
        assert browser_of(member).post(UNDO).status_code == 403
    assert now(alice.organization).closing_at is None
    assert browser_of().get(PAGE)["Location"] == f"/sign-in/?next={PAGE}"


def test_asking_again_changes_nothing(alice: Person) -> None:
    delete(alice)
    asked_at = now(alice.organization).closing_at
    assert "Its deletion was asked for" in text_of(browser_of(alice).get(PAGE))
    delete(alice)
    assert not closing.ask(access_of(alice))
    assert now(alice.organization).closing_at == asked_at
    assert len(mails()) == 1


def test_too_late_is_said(alice: Person) -> None:
    delete(alice)
    let_time_pass(alice.organization, 14.01)
    response = browser_of(alice).post(UNDO, follow=True)
    assert "It is too late to take this back" in text_of(response)
    assert now(alice.organization).closing_at is not None


def test_who_has_nobody_to_undo_with_cannot_undo(alice: Person) -> None:
    """As when closing has begun: from then on nobody belongs to it."""
    access = access_of(alice)
    closing.ask(access)
    alice.organization.memberships.all().delete()
    assert not closing.undo(access)
    assert Organization.objects.exclude(closing_at=None).count() == 1
