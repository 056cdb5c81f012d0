"""At the platform's desk a shop is connected with the one that it buys from."""

import pytest
from django.contrib.admin.models import LogEntry

from accounts.models import AuditEvent
from accounts.organizations import create_organization, person
from accounts.shops import first_shop
from generations.models import Upstream
from tests.generations.wholesale.sellers import a_reseller
from tests.makers import an_organization
from tests.operators import clerk, desk_of, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
LIST = "/admin/generations/upstream/"
CONNECT = f"{LIST}connect/"


def test_it_is_offered_and_done() -> None:
    desk, shop, organization = desk_of(operator()), a_reseller(), an_organization(300)
    assert CONNECT in desk.get(LIST).content.decode()
    assert "Customer as which it buys" in desk.get(CONNECT).content.decode()
    sent = {"shop": shop.slug, "organization": organization.slug, "reason": "as agreed on Monday"}
    page = desk.post(CONNECT, sent, follow=True)
    assert f"{shop.name} buys from" in text_of(page)
    upstream = Upstream.objects.get(shop=shop)
    assert upstream.wholesale == organization
    event = AuditEvent.objects.get(organization=organization, action="key_created")
    assert event.actor.startswith("staff:")
    assert event.origin.note == "as agreed on Monday"
    assert LogEntry.objects.filter(object_id=str(upstream.pk)).exists()
    page = desk.get(f"{LIST}{upstream.pk}/change/")
    assert f"as {organization.name}" in text_of(page)
    assert upstream.credential not in page.content.decode()


def test_what_cannot_be_is_said() -> None:
    desk, shop = desk_of(operator()), a_reseller()
    mine = an_organization(shop=shop)
    for sent, words in (
        ({"shop": shop.slug, "organization": "nobody"}, "There is no such organization"),
        ({"shop": "nothing", "organization": mine.slug}, "There is no such shop"),
        ({"shop": shop.slug, "organization": mine.slug}, "is a customer of"),
    ):
        assert words in text_of(desk.post(CONNECT, {**sent, "reason": "because"}))
    assert not Upstream.objects.exists()


def test_where_several_shops_have_a_customer_of_that_name_one_says_which() -> None:
    desk, shop, seller = desk_of(operator()), a_reseller(), first_shop()
    owner = person("acme@studio.example")
    ours, theirs = (create_organization(one, "Acme", owner) for one in (seller, shop))
    sent = {"shop": shop.slug, "organization": "acme", "reason": "because"}
    page = text_of(desk.post(CONNECT, sent))
    assert f"{seller.slug}/acme, {shop.slug}/acme" in page
    assert not Upstream.objects.exists()
    assert desk.post(CONNECT, sent | {"organization": f"{seller.slug}/acme"}).status_code == 302
    assert Upstream.objects.get().wholesale == ours != theirs


def test_nobody_else_may() -> None:
    desk = desk_of(clerk("view_upstream", "add_upstream", "change_upstream"))
    assert CONNECT not in desk.get(LIST).content.decode()
    assert desk.get(CONNECT).status_code == 403
    assert desk.post(CONNECT, {}).status_code == 403
    assert desk_of(operator()).put(CONNECT).status_code == 405
