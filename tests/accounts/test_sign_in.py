"""Signing in and out."""

from typing import cast

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import now
from pytest_django import Settings

from accounts import throttling
from accounts.models import AuditEvent, AuditOrigin
from tests.cast import Person
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

EMAIL = "alice@studio.example"
MISMATCH = "This e-mail and password do not match. Try again."


def sign_in(client: Client, email: str = EMAIL, password: str = PASSWORD, **more: str) -> HttpResponse:
    sent = {"email": email, "password": password, **more}
    return cast(HttpResponse, client.post("/sign-in/", sent))


def test_person_gets_in_and_out_again(alice: Person) -> None:
    client = browser_of()
    assert sign_in(client).headers["Location"] == "/home/"
    assert client.get("/playground/").status_code == 200
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert client.get("/playground/").headers["Location"] == "/sign-in/?next=/playground/"


def test_email_is_taken_in_any_case(alice: Person) -> None:
    assert sign_in(browser_of(), email="Alice@Studio.Example").status_code == 302


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong"),
        ("nobody@studio.example", PASSWORD),
        ("not an address", PASSWORD),
        (EMAIL, ""),
        (EMAIL, "nul\x00"),
        (EMAIL, "x" * 2000),
    ],
)
def test_wrong_and_unknown_read_the_same_and_keep_the_email(alice: Person, email: str, password: str) -> None:
    response = sign_in(browser_of(), email, password)
    assert response.status_code == 400
    assert MISMATCH in text_of(response)
    assert f'value="{email}"' in response.content.decode()
    assert PASSWORD not in response.content.decode()


def test_person_who_was_shut_out_does_not_get_in(alice: Person) -> None:
    alice.user.is_active = False
    alice.user.save()
    response = sign_in(browser_of())
    assert (response.status_code, MISMATCH in text_of(response)) == (400, True)


def test_sign_in_leads_back_to_where_one_wanted_to_go(alice: Person) -> None:
    client = browser_of()
    wanted = client.get("/credits/?before=5").headers["Location"]
    assert wanted == "/sign-in/?next=/credits/%3Fbefore%3D5"
    assert 'name="next" value="/credits/?before=5"' in client.get(wanted).content.decode()
    assert sign_in(client, next="/credits/?before=5").headers["Location"] == "/credits/?before=5"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "sign_out",
        "evil",
        "http:///x",
    ],
)
def test_sign_in_leads_nowhere_else(alice: Person, settings: Settings, target: str) -> None:
    settings.UNKNOWN_HOSTS = "first"
    assert sign_in(browser_of(), next=target).headers["Location"] == "/home/"
    client = Client(headers={"Host": "evil.example"})
    assert sign_in(client, next=target).headers["Location"] == "/home/"


def test_signed_in_person_needs_no_sign_in(alice: Person) -> None:
    client = browser_of(alice)
    assert client.get("/sign-in/").headers["Location"] == "/home/"
    assert client.get("/").headers["Location"] == "/home/"


def test_signing_in_changes_the_session_so_that_none_can_be_planted(alice: Person) -> None:
    client = browser_of()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = str(planted)
    sign_in(client)
    assert client.cookies["sessionid"].value != planted
    assert Client(headers={"Cookie": f"sessionid={planted}"}).get("/playground/").status_code == 302


def test_sign_out_needs_a_post(alice: Person) -> None:
    client = browser_of(alice)
    response = client.get("/sign-out/")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert client.get("/playground/").status_code == 200


def test_form_of_another_site_is_refused_in_plain_words(alice: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/sign-in/", {"email": EMAIL, "password": PASSWORD})
    assert response.status_code == 403
    assert "This form has expired" in text_of(response)
    assert "send the form again" in text_of(response)


def test_person_without_an_organization_is_told_so(alice: Person, charlie: Person) -> None:
    alice.user.memberships.all().delete()
    client = browser_of(alice)
    for path in ("/playground/", "/credits/"):
        response = client.get(path)
        assert response.status_code == 403
        assert "belong to no organization" in text_of(response)
    assert client.post("/sign-out/").status_code == 302


def test_sign_ins_and_failed_tries_of_known_people_are_in_the_audit_log(alice: Person) -> None:
    sign_in(browser_of(), password="wrong")
    sign_in(browser_of(), email="nobody@studio.example")
    browser_of().post("/sign-in/", {"email": EMAIL, "password": PASSWORD}, REMOTE_ADDR="203.0.113.7")
    events = AuditEvent.objects.filter(organization=alice.organization).order_by("pk")
    assert list(events.values_list("action", "actor", "details")) == [
        ("sign_in_failed", "nobody", {"method": "password"}),
        ("signed_in", alice.user.actor, {"methods": ["password"]}),
    ]
    assert AuditOrigin.objects.get(event=events[1]).address == "203.0.113.7"
    assert events[0].subject == alice.user.actor, "At whose account it was tried"


def test_many_tries_from_one_address_are_one_row_for_some_minutes(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock_us = [1]
    monkeypatch.setattr(throttling, "_limiter", throttling.ProcessLimiter(lambda: clock_us[0]))

    def tries() -> int:
        for address in ("203.0.113.7", "203.0.113.7", "198.51.100.9"):
            browser_of().post("/sign-in/", {"email": EMAIL, "password": "wrong"}, REMOTE_ADDR=address)
        return AuditEvent.objects.filter(action="sign_in_failed").count()

    assert tries() == 2
    assert tries() == 2
    clock_us[0] += 600_000_000
    assert tries() == 4


def test_who_is_signed_in_and_mistypes_is_named(alice: Person) -> None:
    client = browser_of()
    sign_in(client)
    with time_machine.travel(now().timestamp() + 1000, tick=True):
        client.post("/account/again/", {"password": "wrong"})
    event = AuditEvent.objects.get(action="sign_in_failed")
    assert (event.actor, event.subject) == (alice.user.actor, alice.user.actor)


def test_person_whom_an_operator_entered_signs_in_without_confirming(alice: Person) -> None:
    EmailAddress.objects.filter(user=alice.user).delete()
    assert sign_in(browser_of()).headers["Location"] == "/home/"
    assert EmailAddress.objects.get(user=alice.user).verified
    alice.user.refresh_from_db()
    assert alice.user.email_confirmed_at is None
