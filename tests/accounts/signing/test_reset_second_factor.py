"""reset_second_factor: who lost everything gets in with their password again, and is told."""

from allauth.mfa.models import Authenticator

from accounts.models import AuditEvent
from tests.accounts.commands import Shell
from tests.accounts.signing.steps import mails_to, sign_in, signed_in, switch_on, told
from tests.cast import Person
from tests.pages import browser_of

REASON = "Called back on the number of the contract"


def test_all_factors_go_and_the_person_is_told(shell: Shell, alice: Person, charlie: Person) -> None:
    client, stranger = signed_in(alice), signed_in(charlie)
    switch_on(client)
    switch_on(stranger)
    Authenticator.objects.create(user=alice.user, type=Authenticator.Type.WEBAUTHN, data={})
    email = alice.user.email
    assert shell.answer("reset_second_factor", f" {email.upper()}", "--reason", REASON) == email
    assert not Authenticator.objects.filter(user=alice.user).exists()
    assert client.get("/playground/").status_code == 302
    assert stranger.get("/playground/").status_code == 200
    assert Authenticator.objects.filter(user=charlie.user).exists()
    assert sign_in(browser_of(), email)["Location"] == "/home/"
    event = AuditEvent.objects.select_related("origin").get(actor="system")
    assert (event.action, event.subject, event.origin.note) == (
        "second_factor_off",
        alice.user.actor,
        REASON,
    )
    assert told(alice)[-2:] == ["second_factor_off", "signed_in"]
    mail = mails_to(email)[-1]
    assert "took away all your second factors and passkeys" in mail.body
    assert REASON not in mail.body
    refusal = shell.refusal("reset_second_factor", email, "--reason", REASON)
    assert refusal == f"{email} has no second factor."


def test_nothing_is_taken_of_nobody_or_for_no_reason(shell: Shell, alice: Person) -> None:
    switch_on(signed_in(alice))
    refusal = shell.refusal("reset_second_factor", "nobody@x.example", "--reason", REASON)
    assert refusal == "There is nobody with the address 'nobody@x.example'."
    assert "how you know" in shell.refusal("reset_second_factor", alice.user.email, "--reason", " ")
    assert Authenticator.objects.exists()
