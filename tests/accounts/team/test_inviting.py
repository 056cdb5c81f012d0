"""Inviting by mail: who, as what, how often, and what the mail says."""

import re
from email.message import Message

import pytest
from django.db import transaction
from django.http import HttpResponse
from pytest_django import Settings

from accounts import invitations
from accounts.errors import InsufficientScope, NotFound, OrganizationSuspended
from accounts.invitations import NotInvited
from accounts.mail import outbox
from accounts.models import AuditEvent, Invitation, Membership, Organization, QueuedMail, Role
from accounts.organizations import found_another, suspend
from accounts.shops import first_shop
from tests.accounts.team.team import DORA, access_of, invited, newest_token, post, recorded
from tests.cast import Person, found, join
from tests.mail import Mailbox
from tests.makers import ago
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db
DAY_S = 86_400


def send(by: Person, email: str = DORA, role: str = "developer") -> HttpResponse:
    return post(browser_of(by), by.organization, "/team/invite/", email=email, role=role)


def outcome(by: Person, email: str) -> str:
    """What it says beside the field, "" when the invitation is on its way."""
    response = send(by, email)
    problem = re.search(r'id="email-problem" role="alert">([^<]*)<', response.content.decode())
    assert (response.status_code == 302) == (problem is None)
    return problem[1] if problem else ""


def body_of(mail: Message) -> str:
    [text] = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
    payload = text.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def make_older(seconds: float) -> None:
    """As if all invitations had been sent so long ago."""
    Invitation.objects.update(sent_at=ago(seconds), expires_at=ago(seconds - 7 * DAY_S))


def test_a_mail_goes_to_the_address_and_says_who_invites_to_what(
    alice: Person, mailbox: Mailbox, settings: Settings
) -> None:
    client = browser_of(alice)
    response = post(client, alice.organization, "/team/invite/", email=" Dora@New.Example ", role="billing")
    assert response["Location"] == "/team/"
    words = text_of(client.get("/team/"))
    assert (
        "An invitation is on its way to \u2068dora@new.example\u2069. It can be accepted for 7 days." in words
    )
    assert "dora@new.example · Billing Expires in" in words
    token = newest_token()
    assert outbox.send_due() == 1
    [mail] = mailbox.messages
    assert mail["To"] == DORA
    assert str(mail["Subject"]).strip() == "You are invited to \u2068Alice's Studio\u2069 at Tintype"
    body = body_of(mail)
    assert (
        "alice@studio.example invites you to \u2068Alice's Studio\u2069 at Tintype. Your role there: Billing."
        in body
    )
    assert f"{settings.PUBLIC_URL}/invitations/{token}/" in body
    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.role, invitation.invited_by) == (DORA, "billing", alice.user)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.subject) == (
        "member_invited",
        alice.user.actor,
        invitation.public_id,
    )
    assert event.details == {"role": "billing"}
    assert event.origin.note == DORA


def test_the_database_holds_no_link(alice: Person) -> None:
    invitation, token = invited(alice)
    QueuedMail.objects.all().delete()
    assert token not in str(Invitation.objects.values().get())
    assert len(invitation.digest) == 64


def test_what_is_undone_is_not_mailed(alice: Person) -> None:
    with transaction.atomic():
        invited(alice)
        transaction.set_rollback(True)
    assert not QueuedMail.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "email",
    ["", "dora", "dora@", "a b@new.example", "dora@new.example\x00", "x" * 250 + "@new.example", "<b>"],
)
def test_what_is_no_address_is_named_beside_its_field_and_kept(alice: Person, email: str) -> None:
    response = send(alice, email)
    assert response.status_code == 400
    html = response.content.decode()
    assert 'aria-invalid="true" aria-describedby="email-problem" autofocus' in html
    assert "<b>" not in html.partition('id="id_email"')[2].partition(">")[0]
    if email == "dora":
        assert 'name="email" value="dora"' in html
    assert not Invitation.objects.exists()
    assert not QueuedMail.objects.exists()


@pytest.mark.parametrize("role", ["owner", "", "boss", "\x00"])
def test_nobody_is_invited_as_an_owner_or_as_what_there_is_not(alice: Person, role: str) -> None:
    response = send(alice, role=role)
    assert response.status_code == 400
    assert 'aria-describedby="role-problem"' in response.content.decode()
    assert f'name="email" value="{DORA}"' in response.content.decode()
    with pytest.raises(InsufficientScope):
        invitations.invite(access_of(alice), DORA, role)
    assert not Invitation.objects.exists()


