"""Roles given and taken, members removed, owners who stay until there is another."""

import uuid

import pytest
from allauth.account.models import EmailAddress
from pytest_django import Settings

from accounts import members
from accounts.access import access_of_key
from accounts.api_keys import revoke_api_key
from accounts.clock import db_now
from accounts.errors import InsufficientScope, NotFound
from accounts.members import ChangedMeanwhile, LastOwner
from accounts.models import AuditEvent, Invitation, Membership, Organization, Role, User
from accounts.organizations import TooManyOrganizations
from tests.accounts.team.team import access_of, invited, post, recorded, role_of, team_of
from tests.cast import Person, found, join, new_key
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db


def change(by: Person, whom: Person, role: Role, seen: str | None = None) -> Membership:
    now = role_of(whom) or ""
    return members.change_role(access_of(by), whom.user.uuid, seen=seen or now, role=role)


def test_an_owner_gives_a_role_and_it_is_recorded(alice: Person, bob: Person) -> None:
    client = browser_of(alice)
    page = client.get(f"/team/{bob.user.uuid}/").content.decode()
    assert 'name="seen" value="developer"' in page
    response = post(client, alice.organization, f"/team/{bob.user.uuid}/", seen="developer", role="billing")
    assert response["Location"] == "/team/"
    assert "The role of bob@studio.example is now: Billing" in text_of(client.get("/team/"))
    assert role_of(bob) == "billing"
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject) == ("role_changed", alice.user.actor, bob.user.actor)
    assert event.details == {"from": "developer", "to": "billing"}
    assert event.origin.address == "127.0.0.1"


def test_the_new_role_counts_at_the_next_request(alice: Person, bob: Person) -> None:
    client = browser_of(bob)
    assert client.get("/audit/").status_code == 403
    change(alice, bob, Role.ADMIN)
    assert client.get("/audit/").status_code == 200
    change(alice, bob, Role.VIEWER)
    assert client.get("/audit/").status_code == 403


def test_an_admin_touches_no_owner_and_makes_none(alice: Person, bob: Person) -> None:
    admin = join("eve@studio.example", alice.organization, Role.ADMIN)
    second = join("olga@studio.example", alice.organization, Role.OWNER)
    for role in (Role.ADMIN, Role.VIEWER):
        with pytest.raises(InsufficientScope):
            change(admin, second, role)
    with pytest.raises(InsufficientScope):
        members.remove(access_of(admin), second.user.uuid)
    for whom in (bob, admin):
        with pytest.raises(InsufficientScope):
            change(admin, whom, Role.OWNER)
    assert change(admin, bob, Role.ADMIN).role == Role.ADMIN
    assert [role_of(one) for one in (alice, second, bob, admin)] == ["owner", "owner", "admin", "admin"]


@pytest.mark.parametrize("role", ["", "boss", "OWNER", "\x00", "owner\x00"])
def test_a_role_that_there_is_not_is_refused(alice: Person, bob: Person, role: str) -> None:
    path = f"/team/{bob.user.uuid}/"
    response = post(browser_of(alice), alice.organization, path, seen="developer", role=role)
    assert response.status_code == 400
    assert "Choose one of the roles in the list." in text_of(response)
    with pytest.raises(InsufficientScope):
        members.change_role(access_of(alice), bob.user.uuid, seen="developer", role=role)
    assert role_of(bob) == "developer"


def test_who_saw_something_else_is_shown_what_is_now(alice: Person, bob: Person) -> None:
    change(alice, bob, Role.ADMIN)
    path = f"/team/{bob.user.uuid}/"
    response = post(browser_of(alice), alice.organization, path, seen="developer", role="viewer")
    assert response.status_code == 409
    assert "Somebody has changed this since you opened the page." in text_of(response)
    assert 'name="seen" value="admin"' in response.content.decode()
    with pytest.raises(ChangedMeanwhile):
        change(alice, bob, Role.VIEWER, seen="developer")
    assert role_of(bob) == "admin"


def test_the_same_role_again_is_nothing_to_record(alice: Person, bob: Person) -> None:
    change(alice, bob, Role.DEVELOPER)
    assert recorded(alice.organization) == []


