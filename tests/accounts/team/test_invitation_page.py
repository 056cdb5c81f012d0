"""Where an invitation's link leads, in each of its states, and to whom."""

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import invitations
from accounts.clock import db_now
from accounts.invitations import SESSION_KEY, Unusable
from accounts.models import AuditEvent, Invitation, Membership, Organization, Role, Shop
from accounts.organizations import person, suspend
from accounts.shops import first_shop
from tests.accounts.team.team import DORA, access_of, invited, newest_token, role_of
from tests.cast import Person, found
from tests.makers import ago
from tests.operators import desk_of
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora() -> Client:
    """Signed in with the address that is invited, and a member of nothing."""
    return desk_of(person(DORA))


def test_a_visitor_is_told_who_invites_whom_and_where_to_go_on(alice: Person) -> None:
    _invitation, token = invited(alice)
    client, path = browser_of(), f"/invitations/{token}/"
    response = client.get(path)
    words = text_of(response)
    assert response.status_code == 200
    assert "Join Alice's Studio" in words
    assert "alice@studio.example invites dora@new.example." in words
    assert "The role: Developer" in words
    assert f'href="/sign-in/?next=%2Finvitations%2F{token}%2F"' in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "same-origin"
    assert client.session[SESSION_KEY] == token
    assert not Membership.objects.filter(user__email=DORA).exists()


@pytest.mark.parametrize(("who", "is_offered"), [("open", True), ("invitation", True), ("closed", False)])
def test_sign_up_is_offered_where_it_is_open_to_the_invited(
    alice: Person, settings: Settings, who: str, is_offered: bool
) -> None:
    settings.SIGN_UP = who
    _invitation, token = invited(alice)
    page = browser_of().get(f"/invitations/{token}/")
    assert ("/sign-up/?next=" in page.content.decode()) is is_offered
    assert ("cannot be opened here at present" in text_of(page)) is not is_offered


def test_accepting_takes_a_post_of_whoever_is_signed_in(alice: Person, dora: Client) -> None:
    _invitation, token = invited(alice)
    path = f"/invitations/{token}/"
    sent = browser_of().post(path)
    assert sent["Location"] == f"/sign-in/?next={path}"
    assert dora.get(path).status_code == 200
    assert not Membership.objects.filter(user__email=DORA).exists()
    assert dora.post(path)["Location"] == "/home/"
    words = text_of(dora.get("/playground/"))
    assert "Welcome to \u2068Alice's Studio\u2069. Your role here: Developer." in words
    user = person(DORA)
    assert role_of(Person(user, alice.organization)) == "developer"
    invitation = Invitation.objects.get()
    assert (invitation.accepted_by, invitation.accepted_at is None) == (user, False)
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor, event.subject) == ("member_joined", user.actor, user.actor)
    assert event.details == {"role": "developer", "invitation": invitation.public_id}
    assert event.origin.address == "127.0.0.1"


def test_whoever_has_an_organization_is_in_the_new_one_afterwards(alice: Person) -> None:
    _invitation, token = invited(alice)
    client = browser_of(found(DORA, "Dora's"))
    assert "Dora's" in text_of(client.get("/team/"))
    client.post(f"/invitations/{token}/")
    assert "Alice's Studio" in text_of(client.get("/team/"))


def test_a_second_click_leads_into_the_organization(alice: Person, dora: Client) -> None:
    _invitation, token = invited(alice)
    dora.post(f"/invitations/{token}/")
    for again in (dora.get, dora.post):
        assert again(f"/invitations/{token}/")["Location"] == "/home/"
    assert AuditEvent.objects.filter(action="member_joined").count() == 1


@pytest.mark.parametrize(
    ("state", "status", "title", "advice"),
    [
        ("expired", 410, "This invitation has expired", "Ask whoever invited you to send it again."),
        ("used", 410, "This invitation was used already", "If that was you, sign in"),
        ("revoked", 410, "This invitation was taken back", "ask whoever invited you"),
        ("closing", 410, "This invitation was taken back", "ask whoever invited you"),
        ("sent again", 404, "This link leads to no invitation", "Open the link of the newest mail"),
    ],
)
def test_what_cannot_be_used_says_why_and_what_to_do(
    alice: Person, charlie: Person, dora: Client, state: str, status: int, title: str, advice: str
) -> None:
    invitation, token = invited(alice)
    if state == "expired":
        Invitation.objects.update(expires_at=ago(1))
    elif state == "used":
        Invitation.objects.update(accepted_at=db_now(), accepted_by=charlie.user)
    elif state == "revoked":
        invitations.revoke(access_of(alice), invitation.public_id)
    elif state == "closing":
        Organization.objects.filter(pk=alice.organization.pk).update(closing_at=db_now())
    else:
        invitations.send_again(access_of(alice), invitation.public_id)
    for client in (dora, browser_of(), browser_of(charlie)):
        for ask in (client.get, client.post):
            response = ask(f"/invitations/{token}/")
            assert response.status_code == status
            assert title in text_of(response)
            assert advice in text_of(response)
        assert SESSION_KEY not in client.session
    assert not Membership.objects.filter(user__email=DORA).exists()


