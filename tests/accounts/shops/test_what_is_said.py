"""While a shop stands still each of its pages says so, and none offers what would be refused."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.formats import date_format
from pytest_django import Settings

from accounts import glances, invitations, sealing, shop_closing, shop_standing, shops
from accounts.models import DataExport, QueuedMail, Role, Shop
from billing import packs
from billing.models import AutoTopUp
from generations import runner
from generations.models import Generation
from tests.accounts.client import FOX, data_of
from tests.accounts.shops.steps import HARBOUR, customer_of, runs, send_at
from tests.cast import Person, give_credits, new_key
from tests.makers import ago
from tests.operators import desk_of, do, operator
from tests.pages import text_of
from tests.routes import routes
from tests.several import Place, access_at, an_owner, browser_at
from webhooks.event_types import EVENT_TYPES
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.secrets import new_secret

pytestmark = pytest.mark.django_db

Pause = Callable[[Shop], bool]
PAUSES = pytest.mark.parametrize("pause", [shop_standing.suspend, shop_closing.begin])
# What a look at them would do, or a file.
NOT_TO_OPEN = ("sign-out/", "metrics", "account/second-factor/codes/file/", "usage/file", "audit/log.csv")


@pytest.fixture
def dora(shop: Shop) -> Person:
    """With credits for few images."""
    dora = customer_of(shop)
    give_credits(dora.organization, 30)
    return dora


def stands_still(shop: Shop, pause: Pause = shop_standing.suspend) -> None:
    assert pause(shop)
    shops.forget()


def an_endpoint(dora: Person) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(
        organization=dora.organization,
        livemode=True,
        url="https://studio.example/hooks",
        events=list(EVENT_TYPES),
        sealed_secret=sealing.seal(new_secret()),
    )


def words_for(shop: Shop) -> tuple[str, str]:
    """What members and visitors read."""
    shop.refresh_from_db()
    if shop.closes_at is None:
        return "Harbour Images is closed for the moment.", "This shop is closed for the moment: nothing can"
    until = f"{date_format(shop.closes_at, 'DATE_FORMAT')}, {shop.closes_at:%H:%M} (UTC)"
    return f"can be ordered or bought. Until {until} you can", f"fetch what is theirs until {until}."


@PAUSES
def test_every_page_says_so(shop: Shop, dora: Person, pause: Pause) -> None:
    stands_still(shop, pause)
    for_members, for_visitors = words_for(shop)
    member, seen = browser_at(HARBOUR, dora), 0
    for route in routes():
        path = f"/{route.pattern.lstrip('^')}"
        if route.arguments or "(?P" in path or route.pattern in NOT_TO_OPEN:
            continue
        answer: Any = member.get(path)
        if not answer.streaming and b'<body class="shell' in answer.content:
            assert for_members in text_of(answer), path
            seen += 1
    assert seen > 20
    visitor = browser_at(HARBOUR)
    for path in ("/", "/pricing/", "/docs/", "/docs/reference/", "/sign-in/"):
        assert for_visitors in text_of(visitor.get(path)), path
        assert for_visitors not in text_of(browser_at("testserver").get(path)), path
    gus = an_owner(shops.first_shop(), "gus@studio.example", "Gus' Studio")
    answer = browser_at(HARBOUR, gus).get("/home/")
    assert (answer.status_code, for_visitors in text_of(answer)) == (403, True)
    assert "to invite" not in text_of(answer)


@PAUSES
def test_nothing_is_offered_that_would_be_refused(
    shop: Shop, dora: Person, pause: Pause, settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY, settings.TILL = "sk_test_x", True  # so that it takes payments
    pack = packs.on_sale(shop.pk).first()
    AutoTopUp.objects.create(
        organization=dora.organization, pack=pack, threshold=10, is_on=True, actor="user:x"
    )
    invitations.invite(access_at(Place(shop, HARBOUR), dora), "erin@studio.example", Role.VIEWER)
    browser = browser_at(HARBOUR, dora)
    offered: dict[str, tuple[str, ...]] = {
        "/home/": ("Credits are left for 2 images", "Get more"),
        "/credits/": ("Buy for", 'name="code"', "is bought for"),
        "/credits/automatic/": ("At most in a month",),
        "/team/": ("Send again",),
        "/organizations/new/": ("Found it",),
        "/settings/": ("Found an organization",),
        "/webhooks/": ("New endpoint",),
        f"/webhooks/{an_endpoint(dora).public_id}/": ("Send a test event", 'name="hours"'),
        "/webhooks/deliveries/": ('name="hours"',),
    }
    for path, words in offered.items():
        page = browser.get(path).content.decode()
        assert [one for one in words if one not in page] == [], path
    stands_still(shop, pause)
    for path, words in offered.items():
        page = browser.get(path).content.decode()
        assert [one for one in words if one in page] == [], path
    assert "On, but nothing is bought at the moment." in text_of(browser.get("/credits/"))
    assert "sells no packs" not in text_of(browser.get("/credits/automatic/"))
    assert "no organization can be founded" in text_of(browser.get("/organizations/new/"))


def test_a_refusal_is_one_sentence_on_a_page(shop: Shop, dora: Person) -> None:
    """Programs are told all of it in one message."""
    stands_still(shop, shop_closing.begin)
    sent = {"name": "new", "livemode": "live", "scopes": ["read"], "form_id": "a" * 24}
    answer = browser_at(HARBOUR, dora).post("/keys/new/", sent)
    assert answer.status_code == 403
    assert re.search(r'role="alert">This shop closes\. <a', answer.content.decode())


@PAUSES
def test_what_was_made_is_told_of_and_can_be_fetched(shop: Shop, dora: Person, pause: Pause) -> None:
    _row, secret = new_key(dora)
    an_endpoint(dora)
    task = data_of(send_at(HARBOUR, "POST", "/api/generate", key=secret, body=FOX))["task_id"]
    stands_still(shop, pause)
    runner.run(Generation.objects.get(task_id=task).pk)
    assert WebhookDelivery.objects.get().event.type == "generation.succeeded"
    browser = browser_at(HARBOUR, dora)
    page = browser.get(f"/gallery/{task}/").content.decode()
    links = {html.unescape(link) for link in re.findall(r'(?:href|src)="(/i/[^"]+)"', page)}
    assert links
    assert {browser.get(link).status_code for link in links} == {200}
    assert browser.post("/settings/export/").status_code == 302
    assert DataExport.objects.filter(organization=dora.organization).exists()


def test_other_processes_know_within_a_second(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a row that another one has written."""
    monkeypatch.setattr(glances, "LOOK_AGAIN_S", 0)
    assert not shops.is_paused(shop.pk)
    for fields in ({"suspended_at": ago(1)}, {"suspended_at": None, "closing_at": ago(1)}):
        Shop.objects.filter(pk=shop.pk).update(**fields)
        assert shops.is_paused(shop.pk)
    Shop.objects.filter(pk=shop.pk).update(closing_at=None)
    assert not shops.is_paused(shop.pk)


