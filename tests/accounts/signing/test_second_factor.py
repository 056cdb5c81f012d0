"""An app with codes: asked for after the password, each code once, and recovery codes for bad days."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts import sealing
from tests.accounts.signing.steps import (
    code_of,
    forget_when,
    mails_to,
    path_in,
    sign_in,
    signed_in,
    switch_on,
    told,
)
from tests.cast import Person
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

pytestmark = pytest.mark.django_db
SECOND = "/sign-in/second-factor/"


def test_code_is_asked_for_after_the_password(alice: Person) -> None:
    switch_on(signed_in(alice))
    client = browser_of()
    assert sign_in(client, alice.user.email, next="/credits/")["Location"] == SECOND
    assert client.get("/playground/").status_code == 302
    assert client.get("/sign-in/")["Location"] == SECOND
    wrong = client.post(SECOND, {"code": "000000"})
    assert "This code is not right" in text_of(wrong)
    before = client.cookies["sessionid"].value
    assert client.post(SECOND, {"code": code_of(alice.user)})["Location"] == "/home/"
    assert client.cookies["sessionid"].value != before
    assert client.get("/playground/").status_code == 200
    assert told(alice)[1:] == ["second_factor_on", "sign_in_failed", "signed_in"]


def test_code_works_once_also_in_another_process(alice: Person) -> None:
    switch_on(signed_in(alice))
    code = code_of(alice.user)
    for works in (True, False):
        client = browser_of()
        sign_in(client, alice.user.email)
        cache.clear()  # where allauth remembers it, for one process
        assert (client.post(SECOND, {"code": code}).status_code == 302) is works


def test_code_of_a_phone_that_is_half_a_minute_off_works(alice: Person) -> None:
    switch_on(signed_in(alice))
    client = browser_of()
    sign_in(client, alice.user.email)
    assert client.post(SECOND, {"code": code_of(alice.user, steps_ahead=1)})["Location"] == "/home/"


def test_recovery_code_works_once_in_its_place(alice: Person) -> None:
    [code, other, *_rest] = switch_on(signed_in(alice))
    for sent, works in ((code, True), (code, False), (other, True)):
        client = browser_of()
        sign_in(client, alice.user.email)
        assert (client.post(SECOND, {"code": sent}).status_code == 302) is works
    client = signed_in_with_code(alice, _rest[0])
    assert "7 are left" in text_of(client.get("/account/second-factor/"))


def signed_in_with_code(person: Person, code: str) -> Client:
    client = browser_of()
    sign_in(client, person.user.email)
    assert client.post(SECOND, {"code": code}).status_code == 302
    return client


def test_guesses_are_limited_however_often_one_starts_anew(alice: Person) -> None:
    switch_on(signed_in(alice))
    answers: list[str] = []
    for _ in range(12):
        client = browser_of()
        sign_in(client, alice.user.email, REMOTE_ADDR=f"10.{len(answers)}.0.1")
        answers.append(text_of(client.post(SECOND, {"code": "000000"})))
    assert "This code is not right" in answers[0]
    assert "Too many tries. Try again in" in answers[-1]
    assert "Too many tries" in text_of(client.post(SECOND, {"code": code_of(alice.user)}))


def test_second_page_is_nothing_without_the_first(alice: Person) -> None:
    switch_on(signed_in(alice))
    client = browser_of()
    for response in (client.get(SECOND), client.post(SECOND, {"code": code_of(alice.user)})):
        assert response["Location"] == "/sign-in/"


def test_signing_out_between_the_two_begins_anew(alice: Person) -> None:
    switch_on(signed_in(alice))
    client = browser_of()
    sign_in(client, alice.user.email)
    client.post("/sign-out/")
    assert client.get("/sign-in/").status_code == 200


def test_secrets_are_sealed_and_go_over_to_a_new_key(alice: Person, settings: Settings) -> None:
    settings.SEALING_KEYS = ["o" * 40]
    [code, *_rest] = switch_on(signed_in(alice))
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert code not in stored
    settings.SEALING_KEYS = ["n" * 40, "o" * 40]
    call_command("reseal", verbosity=0)
    settings.SEALING_KEYS = ["n" * 40]
    signed_in_with_code(alice, code)
    row = Authenticator.objects.get(type="totp")
    assert sealing.unseal(row.data["secret"])


def test_switching_on_ends_other_sessions_and_tells_by_mail(alice: Person) -> None:
    other, client = signed_in(alice), signed_in(alice)
    wrong = client.post("/account/second-factor/app/", {"code": "000000"})
    assert "This code is not right" in text_of(wrong)
    switch_on(client)
    assert other.get("/playground/").status_code == 302
    assert client.get("/playground/").status_code == 200


def test_switching_off_needs_to_be_you_ends_other_sessions_and_is_noted(alice: Person) -> None:
    [code, other_code, *_rest] = switch_on(signed_in(alice))
    client, other = signed_in_with_code(alice, code), signed_in_with_code(alice, other_code)
    forget_when(client)
    response = client.post("/account/second-factor/app/off/")
    assert response["Location"].startswith("/account/again/")
    assert Authenticator.objects.exists()
    client.post(response["Location"], {"password": PASSWORD})
    assert client.post("/account/second-factor/app/off/")["Location"] == "/account/second-factor/"
    assert not Authenticator.objects.exists()
    assert other.get("/playground/").status_code == 302
    assert told(alice)[-1] == "second_factor_off"
    assert sign_in(browser_of(), alice.user.email)["Location"] == "/home/"
    assert "was switched off" in mails_to(alice.user.email)[-1].body


def test_code_shows_as_well_that_it_is_you(alice: Person) -> None:
    client = signed_in(alice)
    switch_on(client)
    forget_when(client)
    page = "/account/again/code/?next=/account/address/"
    assert client.post(page, {"code": code_of(alice.user)})["Location"] == "/account/address/"
    assert client.get("/account/address/").status_code == 200


def test_new_recovery_codes_void_the_earlier_ones(alice: Person) -> None:
    client = signed_in(alice)
    [old, *_rest] = switch_on(client)
    assert client.post("/account/second-factor/codes/new/")["Location"] == "/account/second-factor/codes/"
    file = client.get("/account/second-factor/codes/file/")
    assert "attachment" in file["Content-Disposition"]
    new = file.content.decode().split()
    assert len(new) == 10
    assert old not in new
    assert told(alice)[-1] == "recovery_codes_made"
    stranger = browser_of()
    sign_in(stranger, alice.user.email)
    assert stranger.post(SECOND, {"code": old}).status_code == 200
    signed_in_with_code(alice, new[0])


def test_forgotten_password_does_not_get_around_it(alice: Person) -> None:
    switch_on(signed_in(alice))
    client = browser_of()
    client.post("/account/forgotten/", {"email": alice.user.email})
    [mail] = [mail for mail in mails_to(alice.user.email) if mail.template == "reset_password"]
    form = client.get(path_in(mail))["Location"]
    client.post(form, {"password1": "seven quiet harbours at dawn"})
    assert client.get("/playground/").status_code == 302
    assert sign_in(client, alice.user.email, "seven quiet harbours at dawn")["Location"] == SECOND


def test_address_can_be_changed_beside_it(alice: Person) -> None:
    client = signed_in(alice)
    switch_on(client)
    assert (
        client.post("/account/address/", {"action_add": "", "email": "new@studio.example"}).status_code == 302
    )
    assert mails_to("new@studio.example")
