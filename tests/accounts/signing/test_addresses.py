"""People from before there was a sign-up."""

import importlib

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.db import connection

from accounts.models import User
from config import demo
from tests.accounts.signing.steps import addresses_of, sign_in
from tests.cast import Person
from tests.pages import browser_of

pytestmark = pytest.mark.django_db
MIGRATION = importlib.import_module("accounts.migrations.0008_addresses")


def test_migration_gives_everybody_the_address_that_they_sign_in_with(alice: Person, charlie: Person) -> None:
    EmailAddress.objects.create(user=charlie.user, email=charlie.user.email, primary=True)
    for _ in range(2):
        MIGRATION.give_addresses(apps, connection.schema_editor())
    assert addresses_of(alice.user) == [(alice.user.email, True, True)]
    assert addresses_of(charlie.user) == [(charlie.user.email, False, True)]


def test_owner_of_a_demo_signs_in_with_what_was_printed(db: None) -> None:
    welcome = demo.open_demo()
    assert welcome is not None
    client = browser_of()
    assert sign_in(client, welcome.owner_email, welcome.password)["Location"] == "/home/"
    assert client.get("/admin/").status_code == 200


def test_reset_that_a_stranger_asks_for_does_not_make_an_operators_person_confirm(alice: Person) -> None:
    browser_of().post("/account/forgotten/", {"email": alice.user.email})
    assert sign_in(browser_of(), alice.user.email)["Location"] == "/home/"
    assert User.objects.get().email_confirmed_at is None
