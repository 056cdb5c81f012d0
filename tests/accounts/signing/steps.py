"""What people do to sign up and in, and what they then find in their mail."""

import re
import time
from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.http import HttpResponse
from django.test import Client

from accounts import sealing
from accounts.models import AuditEvent, QueuedMail, User
from tests.cast import Person
from tests.pages import Browser, browser_of
from tests.passwords import PASSWORD

NEW = "dora@harbour.example"
HOME = "203.0.113.7"


def sign_up(client: Client, email: str = NEW, password: str = PASSWORD, **more: str) -> HttpResponse:
    sent = {"email": email, "password1": password, "organization": "", **more}
    return cast(HttpResponse, client.post("/sign-up/", sent))


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: Any) -> HttpResponse:
    sent = {"email": email, "password": password}
    return cast(HttpResponse, client.post("/sign-in/", sent, **more))


def signed_in(person: Person | str, password: str = PASSWORD) -> Client:
    """A browser in which this person has just signed in, with nothing but their password."""
    client = browser_of()
    if isinstance(client, Browser) and isinstance(person, Person):
        client.person = person
    email = person if isinstance(person, str) else person.user.email
    response = sign_in(client, email, password)
    assert (response.status_code, response["Location"]) == (302, "/home/")
    return client


def forget_when(client: Client) -> None:
    """As if they had signed in an hour ago."""
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 3600
    session.save()


def mails_to(email: str) -> list[QueuedMail]:
    return list(QueuedMail.objects.filter(to=email).order_by("pk"))


def path_in(mail: QueuedMail) -> str:
    """Of the first link, which has to begin where people know the shop."""
    found = re.search(r"http://localhost:\d+(/\S+)", mail.body)
    assert found, mail.body
    return found[1]


def confirm_path(email: str) -> str:
    return path_in(next(mail for mail in mails_to(email) if mail.template == "confirm_address"))


def a_newcomer(email: str = NEW) -> User:
    """Who signed up, and has not read the mail."""
    assert sign_up(browser_of(), email).status_code == 302
    return User.objects.get(email=email)


def addresses_of(user: User) -> list[tuple[str, bool, bool]]:
    """(address, verified, primary)"""
    rows = EmailAddress.objects.filter(user=user).order_by("pk")
    return list(rows.values_list("email", "verified", "primary"))


def told(person: Person | User) -> list[str]:
    """What the audit log says of somebody, oldest first."""
    user = person.user if isinstance(person, Person) else person
    return list(AuditEvent.objects.filter(subject=user.actor).order_by("pk").values_list("action", flat=True))


def code_of(user: User, *, steps_ahead: int = 0) -> str:
    """What the app shows."""
    row = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    return code_for(sealing.unseal(row.data["secret"]), steps_ahead=steps_ahead)


def code_for(secret: str, *, steps_ahead: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps_ahead)))


def switch_on(client: Client) -> list[str]:
    """Sets up an app; the recovery codes."""
    page = client.get("/account/second-factor/app/").content.decode()
    found = re.search(r'id="secret">([A-Z2-7]+)<', page)
    assert found, page
    response = client.post("/account/second-factor/app/", {"code": code_for(found[1])})
    assert response["Location"] == "/account/second-factor/codes/", response.content.decode()
    codes = re.findall(r"<li><code>(\d{8})</code>", client.get(response["Location"]).content.decode())
    assert len(codes) == 10
    return codes
