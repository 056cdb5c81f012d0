"""Members accept terms and privacy policy once per version, before the shop goes on with them."""

from typing import cast

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import terms
from accounts.models import Acceptance, DocumentKind, Shop
from tests.accounts.client import data_of, generate
from tests.cast import Person, new_key
from tests.page_forms import forms_of
from tests.pages import browser_of, text_of

ASKED = {
    "terms_version": "2026-11",
    "terms_url": "https://shop.example/terms",
    "privacy_version": "7",
    "privacy_url": "https://shop.example/privacy",
}
BOTH = {"terms": "2026-11", "privacy": "7"}


@pytest.fixture
def shop(alice: Person) -> Shop:
    return alice.organization.shop


def ask(shop: Shop, **changes: str) -> None:
    Shop.objects.filter(pk=shop.pk).update(**(changes or ASKED))
    shop.refresh_from_db()


def post(client: Client, **fields: str) -> HttpResponse:
    return cast(HttpResponse, client.post("/terms/", fields))


def test_a_shop_that_asks_for_nothing_asks_nobody_and_no_database(alice: Person, shop: Shop) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert terms.outstanding(alice.user, shop) == []
    assert len(queries) == 0
    client = browser_of(alice)
    assert client.get("/credits/").status_code == 200
    assert client.get("/terms/?next=/credits/").headers["Location"] == "/credits/"


def test_whoever_has_accepted_pays_one_query_a_page(alice: Person, shop: Shop) -> None:
    client = browser_of(alice)
    client.get("/credits/")
    with CaptureQueriesContext(connection) as without:
        client.get("/credits/")
    ask(shop)
    assert terms.accept(alice.user, shop, BOTH) == []
    with CaptureQueriesContext(connection) as with_terms:
        assert client.get("/credits/").status_code == 200
    assert len(with_terms) == len(without) + 1


def test_page_leads_by_way_of_the_terms_and_back(alice: Person, shop: Shop) -> None:
    ask(shop)
    client = browser_of(alice)
    wanted = client.get("/credits/?before=5").headers["Location"]
    assert wanted == "/terms/?next=/credits/%3Fbefore%3D5"
    page = client.get(wanted)
    assert page.status_code == 200
    html = page.content.decode()
    assert 'href="https://shop.example/terms"' in html
    assert "Terms of service (opens in a new tab) version 2026-11" in text_of(page)
    assert "Privacy policy (opens in a new tab) version 7" in text_of(page)
    form = next(form for form in forms_of(html) if "terms" in form.fields)
    fields = {name: form.fields[name] for name in ("next", "terms", "privacy")}
    assert fields == {"next": "/credits/?before=5", **BOTH}
    assert post(client, accept="yes", **fields).headers["Location"] == "/credits/?before=5"
    assert client.get("/credits/?before=5").status_code == 200
    assert sorted(Acceptance.objects.values_list("kind", "version")) == [
        ("privacy", "7"),
        ("terms", "2026-11"),
    ]


def test_without_the_tick_nothing_is_accepted(alice: Person, shop: Shop) -> None:
    ask(shop)
    response = post(browser_of(alice), next="/credits/", **BOTH)
    assert response.status_code == 400
    assert "Tick the box to accept" in text_of(response)
    assert 'value="/credits/"' in response.content.decode()
    assert not Acceptance.objects.exists()


def test_only_what_was_shown_is_accepted(alice: Person, shop: Shop) -> None:
    ask(shop)
    client = browser_of(alice)
    ask(shop, terms_version="2026-12")
    response = post(client, accept="yes", **BOTH)
    assert response.status_code == 409
    assert "This has changed since you opened the page" in text_of(response)
    assert 'name="terms" value="2026-12"' in response.content.decode()
    assert 'name="privacy"' not in response.content.decode()
    assert list(Acceptance.objects.values_list("kind", "version")) == [("privacy", "7")]
    assert post(client, accept="yes", terms="2026-12").status_code == 302
    assert client.get("/credits/").status_code == 200


@pytest.mark.parametrize(
    "versions", [{}, {"terms": ""}, {"terms": "\x00", "privacy": "8"}, {"terms": "2026-11 "}]
)
def test_no_other_version_counts(alice: Person, shop: Shop, versions: dict[str, str]) -> None:
    ask(shop)
    assert len(terms.accept(alice.user, shop, versions)) == 2
    assert not Acceptance.objects.exists()


