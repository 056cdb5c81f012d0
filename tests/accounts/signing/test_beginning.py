"""Somebody with an account from another shop: welcome here, by this shop's own rules, and told nothing of elsewhere."""

import pytest
from pytest_django import Settings

from accounts import shops, terms
from accounts.models import Acceptance, Membership, Organization, Shop, SignUp
from accounts.organizations import suspend
from accounts.shops import first_shop
from tests import branded
from tests.accounts.signing.steps import mails_to, sign_in, sign_up
from tests.cast import Person, found
from tests.pages import browser_of, text_of
from tests.several import browser_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def prints() -> Shop:
    return branded.a_shop("prints.example", branded.PRINTS)


def test_they_sign_in_and_found_an_organization_here(alice: Person, prints: Shop) -> None:
    client = browser_at(prints)
    assert sign_in(client, alice.user.email)["Location"] == "/home/"
    page = client.get("/home/")
    assert page.status_code == 403
    assert "but belong to no organization at Harbour Prints yet" in text_of(page)
    assert 'href="/organizations/new/"' in page.content.decode()
    for name in ("Tintype", alice.organization.name):
        assert name not in text_of(page)
    assert client.post("/organizations/new/", {"name": "By the quay"})["Location"] == "/home/"
    organization = Organization.objects.get(name="By the quay")
    assert (organization.shop, Membership.objects.get(organization=organization).user) == (prints, alice.user)
    assert client.get("/home/").status_code == 200
    assert "By the quay" not in text_of(browser_of(alice).get("/home/"))


def test_terms_of_this_shop_come_first(alice: Person) -> None:
    plates = branded.a_shop("platten.example", branded.PLATES | {"languages": ["en"]})
    client = browser_at(plates, alice)
    answer = client.get("/organizations/new/")
    assert answer["Location"].startswith("/terms/")
    shown = {document.kind: document.version for document in terms.asked(plates)}
    assert client.post("/terms/", {"accept": "yes", **shown}).status_code == 302
    assert {row.shop for row in Acceptance.objects.all()} == {plates}
    assert client.get("/organizations/new/").status_code == 200


@pytest.mark.parametrize("sign_up_rule", [SignUp.INVITATION, SignUp.CLOSED])
def test_where_nobody_opens_an_account_by_themselves_nobody_begins_so(
    alice: Person, prints: Shop, sign_up_rule: str
) -> None:
    Shop.objects.filter(pk=prints.pk).update(sign_up=sign_up_rule)
    client = browser_at(prints, alice)
    page = client.get("/home/")
    assert "At Harbour Prints nobody can begin by themselves." in text_of(page)
    assert "/organizations/new/" not in page.content.decode()
    for method in (client.get, client.post):
        assert method("/organizations/new/", {"name": "By the quay"}).status_code == 403
    assert not Organization.objects.filter(shop=prints).exists()


def test_only_addresses_that_could_sign_up_begin(alice: Person, prints: Shop) -> None:
    Shop.objects.filter(pk=prints.pk).update(sign_up_domains=["harbour.example"])
    assert browser_at(prints, alice).get("/organizations/new/").status_code == 403
    Shop.objects.filter(pk=prints.pk).update(sign_up_domains=["studio.example"])
    shops.forget()
    assert (
        browser_at(prints, found("eve@studio.example", "Eve")).get("/organizations/new/").status_code == 200
    )


def test_members_of_a_shop_found_another_whatever_its_rule(alice: Person, settings: Settings) -> None:
    settings.SIGN_UP = "closed"
    assert browser_of(alice).get("/organizations/new/").status_code == 200


def test_what_another_shop_thinks_of_them_is_no_matter_here(
    alice: Person, prints: Shop, settings: Settings
) -> None:
    settings.MAX_OWNED_ORGANIZATIONS = 1
    assert suspend(alice.organization)
    client = browser_at(prints, alice)
    assert "suspended" not in text_of(client.get("/organizations/new/"))
    assert client.post("/organizations/new/", {"name": "By the quay"})["Location"] == "/home/"
    again = client.post("/organizations/new/", {"name": "Another"})
    assert again.status_code == 409


def test_sign_up_with_a_known_address_is_told_by_mail_in_this_shops_name(alice: Person, prints: Shop) -> None:
    assert sign_up(browser_at(prints), alice.user.email).status_code == 302
    [mail] = mails_to(alice.user.email)
    assert (mail.template, mail.shop) == ("account_known", prints)
    assert mail.subject == "You have an account at Harbour Prints"
    assert "http://prints.example:8000/sign-in/" in mail.body
    assert first_shop().name not in mail.body + mail.html
