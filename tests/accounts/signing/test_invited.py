"""Signing up with an invitation in hand."""

import datetime
import hashlib

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from pytest_django import Settings

from accounts import invitations
from accounts.clock import db_now
from accounts.models import Invitation, Organization, Role, User
from tests.accounts.signing.steps import NEW, addresses_of, mails_to, sign_up
from tests.cast import Person
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db
TOKEN = "a-token-that-only-the-mail-holds"


def _invitation_page(request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse(token)


urlpatterns = [
    path("invitations/<str:token>/", _invitation_page, name="invitation"),
    path("", include("config.urls")),
]


@pytest.fixture(autouse=True)
def _with_the_page() -> object:
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def invitation(alice: Person) -> Invitation:
    return Invitation.objects.create(
        organization=alice.organization,
        email=NEW,
        role=Role.DEVELOPER,
        digest=hashlib.sha256(TOKEN.encode()).hexdigest(),
        expires_at=db_now() + datetime.timedelta(days=1),
    )


def invited() -> Client:
    client = browser_of()
    session = client.session
    session[invitations.SESSION_KEY] = TOKEN
    session.save()
    return client


def test_the_mail_has_proven_the_address_and_no_organization_is_founded(
    invitation: Invitation, settings: Settings
) -> None:
    settings.SIGN_UP = "invitation"
    client = invited()
    page = client.get("/sign-up/")
    assert "You were invited to Alice's Studio" in text_of(page)
    assert f'value="{NEW}"' in page.content.decode()
    assert sign_up(client)["Location"] == f"/invitations/{TOKEN}/"
    user = User.objects.get(email=NEW)
    assert user.email_confirmed_at is not None
    assert addresses_of(user) == [(NEW, True, True)]
    assert Organization.objects.count() == 1
    assert mails_to(NEW) == []
    assert client.session["_auth_user_id"] == str(user.pk)


def test_another_address_is_nothing_special(invitation: Invitation) -> None:
    client = invited()
    assert sign_up(client, "else@harbour.example")["Location"] == "/sign-up/sent/"
    assert Organization.objects.count() == 2
    assert User.objects.get(email="else@harbour.example").email_confirmed_at is None


def test_where_only_invited_people_may_sign_up_it_has_to_be_that_address(
    invitation: Invitation, settings: Settings
) -> None:
    settings.SIGN_UP = "invitation"
    response = sign_up(invited(), "else@harbour.example")
    assert response.status_code == 400
    assert "Use the address that the invitation was sent to" in text_of(response)
    assert not User.objects.filter(email="else@harbour.example").exists()


def test_invitation_that_cannot_be_used_opens_nothing(invitation: Invitation, settings: Settings) -> None:
    settings.SIGN_UP = "invitation"
    client = invited()
    Invitation.objects.update(revoked_at=db_now())
    assert sign_up(client).status_code == 403
    settings.SIGN_UP = "open"
    assert sign_up(client)["Location"] == "/sign-up/sent/"
