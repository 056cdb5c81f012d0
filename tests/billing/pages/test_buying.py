"""From the packs to the page where one of them is paid."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Shop
from accounts.organizations import suspend
from accounts.shops import first_shop
from billing import packs
from billing.models import CreditPack, Payment
from billing.stripe_gateway import line
from tests.billing.pages.steps import SMALL, buy, choose, press_buy, questions, smallest
from tests.cast import Person
from tests.makers import wallet_of
from tests.pages import browser_of, text_of
from tests.till import RunningTill


@pytest.fixture
def client(alice: Person, till: RunningTill) -> Client:
    return browser_of(alice)


def a_pack(**fields: object) -> CreditPack:
    shop = first_shop()
    usual = {"shop": shop, "name": "Odd", "credits": 1000, "price_minor": 1234, "currency": shop.currency}
    return CreditPack.objects.create(**usual | fields)


def forms_of(client: Client, pack: str) -> list[dict[str, str]]:
    """What the forms with this pack's button send."""
    page = client.get("/credits/").content.decode()
    forms = [form for form in re.findall(r"<form.*?</form>", page, re.S) if f"({pack})" in form]
    return [dict(re.findall(r'name="(pack|offer)" value="([^"]+)"', form)) for form in forms]


def test_packs_say_what_they_cost_and_bring(client: Client) -> None:
    a_pack(bonus=250)
    words = text_of(client.get("/credits/"))
    assert "Small $5.00 3,750 credits enough for 250 images Buy for $5.00" in words
    assert "Odd $12.34 1,000 credits + 250 as a gift enough for 83 images Buy for $12.34" in words
    assert words.index("Small") < words.index("Medium") < words.index("Large")


def test_price_that_is_shown_is_charged_and_all_of_the_pack_arrives(
    client: Client, alice: Person, till: RunningTill
) -> None:
    pack = a_pack(bonus=250)
    response = press_buy(client, pack)
    payment = Payment.objects.get()
    session = till.client().v1.checkout.sessions.retrieve(str(payment.session_id))
    assert response["Location"] == session.url
    assert (session.amount_total, session.currency) == (1234, "usd")
    assert str(session.success_url).endswith("/credits/return/?session_id={CHECKOUT_SESSION_ID}")
    before = wallet_of(alice.organization)[0]
    till.pay(session.id)
    client.get("/credits/return/", {"session_id": session.id})
    assert wallet_of(alice.organization)[0] == before + 1250


@pytest.mark.parametrize(
    ("change", "is_shown"),
    [
        ({"price_minor": 600}, "Small $6.00 3,750 credits"),
        ({"credits": 3000}, "Small $5.00 3,000 credits"),
        ({"bonus": 5}, "Small $5.00 3,750 credits + 5 as a gift"),
    ],
)
def test_pack_that_changed_since_it_was_shown_is_shown_again_and_not_charged(
    client: Client, till: RunningTill, change: dict[str, int], is_shown: str
) -> None:
    [seen] = forms_of(client, "Small")
    CreditPack.objects.filter(name="Small").update(**change)
    before = questions(till)
    response = client.post("/credits/buy/", seen)
    words = text_of(response)
    assert response.status_code == 409
    assert "Small has changed since you opened the page, so nothing was bought." in words
    assert is_shown in words
    assert questions(till) == before
    assert not Payment.objects.exists()
    [seen] = forms_of(client, "Small")
    assert client.post("/credits/buy/", seen).status_code == 302


def test_page_from_before_that_says_nothing_of_the_price_is_shown_again(
    client: Client, till: RunningTill
) -> None:
    for offer in ({}, {"offer": ""}, {"offer": "3750:500"}, {"offer": "3750:500:eur"}):
        response = client.post("/credits/buy/", {"pack": smallest().pk, **offer})
        assert response.status_code == 409
        assert "form-action 'self' http" in response["Content-Security-Policy"]
    assert not Payment.objects.exists()


def test_pack_that_is_taken_off_the_shelf_meanwhile_is_still_delivered(
    client: Client, till: RunningTill
) -> None:
    payment = choose(client)
    CreditPack.objects.update(is_active=False, price_minor=99_999, credits=1)
    till.pay(str(payment.session_id))
    shown = client.get("/credits/return/", {"session_id": str(payment.session_id)})
    assert f"{SMALL:,} credits were added" in text_of(shown)


def test_customer_is_made_once(client: Client, till: RunningTill) -> None:
    first, second = choose(client), choose(client)
    sessions = till.client().v1.checkout.sessions
    customers = {sessions.retrieve(str(one.session_id)).customer for one in (first, second)}
    assert len(customers) == 1
    assert customers != {None}


