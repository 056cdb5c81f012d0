"""Who signs up with an address that is not theirs leaves nothing of their own in its owner's account."""

import pytest
from django.test import Client

from accounts import invitations, tasks
from accounts.models import Acceptance, Membership, Organization, Shop, User
from accounts.organizations import create_organization
from accounts.shops import first_shop
from accounts.signing import unproven
from billing import ledger
from tests.accounts.signing.steps import NEW, a_newcomer, confirm_path, mails_to, path_in, sign_in, sign_up
from tests.cast import access_of_user
from tests.makers import ago
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

pytestmark = pytest.mark.django_db
OTHER = "seven quiet harbours at dawn"
DAY_S = 86_400


@pytest.fixture
def asking() -> Shop:
    shop = first_shop()
    Shop.objects.filter(pk=shop.pk).update(terms_version="7", terms_url="https://shop.example/terms")
    return shop


def squat() -> Organization:
    sign_up(browser_of(), organization="Evil Empire", accept="on", terms="7")
    assert Acceptance.objects.count() <= 1
    return Organization.objects.get()


def reset() -> Client:
    """A browser whose owner has chosen another password by mail, and signed in with it."""
    client = browser_of()
    client.post("/account/forgotten/", {"email": NEW})
    [mail] = [mail for mail in mails_to(NEW) if mail.template == "reset_password"]
    form = client.get(path_in(mail))
    assert client.post(form["Location"], {"password1": OTHER})["Location"] == "/account/forgotten/done/"
    assert sign_in(client, NEW, OTHER)["Location"] == "/home/"
    return client


def test_reset_asks_for_the_terms_anew_and_takes_back_the_name(asking: Shop) -> None:
    organization = squat()
    user = User.objects.get()
    assert Acceptance.objects.filter(user=user).exists()
    invitations.invite(access_of_user(user), "friend@evil.example", "admin")
    client = reset()
    assert not Acceptance.objects.exists()
    assert client.get("/playground/")["Location"] == "/terms/?next=/playground/"
    organization.refresh_from_db()
    assert (organization.name, organization.slug) == ("dora", "dora")
    assert not organization.invitations.exists()
    assert "organization_renamed" in organization.audit_events.values_list("action", flat=True)
    assert "Evil" not in text_of(client.get("/terms/"))


def test_reset_leaves_alone_what_was_confirmed(asking: Shop) -> None:
    organization = squat()
    browser_of().post(confirm_path(NEW), {"password": PASSWORD})
    reset()
    assert Acceptance.objects.count() == 1
    organization.refresh_from_db()
    assert organization.name == "Evil Empire"


def test_reset_leaves_alone_what_an_operator_has_founded() -> None:
    user = a_newcomer()
    studio = create_organization(first_shop(), "Studio", user)
    reset()
    studio.refresh_from_db()
    assert studio.name == "Studio"


# --- What nobody confirms -------------------------------------------------------------------------


def days_later(days: float) -> None:
    User.objects.update(date_joined=ago(days * DAY_S))


def test_what_nobody_confirms_is_blanked_after_a_week_and_the_address_is_free() -> None:
    squat()
    days_later(6.9)
    tasks.forget_unproven()
    assert Organization.objects.get().name == "Evil Empire"
    days_later(7.1)
    tasks.forget_unproven()
    user, organization = User.objects.get(), Organization.objects.get()
    assert (user.erased_at is not None, user.is_active, NEW in user.email) == (True, False, False)
    assert organization.closed_at is not None
    assert "Evil" not in organization.name + organization.slug
    assert not Membership.objects.exists()
    assert unproven.forget_old() == 0
    assert a_newcomer().email == NEW


def test_what_was_confirmed_or_given_by_an_operator_stays() -> None:
    confirmed, endowed, member = (a_newcomer(f"{name}@harbour.example") for name in ("anna", "bea", "cleo"))
    browser_of().post(confirm_path(confirmed.email), {"password": PASSWORD})
    organization = Membership.objects.get(user=endowed).organization
    ledger.grant(organization.pk, 5, reference="gift", actor="system", note="")
    create_organization(first_shop(), "Studio", member)
    User.objects.create(email="operator@harbour.example", password="!", is_active=True)
    days_later(30)
    assert unproven.forget_old() == 0
    assert not User.objects.exclude(erased_at=None).exists()