def test_what_one_has_lost_one_gives_no_more(alice: Person, bob: Person) -> None:
    """The access of a request that was under way when its maker was removed."""
    second = join("olga@studio.example", alice.organization, Role.OWNER)
    stale = access_of(second)
    members.remove(access_of(alice), second.user.uuid)
    for refused in (
        lambda: members.remove(stale, alice.user.uuid),
        lambda: members.change_role(stale, bob.user.uuid, seen="developer", role="owner"),
        lambda: members.leave(stale),
    ):
        with pytest.raises(NotFound):
            refused()
    third = join("pia@studio.example", alice.organization, Role.OWNER)
    stale = access_of(third)
    change(alice, third, Role.VIEWER)
    with pytest.raises(InsufficientScope):
        members.remove(stale, alice.user.uuid)


# --- Removing -----------------------------------------------------------------------------------


def test_removing_ends_access_at_once_in_every_session(alice: Person, bob: Person) -> None:
    sessions = [browser_of(bob), browser_of(bob)]
    for client in sessions:
        assert client.get("/playground/").status_code == 200
    client = browser_of(alice)
    response = post(client, alice.organization, f"/team/{bob.user.uuid}/remove/")
    assert response["Location"] == "/team/"
    words = text_of(client.get("/team/"))
    assert "bob@studio.example was removed, and has no access any more." in words
    assert "Keys that they know go on working until you revoke them." in words
    for client in sessions:
        answer = client.get("/playground/")
        assert answer.status_code == 403
        assert "belong to no organization" in text_of(answer)
        assert client.post("/playground/", {"prompt": "x"}).status_code == 403
    assert recorded(alice.organization) == [("member_removed", alice.user.actor, bob.user.actor)]


def test_a_removed_member_goes_on_in_another_organization(
    alice: Person, bob: Person, charlie: Person
) -> None:
    Membership.objects.create(organization=charlie.organization, user=bob.user, role=Role.VIEWER)
    client = browser_of(bob)
    client.post("/organizations/switch/", {"organization": alice.organization.slug})
    assert "Alice's Studio" in text_of(client.get("/team/"))
    members.remove(access_of(alice), bob.user.uuid)
    words = text_of(client.get("/team/"))
    assert "Elsewhere" in words
    assert "Alice" not in words


def test_whoever_is_out_already_is_not_found(alice: Person, bob: Person) -> None:
    members.remove(access_of(alice), bob.user.uuid)
    for person in (bob.user.uuid, uuid.uuid4()):
        with pytest.raises(NotFound):
            members.remove(access_of(alice), person)
    assert browser_of(alice).get(f"/team/{bob.user.uuid}/").status_code == 404


def test_who_would_remove_themselves_is_led_to_leaving(alice: Person) -> None:
    admin = join("eve@studio.example", alice.organization, Role.ADMIN)
    response = post(browser_of(admin), alice.organization, f"/team/{admin.user.uuid}/remove/")
    assert response["Location"] == "/team/leave/"
    assert role_of(admin) == "admin"


@pytest.mark.parametrize("how", ["removed", "demoted", "left"])
def test_what_somebody_offered_goes_with_their_right_to_offer_it(alice: Person, how: str) -> None:
    admin = join("eve@studio.example", alice.organization, Role.ADMIN)
    mine, _token = invited(alice, "one@new.example")
    theirs, _token = invited(admin, "two@new.example", Role.ADMIN)
    if how == "removed":
        members.remove(access_of(alice), admin.user.uuid)
    elif how == "demoted":
        change(alice, admin, Role.VIEWER)
    else:
        members.leave(access_of(admin))
    opened = Invitation.objects.filter(revoked_at=None)
    assert list(opened) == [mine]
    assert ("invitation_revoked", theirs.public_id) in [
        (action, subject) for action, _actor, subject in recorded(alice.organization)
    ]


# --- Owners -------------------------------------------------------------------------------------


def test_the_only_owner_stays(alice: Person, bob: Person) -> None:
    client = browser_of(alice)
    assert "You are its only owner, so you cannot leave" in text_of(client.get("/team/leave/"))
    response = post(client, alice.organization, "/team/leave/")
    assert response.status_code == 409
    assert "Make somebody else an owner first" in text_of(response)
    response = post(client, alice.organization, f"/team/{alice.user.uuid}/", seen="owner", role="developer")
    assert response.status_code == 409
    for refused in (
        lambda: members.leave(access_of(alice)),
        lambda: members.remove(access_of(alice), alice.user.uuid),
        lambda: change(alice, alice, Role.ADMIN),
    ):
        with pytest.raises(LastOwner):
            refused()
    assert role_of(alice) == "owner"
    assert recorded(alice.organization) == []