# --- Who works there ------------------------------------------------------------------------------


def test_its_desk_says_so_on_top_and_its_operators_read_why(shop: Shop, dora: Person) -> None:
    at_its_desk, reason = browser_at(HARBOUR, runs(shop)), "the invoice of May is not paid"
    boss = desk_of(operator())
    assert "is suspended" not in text_of(at_its_desk.get("/admin/"))
    assert shop_standing.suspend(shop, actor="staff:1", note=reason)
    shops.forget()
    said = "Harbour Images is suspended. Nobody can order, buy or open an account there until the platform resumes it."
    for path in ("/admin/", "/admin/accounts/organization/"):
        assert said in text_of(at_its_desk.get(path)), path
    assert said not in text_of(boss.get("/admin/")), "All shops are shown"
    boss.post("/admin/shown/", {"shop": shop.pk})
    assert said in text_of(boss.get("/admin/"))
    log = at_its_desk.get(link_of(at_its_desk, "is suspended"))
    event = re.search(r"/admin/accounts/auditevent/\d+/change/", log.content.decode())
    assert event
    assert reason in text_of(at_its_desk.get(event[0]))
    assert reason not in text_of(browser_at(HARBOUR, dora).get("/audit/"))
    assert shop_closing.begin(shop)
    shops.forget()
    assert shop.closes_at is not None
    until = date_format(shop.closes_at, "DATE_FORMAT")
    page = text_of(at_its_desk.get("/admin/"))
    assert f"can fetch what is theirs until {until}, then it is closed for good." in page
    assert said not in page


def link_of(desk: Client, words: str) -> str:
    page = desk.get("/admin/").content.decode()
    notice = next(one for one in re.findall(r'class="desk-notice">(.*?)</li>', page) if words in one)
    return str(re.findall(r'href="([^"]+)"', notice)[0])


def test_a_shop_that_is_suspended_as_well_is_not_said_to_be_open(shop: Shop, dora: Person) -> None:
    boss = desk_of(operator())
    assert shop_standing.suspend(shop)
    assert shop_closing.begin(shop)
    assert "take that back first" in text_of(do(boss, shop, "resume"))
    assert Shop.objects.get(pk=shop.pk).suspended_at is not None
    assert "It stays suspended as well" in text_of(boss.get(f"/admin/accounts/shop/{shop.pk}/keep/"))
    do(boss, shop, "keep")
    mail = QueuedMail.objects.get(template="shop_kept")
    assert mail.subject == "Harbour Images does not close"
    assert "until it opens again" in mail.body
    assert "order again" not in mail.body
    assert "is open again" in text_of(do(boss, shop, "resume"))