def test_a_new_version_is_asked_for_again_and_the_same_is_not(alice: Person, shop: Shop) -> None:
    ask(shop)
    terms.accept(alice.user, shop, BOTH)
    ask(shop, privacy_version="8")
    [document] = terms.outstanding(alice.user, shop)
    assert (document.kind, document.version) == (DocumentKind.PRIVACY, "8")
    ask(shop, privacy_version="7")
    assert terms.outstanding(alice.user, shop) == []
    assert terms.accept(alice.user, shop, BOTH) == []
    assert Acceptance.objects.count() == 2


def test_everybody_accepts_for_themselves(alice: Person, bob: Person, shop: Shop) -> None:
    ask(shop)
    terms.accept(alice.user, shop, BOTH)
    assert len(terms.outstanding(bob.user, shop)) == 2
    assert browser_of(bob).get("/credits/").status_code == 302


def test_fragment_sends_the_whole_page_there(alice: Person, shop: Shop) -> None:
    ask(shop)
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/playground/?x=1"}
    response = browser_of(alice).get("/credits/", headers=headers)
    assert response.status_code == 200
    assert response.headers["HX-Redirect"] == "/terms/?next=/playground/"


def test_what_was_sent_leads_back_to_a_page_and_not_to_where_it_was_sent(alice: Person, shop: Shop) -> None:
    ask(shop)
    response = browser_of(alice).post("/playground/", {"prompt": "x"})
    assert response.headers["Location"] == "/terms/?next=/home/"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"]
)
def test_it_leads_nowhere_else(alice: Person, shop: Shop, target: str) -> None:
    ask(shop)
    response = post(browser_of(alice), accept="yes", next=target, **BOTH)
    assert response.headers["Location"] == "/home/"


def test_signing_out_stays_possible(alice: Person, shop: Shop) -> None:
    ask(shop)
    client = browser_of(alice)
    assert "Sign out" in text_of(client.get("/terms/"))
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert client.get("/terms/").headers["Location"] == "/sign-in/?next=/terms/"


def test_person_without_an_organization_is_told_so_first(alice: Person, charlie: Person, shop: Shop) -> None:
    ask(shop)
    alice.user.memberships.all().delete()
    client = browser_of(alice)
    assert client.get("/playground/").status_code == 403


def test_other_methods_are_refused(alice: Person, shop: Shop) -> None:
    ask(shop)
    assert browser_of(alice).put("/terms/").status_code == 405


def test_keys_of_programs_go_on(alice: Person, shop: Shop) -> None:
    ask(shop)
    _key, secret = new_key(alice)
    assert data_of(generate(secret))["status"] == "IN_PROGRESS"


def test_the_database_knows_no_version_without_an_address(alice: Person, shop: Shop) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ask(shop, terms_version="1", terms_url="")


def test_whoever_does_not_accept_can_leave_and_take_their_data_along(
    alice: Person, bob: Person, shop: Shop
) -> None:
    ask(shop)
    owner, member = browser_of(alice), browser_of(bob)
    page = owner.get("/terms/").content.decode()
    for path in ("/account/", "/settings/export/", "/settings/delete/", "/team/leave/"):
        assert f'href="{path}"' in page
        assert owner.get(path).status_code == 200
    assert 'href="/settings/delete/"' not in member.get("/terms/").content.decode()
    assert owner.post("/settings/export/")["Location"] == "/settings/export/"
    assert owner.get("/settings/export/exp_none/").status_code == 404
    assert member.post("/team/leave/")["Location"] == "/home/"
    sent = {"name": alice.organization.name}
    assert owner.post("/settings/delete/", sent)["Location"] == "/settings/delete/"
    assert owner.post("/settings/delete/undo/")["Location"] == "/home/"
    assert owner.get("/settings/")["Location"] == "/terms/?next=/settings/"


def test_whoever_belongs_nowhere_accepts_before_they_found_an_organization(alice: Person, shop: Shop) -> None:
    ask(shop)
    alice.user.memberships.all().delete()
    client, page = browser_of(alice), "/organizations/new/"
    for response in (client.get(page), client.post(page, {"name": "Anew"})):
        assert response["Location"].startswith("/terms/?next=/")
    assert not alice.user.memberships.exists()
    shown = client.get(f"/terms/?next={page}")
    assert shown.status_code == 200
    assert "Leave" not in text_of(shown)
    sent = {**BOTH, "accept": "yes", "next": page}
    assert client.post("/terms/", sent)["Location"] == page
    assert client.get(page).status_code == 200
    client.post(page, {"name": "Anew"})
    assert alice.user.memberships.get().organization.name == "Anew"
