"""A passkey belongs to the host where it was made. Who has nothing else gets in at another shop of the installation all
the same: by a first password, which a mail brings, and a code; and reads so where the passkey fails.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64encode

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from fido2.cose import ES256
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from accounts import shops
from accounts.models import QueuedMail, Shop, User
from tests.accounts.signing.steps import sign_in
from tests.cast import Person
from tests.pages import text_of
from tests.several import Place, an_owner, browser_at

pytestmark = pytest.mark.django_db
CHOSEN = "seven quiet harbours at dawn"


def a_passkey(user: User, place: Place) -> Authenticator:
    """As a device makes it at the host of a shop."""

    def encoded(data: bytes) -> str:
        return urlsafe_b64encode(data).rstrip(b"=").decode()

    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = ES256.from_cryptography_key(public)  # type: ignore[no-untyped-call]  # fido2's
    identity = hashlib.sha256(place.host.encode()).digest()
    host = shops.host_of(place.shop.pk)
    data = AuthenticatorData.create(
        hashlib.sha256(host.encode()).digest(),
        AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT,
        0,
        bytes(AttestedCredentialData.create(bytes(16), identity, key)),
    )
    client_data = json.dumps({"type": "webauthn.create", "challenge": "AA", "origin": f"https://{host}"})
    credential = {
        "id": encoded(identity),
        "rawId": encoded(identity),
        "type": "public-key",
        "response": {
            "clientDataJSON": encoded(client_data.encode()),
            "attestationObject": encoded(bytes(AttestationObject.create("none", data, {}))),
        },
        "clientExtensionResults": {"credProps": {"rk": True}},
    }
    row = {"name": f"Key of {place.shop.name}", "credential": credential}
    return Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data=row)


@pytest.fixture
def dora(north: Place, south: Place) -> Person:
    """Who belongs to both, and has a passkey of the one alone."""
    dora = an_owner(north, "dora@harbour.example", "Harbour")
    an_owner(south, "dora@harbour.example", "Harbour")
    dora.user.set_unusable_password()
    dora.user.save()
    a_passkey(dora.user, north)
    return dora


def by_a_first_password(place: Place, user: User) -> Client:
    """The mail's link, then the sign-in; what comes next is the second factor."""
    client = browser_at(place)
    client.post("/account/forgotten/", {"email": user.email})
    mail = QueuedMail.objects.filter(to=user.email, template="reset_password").latest("pk")
    found = re.search(rf"{re.escape(shops.address_of(place.shop.pk))}(/account/forgotten/\S+)", mail.body)
    assert found, mail.body
    form = client.get(found[1])["Location"]
    assert client.post(form, {"password1": CHOSEN})["Location"] == "/account/forgotten/done/"
    assert sign_in(client, user.email, CHOSEN)["Location"] == "/sign-in/second-factor/"
    return client


def test_the_sign_in_says_what_a_passkey_is_good_for_and_what_else_there_is(south: Place) -> None:
    page = browser_at(south).get("/sign-in/").content.decode()
    assert "a passkey works only at the address where it was made" in page
    assert 'href="/account/forgotten/">Forgotten your password, or never chose one?' in page


def test_with_a_passkey_of_another_shop_one_gets_in_by_mail_and_a_code_and_adds_one_there(
    north: Place, south: Place, dora: Person
) -> None:
    codes = RecoveryCodes.activate(dora.user).get_unused_codes()
    client = by_a_first_password(south, dora.user)
    page = client.get("/sign-in/second-factor/")
    assert "yours were made at another one" in text_of(page)
    assert "Enter a code here; then you can add a passkey" in text_of(page)
    assert 'data-passkey="authenticate"' not in page.content.decode(), "It would find none"
    assert north.shop.name not in text_of(page)
    assert client.post("/sign-in/second-factor/", {"code": codes[0]})["Location"] == "/home/"
    adding = client.get("/account/passkeys/new/")
    assert adding.status_code == 200
    assert f"&quot;rp&quot;: {{&quot;name&quot;: &quot;{south.shop.name}" in adding.content.decode()
    assert shops.host_of(south.shop.pk) in adding.content.decode()
    listed = client.get("/account/second-factor/").content.decode()
    assert "of another address, not for this one" in listed
    a_passkey(dora.user, south)
    listed = client.get("/account/second-factor/").content.decode()
    assert listed.count("of another address") == 1


def test_where_it_was_made_nothing_of_that_is_said(north: Place, dora: Person) -> None:
    page = by_a_first_password(north, dora.user).get("/sign-in/second-factor/")
    assert "made at another one" not in text_of(page)
    assert 'data-passkey="authenticate"' in page.content.decode()


def test_who_has_no_code_either_reads_whom_to_ask(south: Place, dora: Person) -> None:
    client = by_a_first_password(south, dora.user)
    assert "You have no codes either" in text_of(client.get("/sign-in/second-factor/"))
    assert "ask the operator of this shop" in text_of(client.get("/sign-in/second-factor/"))
    Shop.objects.filter(pk=south.shop.pk).update(support_email="hilfe@south.example")
    shops.forget()
    assert "hilfe@south.example" in text_of(client.get("/sign-in/second-factor/"))


def test_a_first_password_alone_opens_nothing(south: Place, dora: Person) -> None:
    client = by_a_first_password(south, dora.user)
    assert client.get("/home/").status_code == 302
    assert "_auth_user_id" not in client.session
