"""A suspended shop stands still as a whole: nothing new, what is under way ends, and all can be looked at."""

from typing import Any

import pytest

from accounts import shop_standing, shops
from accounts.errors import ShopSuspended
from accounts.mail import outbox
from accounts.models import AuditAction, AuditEvent, Organization, QueuedMail, Shop
from accounts.organizations import found_another, suspend
from accounts.shop_standing import FirstShop
from accounts.shops import first_shop
from billing import automatic, packs
from billing.models import AutoTopUp
from generations import runner
from generations.models import Generation, Status
from tests.accounts.client import FOX, content, data_of
from tests.accounts.shops.steps import HARBOUR, customer_of, runs, send_at
from tests.cast import Person, give_credits, new_key
from tests.makers import an_organization, books_are_right, wallet_of
from tests.operators import clerk, desk_of, do, operator
from tests.pages import text_of
from tests.several import browser_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def dora(shop: Shop) -> Person:
    dora = customer_of(shop)
    give_credits(dora.organization, 100)
    return dora


def close_it(shop: Shop) -> None:
    assert shop_standing.suspend(shop)
    shops.forget()


def open_it(shop: Shop) -> None:
    assert shop_standing.resume(shop)
    shops.forget()


def test_keys_are_refused_until_it_opens_again(shop: Shop, dora: Person) -> None:
    _row, secret = new_key(dora)
    close_it(shop)
    for method, path in (("POST", "/api/generate"), ("GET", "/api/v1/balance"), ("GET", "/v1/models")):
        answer = send_at(HARBOUR, method, path, key=secret, body=FOX)
        assert answer.status_code == 403, path
    answer = send_at(HARBOUR, "POST", "/api/generate", key=secret, body=FOX)
    assert content(answer)["error"]["type"] == "shop_suspended"
    open_it(shop)
    assert data_of(send_at(HARBOUR, "POST", "/api/generate", key=secret, body=FOX))


def test_open_tasks_are_made_and_charged_as_ever(shop: Shop, dora: Person) -> None:
    _row, secret = new_key(dora)
    task = data_of(send_at(HARBOUR, "POST", "/api/generate", key=secret, body=FOX))["task_id"]
    close_it(shop)
    generation = Generation.objects.get(task_id=task)
    runner.run(generation.pk)
    generation.refresh_from_db()
    assert generation.status == Status.SUCCEEDED
    assert wallet_of(dora.organization)[0] == 85
    assert books_are_right()


def test_members_look_and_read_why_nothing_goes(shop: Shop, dora: Person) -> None:
    close_it(shop)
    browser = browser_at(HARBOUR, dora)
    for path in ("/home/", "/gallery/", "/usage/", "/credits/", "/keys/", "/team/", "/settings/export/"):
        page = browser.get(path, follow=True)
        assert page.status_code == 200, path
        assert "is closed for the moment" in text_of(page), path
    home = text_of(browser.get("/home/"))
    assert "Buy credits" not in home
    assert "First steps" not in home
    for path, sent in (
        ("/playground/", {"prompt": "a fox", "aspect_ratio": "1:1", "order_token": "x"}),
        ("/keys/new/", {"name": "new", "scopes": ["read"]}),
        ("/team/invite/", {"email": "erin@studio.example", "role": "viewer"}),
    ):
        answer = browser.post(path, sent)
        assert answer.status_code in (400, 403), (path, answer.status_code)
    assert not Generation.objects.exists()
    assert not packs_are_shown(browser)


def packs_are_shown(browser: Any) -> bool:
    return 'name="pack"' in browser.get("/credits/").content.decode()


def test_nobody_signs_up_or_founds_anything(shop: Shop, dora: Person) -> None:
    close_it(shop)
    visitor = browser_at(HARBOUR)
    for path in ("/", "/pricing/"):
        assert "closed for the moment" in text_of(visitor.get(path)), path
    assert "and try it" not in text_of(visitor.get("/"))
    refused = visitor.get("/sign-up/")
    assert (refused.status_code, "closed for the moment" in text_of(refused)) == (403, True)
    with pytest.raises(ShopSuspended):
        found_another(shop, "Another", dora.user)
    assert "closed for the moment" not in text_of(browser_at("testserver").get("/"))