@pytest.mark.parametrize(
    "sent", ["{cut}", "{token}A", "{swapped}", "%00", "x" * 5000, "%F0%9F%A6%8A", "<script>"]
)
def test_an_altered_link_leads_to_nothing(alice: Person, sent: str) -> None:
    _invitation, token = invited(alice)
    link = sent.format(cut=token[:-1], token=token, swapped=token.swapcase())
    response = browser_of(alice).get(f"/invitations/{link}/")
    assert response.status_code == 404
    words = text_of(response)
    assert "This link leads to no invitation" in words
    assert "Alice's Studio" not in words


def test_another_address_is_told_so_and_gets_nowhere(alice: Person, charlie: Person) -> None:
    _invitation, token = invited(alice)
    client = browser_of(charlie)
    for ask in (client.get, client.post):
        response = ask(f"/invitations/{token}/")
        assert response.status_code == 403
        words = text_of(response)
        assert "This invitation is for another address" in words
        assert "You are signed in as charlie@elsewhere.example." in words
        assert DORA not in words
    with pytest.raises(Unusable) as caught:
        invitations.accept(charlie.user, token, first_shop().pk)
    assert caught.value.reason == "other_address"
    assert role_of(Person(charlie.user, alice.organization)) is None
    assert invitations.find(token, first_shop().pk).accepted_at is None


def test_whoever_belongs_to_it_by_now_stays_what_they_are(alice: Person, bob: Person) -> None:
    invitation, token = invited(alice)
    Invitation.objects.update(email=bob.user.email, role=Role.VIEWER)
    membership = invitations.accept(bob.user, token, first_shop().pk)
    assert membership.role == Role.DEVELOPER
    invitation.refresh_from_db()
    assert invitation.accepted_at is not None
    assert not AuditEvent.objects.filter(action="member_joined").exists()


def test_once_used_it_lets_nobody_in_again(alice: Person) -> None:
    _invitation, token = invited(alice)
    user = person(DORA)
    invitations.accept(user, token, first_shop().pk)
    Membership.objects.filter(user=user).delete()
    client = desk_of(user)
    response = client.post(f"/invitations/{token}/")
    assert response.status_code == 410
    assert "This invitation was used already" in text_of(response)
    assert not Membership.objects.filter(user=user).exists()


def test_the_session_of_sign_out_and_in_leads_back(alice: Person) -> None:
    _invitation, token = invited(alice)
    client = browser_of()
    path = f"/invitations/{token}/"
    wanted = client.get(path).content.decode().partition('href="/sign-in/?')[2].partition('"')[0]
    assert client.get(f"/sign-in/?{wanted}").status_code == 200
    assert f'name="next" value="{path}"' in client.get(f"/sign-in/?{wanted}").content.decode()


def test_terms_are_asked_for_afterwards(alice: Person, dora: Client) -> None:
    Shop.objects.update(terms_version="1", terms_url="https://shop.example/terms")
    invited_token = invited(alice)[1]
    assert dora.post(f"/invitations/{invited_token}/").status_code == 302
    assert dora.get("/playground/")["Location"].startswith("/terms/")


def test_a_suspended_organization_can_still_be_joined(alice: Person, dora: Client) -> None:
    _invitation, token = invited(alice)
    suspend(alice.organization)
    assert dora.post(f"/invitations/{token}/").status_code == 302


def test_markup_in_a_name_stays_text() -> None:
    owner = found("olga@studio.example", '<img src=x> "A" \u202e🦊')
    invited(owner)
    html = browser_of().get(f"/invitations/{newest_token()}/").content.decode()
    assert "<bdi>&lt;img src=x&gt; &quot;A&quot; \u202e🦊</bdi>" in html
    assert "<img" not in html