def test_ownership_is_handed_over_and_its_giver_steps_down_or_leaves(alice: Person, bob: Person) -> None:
    change(alice, bob, Role.OWNER)
    change(alice, alice, Role.VIEWER)
    assert (role_of(alice), role_of(bob)) == ("viewer", "owner")
    client = browser_of(alice)
    assert client.get("/team/leave/").status_code == 200
    assert post(client, alice.organization, "/team/leave/").status_code == 302
    assert role_of(alice) is None
    assert "belong to no organization" in text_of(client.get("/team/"))
    assert [action for action, _actor, _subject in recorded(alice.organization)] == [
        "role_changed",
        "role_changed",
        "member_left",
    ]


def test_an_owner_who_cannot_sign_in_is_no_other_owner(alice: Person) -> None:
    second = join("olga@studio.example", alice.organization, Role.OWNER)
    User.objects.filter(pk=second.user.pk).update(is_active=False)
    with pytest.raises(LastOwner):
        members.leave(access_of(alice))
    members.remove(access_of(alice), second.user.uuid)
    assert (role_of(alice), role_of(second)) == ("owner", None)


def test_nobody_is_made_owner_of_more_than_one_may_own(
    alice: Person, bob: Person, settings: Settings
) -> None:
    settings.MAX_OWNED_ORGANIZATIONS = 1
    owner = found("olga@studio.example", "Olga's")
    Membership.objects.create(organization=alice.organization, user=owner.user, role=Role.ADMIN)
    path = f"/team/{owner.user.uuid}/"
    response = post(browser_of(alice), alice.organization, path, seen="admin", role="owner")
    assert response.status_code == 409
    assert "Nobody may own more organizations here than 1." in text_of(response)
    with pytest.raises(TooManyOrganizations):
        change(alice, Person(owner.user, alice.organization), Role.OWNER)
    change(alice, bob, Role.OWNER)
    assert role_of(bob) == "owner"


def test_while_it_can_still_be_kept_from_deletion_nobody_comes_or_goes(alice: Person, bob: Person) -> None:
    Organization.objects.filter(pk=alice.organization.pk).update(closing_at=db_now())
    with pytest.raises(InsufficientScope):
        change(alice, bob, Role.OWNER)
    with pytest.raises(InsufficientScope):
        members.remove(access_of(alice), bob.user.uuid)
    members.leave(access_of(bob))
    with pytest.raises(LastOwner):
        members.leave(access_of(alice))


def test_keys_change_no_members(alice: Person, bob: Person) -> None:
    key, _secret = new_key(alice, scopes=["generate", "read", "admin"])
    for refused in (
        lambda: members.remove(access_of_key(key), bob.user.uuid),
        lambda: members.leave(access_of_key(key)),
    ):
        with pytest.raises(InsufficientScope):
            refused()


def test_everybody_sees_who_is_there(alice: Person) -> None:
    team = team_of(alice)
    User.objects.filter(pk=team["admin"].user.pk).update(name='<b>Eve</b> & "Co" \u202e🦊')
    for person in team.values():
        page = browser_of(person).get("/team/").content.decode()
        for other in team.values():
            assert other.user.email in page
        assert "<bdi>&lt;b&gt;Eve&lt;/b&gt; &amp; &quot;Co&quot; \u202e🦊</bdi>" in page


def test_page_that_removes_somebody_names_the_keys_that_they_made(alice: Person, bob: Person) -> None:
    key, _secret = new_key(bob, name="Bob's <b>deploys</b>")
    revoked, _secret = new_key(bob, name="gone")
    revoke_api_key(revoked)
    other, _secret = new_key(alice, name="Hers")
    page = browser_of(alice).get(f"/team/{bob.user.uuid}/").content.decode()
    assert f'href="/keys/{key.public_id}/"' in page
    assert "Bob&#x27;s &lt;b&gt;deploys&lt;/b&gt;" in page
    assert "They go on working" in page
    assert revoked.public_id not in page
    assert other.public_id not in page


def test_team_says_who_cannot_sign_in(alice: Person, bob: Person) -> None:
    client = browser_of(alice)
    for words in ("account is locked", "Has not confirmed"):
        assert words not in text_of(client.get("/team/"))
    EmailAddress.objects.create(user=bob.user, email=bob.user.email, primary=True, verified=False)
    assert text_of(client.get("/team/")).count("Has not confirmed the address yet") == 1
    EmailAddress.objects.create(user=bob.user, email="old@studio.example", verified=True)
    assert "Has not confirmed" not in text_of(client.get("/team/"))  # a new one that waits
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    assert text_of(client.get("/team/")).count("the account is locked") == 1