def test_pack_that_is_not_on_sale_cannot_be_bought(client: Client) -> None:
    hidden = a_pack(is_active=False)
    foreign = a_pack(shop=Shop.objects.create(slug="other"), name="Foreign")
    assert "Odd" not in text_of(client.get("/credits/"))
    for number in (hidden.pk, foreign.pk, 0, 999_999, "", "x", "-1", "1.0", "9" * 30, "٣", "\x00"):
        assert client.post("/credits/buy/", {"pack": number}).status_code == 404
    assert client.post("/credits/buy/").status_code == 404
    assert not Payment.objects.exists()


@pytest.mark.parametrize("trouble", [{"down": True}, {"rate_limited": 9}, {"lose_answers": 9}])
def test_while_stripe_is_away_the_page_says_so_and_nothing_is_lost(
    client: Client, till: RunningTill, trouble: dict[str, int]
) -> None:
    till.behave(**trouble)
    response = press_buy(client)
    assert response.status_code == 503
    words = text_of(response)
    assert "Payments are not possible at the moment. Nothing was charged; please try again shortly." in words
    assert "Buy for $5.00" in words
    till.behave(reset=True)
    assert buy(client, till).credited == SMALL


def test_who_waits_for_a_silent_stripe_is_told_soon(
    client: Client, till: RunningTill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "HASTY_S", (0.3, 0.3))
    till.behave(frozen=True)
    assert press_buy(client).status_code == 503


def test_key_that_stripe_refuses_is_no_bug_of_ours(client: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_somebody_elses"
    response = press_buy(client)
    assert response.status_code == 503
    assert "Payments are not possible at the moment" in text_of(response)


def test_stripe_is_not_asked_without_end(client: Client, till: RunningTill) -> None:
    pack, before = smallest(), questions(till)
    answers = [press_buy(client, pack).status_code for _ in range(14)]
    assert answers == [302] * 12 + [429] * 2
    assert (
        questions(till) - before == 14
    )  # ten sessions, the last of them twice more, one customer and its name
    assert press_buy(client, pack)["Retry-After"]


def test_browsers_let_the_forms_lead_to_stripe_and_nowhere_else(client: Client, settings: Settings) -> None:
    settings.STRIPE_PAGES = ["https://checkout.stripe.com", "https://billing.stripe.com"]
    wanted = "form-action 'self' https://checkout.stripe.com https://billing.stripe.com"
    for path in ("/credits/", "/credits/automatic/"):
        policy = client.get(path)["Content-Security-Policy"].split("; ")
        assert wanted in policy
        assert "default-src 'none'" in policy
    refused = client.post("/credits/voucher/", {"code": "nothing"})
    assert wanted in refused["Content-Security-Policy"]
    assert "form-action 'self';" in client.get("/playground/")["Content-Security-Policy"] + ";"


def test_suspended_organization_buys_nothing(client: Client, alice: Person) -> None:
    suspend(alice.organization)
    words = text_of(client.get("/credits/"))
    assert "is suspended and cannot buy credits. Ask the operator of this shop." in words
    assert "Buy for" not in words
    refused = press_buy(client)
    assert refused.status_code == 403
    assert "This organization is suspended" in text_of(refused)
    assert "Ask the operator of this shop." in text_of(refused)
    assert client.post("/credits/automatic/", {"pack": smallest().pk, "threshold": 5}).status_code == 403
    assert not Payment.objects.exists()


def test_shop_without_packs_says_how_to_get_credits(client: Client) -> None:
    packs.on_sale(first_shop().pk).update(is_active=False)
    words = text_of(client.get("/credits/"))
    assert (
        "This shop takes no payments yet: to get more credits, ask its operator, or redeem a voucher."
        in words
    )
    assert "sells no packs at the moment" in text_of(client.get("/credits/automatic/"))


def test_shop_without_stripe_has_none_of_this_but_vouchers(client: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    words = text_of(client.get("/credits/"))
    assert "This shop takes no payments yet" in words
    assert "Voucher" in words
    for absent in ("Purchases", "I paid but see no credits", "Automatic top-up", "Buy for"):
        assert absent not in words
    for path in ("buy", "look", "portal", "automatic"):
        assert client.post(f"/credits/{path}/", {"pack": smallest().pk}).status_code == 404
    assert not Payment.objects.exists()


def test_forms_need_their_token(alice: Person, till: RunningTill) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    for path in ("buy", "look", "portal", "automatic", "automatic/off", "voucher", "low"):
        assert strict.post(f"/credits/{path}/").status_code == 403
