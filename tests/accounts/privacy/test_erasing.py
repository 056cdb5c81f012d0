"""A person is erased at once: nobody signs in as them, and nothing says who they were."""

from typing import Any

import pytest

from accounts import audit, hooks
from accounts.mail import outbox
from accounts.models import (
    NOBODY,
    Acceptance,
    AuditAction,
    AuditEvent,
    AuditOrigin,
    Invitation,
    Membership,
    QueuedMail,
    Role,
    User,
)
from accounts.origin import Origin
from accounts.privacy import erasing
from tests.accounts.client import generate
from tests.accounts.privacy.steps import access_of, acts, post
from tests.accounts.privacy.test_closing import everything_in_the_database
from tests.cast import Person, join, new_key
from tests.makers import ago
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

pytestmark = pytest.mark.django_db
PAGE = "/account/delete/"


def delete(person: Person, **fields: str) -> Any:
    return post(browser_of(person), PAGE, **{"email": person.user.email, "password": PASSWORD} | fields)


def invite(person: Person, email: str, digest: str, **fields: Any) -> Invitation:
    return Invitation.objects.create(
        organization=person.organization,
        email=email,
        role=Role.VIEWER,
        digest=digest * 64,
        invited_by=person.user,
        expires_at=ago(-60),
        **fields,
    )


def test_nobody_signs_in_as_them_any_more(bob: Person) -> None:
    elsewhere, client = browser_of(bob), browser_of(bob)
    assert elsewhere.get("/credits/").status_code == 200
    page = post(client, PAGE, email=" BOB@studio.example", password=PASSWORD)
    assert "Your account is deleted" in text_of(page)
    for browser in (elsewhere, client):
        assert browser.get("/credits/").status_code == 302
    refused = post(browser_of(), "/sign-in/", email="bob@studio.example", password=PASSWORD)
    assert refused.status_code == 400
    user = User.objects.get(pk=bob.user.pk)
    assert (user.is_active, user.has_usable_password(), user.name) == (False, False, "")
    assert user.email == f"erased-{user.uuid}@erased.invalid"
    assert user.erased_at is not None
    assert not Membership.objects.filter(user=user).exists()


def test_nothing_says_who_they_were(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).update(name="Robert Tables", is_staff=True)
    audit.record(
        alice.organization,
        AuditAction.SIGNED_IN,
        actor=bob.user.actor,
        subject=bob.user.actor,
        origin=Origin("192.0.2.44", "Bob's browser"),
    )
    audit.record(
        alice.organization,
        AuditAction.MEMBER_INVITED,
        actor=alice.user.actor,
        subject="inv_1",
        origin=Origin("192.0.2.1", "A browser"),
        note="Bob@Studio.Example",
    )
    audit.record(
        alice.organization,
        AuditAction.ROLE_CHANGED,
        actor=alice.user.actor,
        subject=bob.user.actor,
        origin=Origin("192.0.2.1", "A browser"),
        note="Robert Tables",
    )
    invite(alice, "bob@studio.example", "a", accepted_at=bob.user.date_joined, accepted_by=bob.user)
    audit.record_of_person(
        bob.user, AuditAction.SIGN_IN_FAILED, actor=NOBODY, origin=Origin("192.0.2.44", "Bob's browser")
    )
    outbox.queue(alice.organization.shop_id, "bob@studio.example", "Hello", "Dear Robert Tables")
    outbox.queue(alice.organization.shop_id, "alice@studio.example", "Hello", "Dear Alice")
    Acceptance.objects.create(user=bob.user, shop=alice.organization.shop, kind="terms", version="7")
    assert delete(bob).status_code == 200

    text = everything_in_the_database().lower()
    for gone in ("bob@", "robert", "bob's", "192.0.2.44"):
        assert [line[:300] for line in text.splitlines() if gone in line] == [], gone
    assert [mail.to for mail in QueuedMail.objects.all()] == ["alice@studio.example"]
    assert set(AuditOrigin.objects.values_list("address", "note")) == {("192.0.2.1", "")}
    assert AuditEvent.objects.filter(actor=bob.user.actor).count() == 2, "The events themselves stay"
    assert acts(alice.organization)[-1] == (bob.user.actor, "person_erased")
    assert Acceptance.objects.filter(user=bob.user).exists()
    assert User.objects.get(pk=bob.user.pk).is_staff is False