def test_a_member_is_not_invited_and_an_invited_one_not_twice(alice: Person, bob: Person) -> None:
    assert outcome(alice, "BOB@studio.example") == "This address belongs to a member already."
    assert outcome(alice, DORA) == ""
    problem = "This address is invited already. Send that invitation again, or take it back."
    assert outcome(alice, DORA) == problem
    assert Invitation.objects.count() == QueuedMail.objects.count() == 1


def test_accounts_of_others_make_no_difference(alice: Person, charlie: Person) -> None:
    """Whether somebody has an account here is nobody's business."""
    answers = [send(alice, email) for email in (charlie.user.email, "nobody@new.example")]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/team/")}
    first, second = QueuedMail.objects.order_by("pk").values_list("body", flat=True)
    link = r"/invitations/\S+"
    assert re.sub(link, "", first) == re.sub(link, "", second)
    pages = [text_of(browser_of().get(f"/invitations/{token}/")) for token in tokens()]
    assert pages[0].replace(charlie.user.email, "X") == pages[1].replace("nobody@new.example", "X")


def tokens() -> list[str]:
    bodies = QueuedMail.objects.order_by("pk").values_list("body", flat=True)
    return [found[1] for body in bodies if (found := re.search(r"/invitations/([^/\s]+)/", body))]


def test_an_expired_invitation_gives_way_to_a_new_one(alice: Person) -> None:
    old, _token = invited(alice)
    make_older(8 * DAY_S)
    assert "Expired" in text_of(browser_of(alice).get("/team/"))
    assert outcome(alice, DORA) == ""
    old.refresh_from_db()
    assert old.revoked_at is not None
    assert invitations.open_invitations(alice.organization).count() == 1


def test_sending_again_makes_a_new_link_and_seven_new_days(alice: Person) -> None:
    admin = join("eve@studio.example", alice.organization, Role.ADMIN)
    invitation, first = invited(alice)
    make_older(8 * DAY_S)
    client = browser_of(admin)
    response = post(client, alice.organization, f"/team/invitations/{invitation.public_id}/again/")
    assert response["Location"] == "/team/"
    assert "The link of the earlier mail is void." in text_of(client.get("/team/"))
    second = newest_token()
    assert first != second
    with pytest.raises(invitations.Unusable) as caught:
        invitations.find(first, first_shop().pk)
    assert caught.value.reason == "unknown"
    found = invitations.find(second, first_shop().pk)
    assert (found, found.times_sent, found.invited_by) == (invitation, 2, admin.user)
    assert recorded(alice.organization)[-1] == (
        "invitation_sent_again",
        admin.user.actor,
        invitation.public_id,
    )


def test_taking_back_voids_the_link(alice: Person) -> None:
    invitation, token = invited(alice)
    client = browser_of(alice)
    path = f"/team/invitations/{invitation.public_id}/revoke/"
    assert post(client, alice.organization, path)["Location"] == "/team/"
    assert "was taken back. Its link is void." in text_of(client.get("/team/"))
    with pytest.raises(invitations.Unusable) as caught:
        invitations.find(token, first_shop().pk)
    assert caught.value.reason == "revoked"
    assert recorded(alice.organization)[-1][0] == "invitation_revoked"
    assert post(client, alice.organization, path).status_code == 404
    assert outcome(alice, DORA) == ""


@pytest.mark.parametrize("invitation_id", ["inv_1", "inv_" + "0" * 24, "%00", "..", "inv_%F0%9F%A6%8A"])
def test_what_is_no_invitation_is_not_found(alice: Person, invitation_id: str) -> None:
    for what in ("again", "revoke"):
        path = f"/team/invitations/{invitation_id}/{what}/"
        assert post(browser_of(alice), alice.organization, path).status_code == 404


def test_invitations_of_others_are_not_found(alice: Person, charlie: Person) -> None:
    invitation, token = invited(alice)
    for refused in (invitations.send_again, invitations.revoke):
        with pytest.raises(NotFound):
            refused(access_of(charlie), invitation.public_id)
    assert invitations.find(token, first_shop().pk) == invitation