def test_automatic_top_ups_stop(shop: Shop, dora: Person) -> None:
    pack = packs.on_sale(shop.pk).first()
    AutoTopUp.objects.create(
        organization=dora.organization,
        pack=pack,
        threshold=1000,
        cap_minor=100_000,
        is_on=True,
        actor="user:x",
    )
    assert automatic._due().count() == 1
    close_it(shop)
    assert automatic._due().count() == 0
    open_it(shop)
    assert automatic._due().count() == 1


def test_other_shops_go_on(shop: Shop) -> None:
    alices = an_organization(100)
    _row, secret = new_key(Person(alices.memberships.get().user, alices))
    close_it(shop)
    assert data_of(send_at("testserver", "POST", "/api/generate", key=secret, body=FOX))


def test_resuming_lets_no_organization_in_that_is_suspended_itself(shop: Shop, dora: Person) -> None:
    suspend(dora.organization)
    close_it(shop)
    open_it(shop)
    assert Organization.objects.get(pk=dora.organization.pk).suspended_at is not None


def test_it_is_done_once_and_written_down_for_nobody_but_the_platform(shop: Shop, dora: Person) -> None:
    assert shop_standing.suspend(shop, actor="staff:1", note="fraud")
    assert not shop_standing.suspend(shop)
    assert shop_standing.resume(shop)
    assert not shop_standing.resume(shop)
    events = AuditEvent.objects.filter(shop=shop, organization=None).order_by("pk")
    assert [event.action for event in events] == [AuditAction.SHOP_SUSPENDED, AuditAction.SHOP_RESUMED]
    assert events[0].origin.note == "fraud"
    assert "fraud" not in text_of(browser_at(HARBOUR, dora).get("/audit/"))


def test_the_platform_cannot_be_suspended() -> None:
    with pytest.raises(FirstShop):
        shop_standing.suspend(first_shop())
    desk, first = desk_of(operator()), first_shop()
    assert "is the platform itself" in text_of(do(desk, first, "suspend"))
    assert "is the platform itself" in text_of(do(desk, first, "close"))


# --- At the desk ----------------------------------------------------------------------------------


def test_platforms_staff_suspend_and_resume_at_the_desk(shop: Shop) -> None:
    desk = desk_of(operator())
    page = text_of(desk.get(f"/admin/accounts/shop/{shop.pk}/change/"))
    assert "Suspend it" in page
    assert "Resume it" not in page
    assert "is suspended" in text_of(do(desk, shop, "suspend"))
    assert Shop.objects.get(pk=shop.pk).suspended_at is not None
    assert "It is suspended already" in text_of(do(desk, shop, "suspend"))
    assert "is open again" in text_of(do(desk, shop, "resume"))
    event = AuditEvent.objects.get(action=AuditAction.SHOP_SUSPENDED)
    assert event.origin.note == "as the letter of Monday says"


def test_nobody_else_does(shop: Shop) -> None:
    assert do(desk_of(clerk("view_shop", "change_shop")), shop, "suspend").status_code == 403
    user = runs(shop)
    user.is_staff = user.is_superuser = True
    user.save()
    for deed in ("suspend", "close"):
        answer = browser_at(HARBOUR, user).post(
            f"/admin/accounts/shop/{shop.pk}/{deed}/",
            {"reason": "because", "once": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"},
        )
        assert answer.status_code in (403, 404)
    assert Shop.objects.get(pk=shop.pk).suspended_at is None


def test_mail_goes_out_as_ever(shop: Shop, dora: Person) -> None:
    close_it(shop)
    outbox.queue_template(shop, dora.user.email, "account_news", {"news": "Something"})
    assert outbox.send_due() == 1
    assert not QueuedMail.objects.filter(sent_at=None).exists()