def test_an_earlier_address_goes_too(alice: Person, bob: Person) -> None:
    """They were invited with it, and have another one now; the note's case may differ."""
    invitation = invite(
        alice, "old@studio.example", "a", accepted_at=bob.user.date_joined, accepted_by=bob.user
    )
    invite(alice, "taken@studio.example", "b", accepted_at=bob.user.date_joined, accepted_by=bob.user)
    invite(alice, "taken@studio.example", "c", accepted_at=None)
    join("taken@studio.example", alice.organization, Role.VIEWER)
    for subject, note in [
        (invitation.public_id, "old@studio.example"),
        (invitation.public_id, "Robert"),
        ("inv_1", "Old@Studio.example, once more"),
    ]:
        audit.record(
            alice.organization,
            AuditAction.MEMBER_INVITED,
            actor=alice.user.actor,
            subject=subject,
            note=note,
        )
    outbox.queue(alice.organization.shop_id, "old@studio.example", "Hello", "Dear Bob")
    assert erasing.erase(bob.user)
    text = everything_in_the_database().lower()
    assert [line[:300] for line in text.splitlines() if "old@" in line] == []
    assert set(AuditOrigin.objects.values_list("note", flat=True)) == {""}
    [left] = Invitation.objects.all()
    assert (left.email, left.accepted_by) == ("taken@studio.example", None), "It is somebody else's by now"


def test_invitations_by_them_are_taken_back_and_others_stay(alice: Person, bob: Person) -> None:
    admin = join("admin@studio.example", alice.organization, Role.ADMIN)
    invite(admin, "dora@studio.example", "a")
    invite(alice, "emil@studio.example", "b")
    assert erasing.erase(admin.user)
    assert [one.email for one in Invitation.objects.all()] == ["emil@studio.example"]


def test_the_only_owner_has_to_stay(alice: Person, bob: Person) -> None:
    client = browser_of(alice)
    page = text_of(client.get(PAGE))
    assert "You are the only owner of an organization" in page
    assert "Alice's Studio" in page
    assert "Make another member an owner" in page
    assert delete(alice).status_code == 409
    with pytest.raises(erasing.OnlyOwner):
        erasing.erase(alice.user)
    assert User.objects.get(pk=alice.user.pk).erased_at is None
    assert acts(alice.organization) == []
    Membership.objects.filter(user=bob.user).update(role=Role.OWNER)
    assert delete(alice).status_code == 200


def test_the_only_owner_may_go_once_the_organization_goes(alice: Person) -> None:
    from accounts.privacy import closing

    closing.ask(access_of(alice))
    assert delete(alice).status_code == 200


@pytest.mark.parametrize(
    "fields", [{"email": "alice@studio.example"}, {"email": ""}, {"password": "wrong"}, {"password": ""}]
)
def test_a_mistake_erases_nobody(bob: Person, fields: dict[str, str]) -> None:
    response = delete(bob, **fields)
    assert response.status_code == 400
    assert User.objects.get(pk=bob.user.pk).erased_at is None
    assert PASSWORD not in response.content.decode()


def test_passwords_are_not_tried_there(bob: Person) -> None:
    codes = [delete(bob, password=f"guess {number}").status_code for number in range(6)]
    assert codes == [400] * 5 + [429]
    assert delete(bob).status_code == 429


def test_their_keys_go_on_for_the_organization(alice: Person, bob: Person) -> None:
    _key, secret = new_key(bob)
    assert delete(bob).status_code == 200
    assert generate(secret).status_code == 200


def test_erasing_twice_is_erasing_once(bob: Person) -> None:
    assert erasing.erase(bob.user)
    email = User.objects.get(pk=bob.user.pk).email
    assert not erasing.erase(bob.user)
    assert User.objects.get(pk=bob.user.pk).email == email


def test_apps_above_hear_of_it_while_the_address_is_still_known(
    bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(hooks, "person_erased", [lambda user: heard.append(user.email)])
    erasing.erase(bob.user)
    assert heard == ["bob@studio.example"]


def test_a_visitor_has_to_sign_in() -> None:
    assert browser_of().get(PAGE)["Location"] == f"/sign-in/?next={PAGE}"