def test_a_suspended_organization_sends_no_mail(alice: Person) -> None:
    invitation, _token = invited(alice)
    suspend(alice.organization)
    assert "so nobody can be invited" in text_of(browser_of(alice).get("/team/"))
    assert send(alice, "other@new.example").status_code == 403
    with pytest.raises(OrganizationSuspended):
        invitations.send_again(access_of(alice), invitation.public_id)
    assert QueuedMail.objects.count() == 1


# --- Limits -------------------------------------------------------------------------------------


def test_only_so_many_are_open_at_once(alice: Person, settings: Settings) -> None:
    settings.MAX_OPEN_INVITATIONS = 2
    invitation, _token = invited(alice, "one@new.example")
    invited(alice, "two@new.example")
    assert outcome(alice, DORA).startswith("2 invitations are open, and there may be no more.")
    invitations.revoke(access_of(alice), invitation.public_id)
    assert outcome(alice, DORA) == ""


def test_one_address_gets_three_mails_a_day_however_they_are_sent(alice: Person) -> None:
    invitation, _token = invited(alice)
    invitations.send_again(access_of(alice), invitation.public_id)
    invitations.revoke(access_of(alice), invitation.public_id)
    invitation, _token = invited(alice)
    response = post(browser_of(alice), alice.organization, f"/team/invitations/{invitation.public_id}/again/")
    assert response.status_code == 409
    assert "This address was written to several times today. Try again tomorrow." in text_of(response)
    invitations.revoke(access_of(alice), invitation.public_id)
    assert outcome(alice, DORA).startswith("This address was written to several times today.")
    assert QueuedMail.objects.count() == 3
    make_older(DAY_S + 1)
    assert outcome(alice, DORA) == ""


def test_an_organization_sends_so_many_a_day(alice: Person, settings: Settings) -> None:
    settings.INVITATION_MAILS_PER_DAY = 2
    admin = join("eve@studio.example", alice.organization, Role.ADMIN)
    invited(alice, "one@new.example")
    invited(admin, "two@new.example")
    for sender in (alice, admin):
        assert outcome(sender, DORA).startswith("2 invitations were sent within a day")
    make_older(DAY_S + 1)
    assert outcome(alice, DORA) == ""


def test_a_person_sends_so_many_a_day_from_all_their_organizations(alice: Person, settings: Settings) -> None:
    settings.INVITATION_MAILS_PER_DAY = 2
    shop = alice.organization.shop
    others = [Person(alice.user, found_another(shop, f"Other {n}", alice.user)) for n in range(2)]
    for number, person in enumerate([alice, others[0]]):
        invited(person, f"new{number}@new.example")
    with pytest.raises(NotInvited):
        invited(others[1])


def test_what_others_send_counts_for_them_alone(alice: Person, charlie: Person, settings: Settings) -> None:
    settings.INVITATION_MAILS_PER_DAY = 1
    invited(charlie)
    assert outcome(alice, DORA) == ""


@pytest.mark.parametrize(
    "name", ["Win\u202e now", "\u200fستوديو\u200f", "👩\u200d👧 <b>Studio</b>", "x" * 80]
)
def test_names_stay_within_their_place_in_a_mail(name: str, mailbox: Mailbox) -> None:
    owner = found("olga@studio.example", name)
    invited(owner)
    outbox.send_due()
    [mail] = mailbox.messages
    subject, body = str(mail["Subject"]).strip(), body_of(mail)
    assert subject.startswith("You are invited to \u2068")
    assert "\u2069 at Tintype" in subject
    assert "you to \u2068" in body
    for sign in ("\u202e", "\u200f"):
        assert sign not in subject + body
    if "<b>" in name:
        assert "<b>Studio</b>" in subject
        assert "<b>Studio</b>" in body
    assert Organization.objects.get(pk=owner.organization.pk).name == name


def test_who_joined_by_another_way_is_not_written_to_again(alice: Person) -> None:
    invitation, _token = invited(alice)
    dora = found(DORA, "Dora's")
    Membership.objects.create(organization=alice.organization, user=dora.user, role=Role.VIEWER)
    with pytest.raises(NotInvited):
        invitations.send_again(access_of(alice), invitation.public_id)
