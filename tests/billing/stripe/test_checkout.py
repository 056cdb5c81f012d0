"""From a pack to Stripe's page: what is sold is what was shown, and nothing that goes wrong costs anybody anything."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.access import Access
from accounts.errors import NotFound
from accounts.models import Membership, Role, Shop
from accounts.organizations import person
from billing import checkout, payments, refunds, stripe_gateway
from billing.errors import PaymentsAway
from billing.models import AutoTopUp, CreditPack, Payment, PaymentStatus, StripeCustomer
from billing.stripe_gateway import credentials
from tests.billing.stripe.buying import CREDITS, PRICE, Buyer, a_pack
from tests.billing.stripe.topping_up import a_rule, a_wish, customer_of, pass_pause, setup_page, sweep
from tests.cast import access_of_user
from tests.makers import ago, books_are_right
from tests.threads import together
from tests.till import Object, RunningTill

NewBuyer = Callable[[], Buyer]
in_a_transaction = pytest.mark.django_db
with_commits = pytest.mark.usefixtures("committed_db")


def session_of(till: RunningTill, payment: Payment) -> Object:
    payment.refresh_from_db()
    client = till.client()
    return client.v1.checkout.sessions.retrieve(str(payment.session_id), {"expand": ["line_items"]}).to_dict()


def sessions_for(till: RunningTill, payment: Payment) -> list[str]:
    found = till.client().v1.checkout.sessions.list({"limit": 100}).data
    return [session.id for session in found if session.client_reference_id == payment.public_id]


# --- What is sold ---------------------------------------------------------------------------------


@in_a_transaction
def test_the_price_shown_is_the_price_charged(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    pack = a_pack(3000, 4550, bonus=200)
    started = checkout.start(buyer.access, pack)
    session = session_of(till, started.payment)
    [item] = session["line_items"]["data"]
    assert pack.price == "$45.50"
    assert (session["amount_total"], session["currency"]) == (4550, "usd")
    assert (item["description"], item["quantity"]) == ("Tintype: 3000 for 4550", 1)
    assert session["metadata"] == {"payment": started.payment.public_id}
    assert session["adaptive_pricing"] == {"enabled": False}
    assert started.payment.credits == 3200
    assert started.payment.session_id == session["id"]
    assert started.url == session["url"]


@in_a_transaction
def test_pages_lead_back_to_the_shop(till: RunningTill, new_buyer: NewBuyer, settings: Settings) -> None:
    session = session_of(till, new_buyer().starts())
    assert session["success_url"] == (
        f"{settings.PUBLIC_URL}/credits/return/?session_id={{CHECKOUT_SESSION_ID}}"
    )
    assert session["cancel_url"] == f"{settings.PUBLIC_URL}/credits/"


@in_a_transaction
def test_settings_and_the_shop_decide_what_stripe_asks_for(
    till: RunningTill, new_buyer: NewBuyer, settings: Settings
) -> None:
    settings.STRIPE_PROMOTION_CODES, settings.STRIPE_TAX = False, False
    plain = session_of(till, new_buyer().starts())
    assert (plain["allow_promotion_codes"], plain["automatic_tax"]["enabled"]) == (False, False)
    assert plain["consent_collection"] is None
    settings.STRIPE_PROMOTION_CODES, settings.STRIPE_TAX = True, True
    Shop.objects.update(terms_version="2", terms_url="https://shop.example/terms")
    full = session_of(till, new_buyer().starts())
    assert (full["allow_promotion_codes"], full["automatic_tax"]["enabled"]) == (True, True)
    assert full["tax_id_collection"]["enabled"]
    assert full["billing_address_collection"] == "required"
    assert full["consent_collection"]["terms_of_service"] == "required"


@in_a_transaction
def test_what_is_not_on_sale_there_cannot_be_bought(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    elsewhere = CreditPack.objects.create(
        shop=Shop.objects.create(slug="second"), name="Theirs", credits=1, price_minor=100, currency="usd"
    )
    for pack in (
        elsewhere,
        a_pack(7, 700, is_active=False),
        a_pack(8, 800, currency="eur"),
    ):
        with pytest.raises(NotFound):
            checkout.start(buyer.access, pack)
    assert not Payment.objects.exists()


@in_a_transaction
@pytest.mark.parametrize("fate", ["deactivated", "deleted", "dearer"])
def test_a_pack_that_changes_during_a_checkout_is_honoured(
    till: RunningTill, new_buyer: NewBuyer, fate: str
) -> None:
    buyer = new_buyer()
    payment = buyer.starts()
    pack = CreditPack.objects.filter(pk=payment.pack_id or 0)
    match fate:
        case "deactivated":
            pack.update(is_active=False)
        case "deleted":
            pack.delete()
        case _:
            pack.update(price_minor=99_00, credits=1)
    till.pay(str(payment.session_id))
    payment = payments.sync_payment(payment.pk)
    assert (payment.status, payment.credited, payment.charged_minor) == (PaymentStatus.PAID, CREDITS, PRICE)
    assert books_are_right()


# --- Who the customer is --------------------------------------------------------------------------


@in_a_transaction
def test_an_organization_is_one_customer_with_its_name(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    first, second = (session_of(till, buyer.starts()) for _ in range(2))
    assert first["customer"] == second["customer"] == customer_of(buyer)
    customer = till.client().v1.customers.retrieve(customer_of(buyer))
    assert buyer.access.user is not None
    assert (customer.name, customer.email) == (buyer.organization.name, buyer.access.user.email)
    assert customer.metadata
    assert customer.metadata.to_dict() == {"organization": buyer.organization.slug}


def customers_of(buyer: Buyer) -> list[str]:
    """How Stripe calls this organization; each id once."""
    found = buyer.till.client().v1.customers.list({"limit": 100}).data
    mine = {"organization": buyer.organization.slug}
    return [customer.id for customer in found if customer.metadata and customer.metadata.to_dict() == mine]


@with_commits
def test_eight_who_begin_at_once_are_one_customer(till: RunningTill, new_buyer: NewBuyer) -> None:
    """Of two people, whose addresses differ: under one key Stripe takes one request only."""
    buyer = new_buyer()
    accesses = [buyer.access, colleague_of(buyer)]
    pack = a_pack()
    connection.close()
    started = together(8, lambda index: checkout.start(accesses[index % 2], pack))
    assert [one for one in started if isinstance(one, Exception)] == []
    assert Payment.objects.values("session_id").distinct().count() == 8
    assert customers_of(buyer) == [customer_of(buyer)]


@with_commits
def test_without_an_idempotency_key_they_are_several(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    account = credentials.account_of(buyer.organization.shop_id)
    client, all_have_looked = till.client(), threading.Barrier(8)

    def careless(_index: int) -> None:
        is_known = StripeCustomer.objects.filter(organization=buyer.organization).exists()
        connection.close()
        all_have_looked.wait(30)
        if not is_known:
            made = client.v1.customers.create({"metadata": {"organization": buyer.organization.slug}})
            StripeCustomer.objects.get_or_create(
                account=account, organization=buyer.organization, defaults={"customer_id": made.id}
            )

    connection.close()
    assert together(8, careless) == [None] * 8
    assert len(customers_of(buyer)) == 8


def colleague_of(buyer: Buyer) -> Access:
    user = person("colleague@studio.example")
    Membership.objects.create(organization=buyer.organization, user=user, role=Role.BILLING)
    return access_of_user(user)


@in_a_transaction
def test_a_customer_that_was_deleted_at_stripe_is_replaced(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    a_rule(buyer)
    mine = StripeCustomer.objects.filter(organization=buyer.organization)
    ways: list[Callable[[], object]] = [
        buyer.starts,
        lambda: checkout.start_setup(buyer.access),
        lambda: checkout.portal_url(buyer.access),
    ]
    for number, begin in enumerate(ways):
        mine.update(customer_id=f"cus_gone{number}")
        assert begin()
        assert mine.get().number == number + 2
        assert not customer_of(buyer).startswith("cus_gone")
    assert session_of(till, buyer.starts())["customer"] == customer_of(buyer)


@in_a_transaction
def test_two_who_find_the_customer_gone_make_one_other(till: RunningTill, new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    buyer.starts()
    row = StripeCustomer.objects.get(organization=buyer.organization)
    stale = StripeCustomer.objects.get(pk=row.pk)
    first = checkout._replace_customer(row, "").customer_id
    assert checkout._replace_customer(stale, "").customer_id == first
    assert len(customers_of(buyer)) == 2


# --- When it goes wrong ---------------------------------------------------------------------------


@in_a_transaction
@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_lost_answer_makes_one_session_and_loses_none(
    till: RunningTill, new_buyer: NewBuyer, is_known: bool, lost: int
) -> None:
    buyer = new_buyer()
    if is_known:
        buyer.starts()
    till.behave(lose_answers=lost)
    payment = buyer.starts()
    assert sessions_for(till, payment) == [payment.session_id]
    assert customers_of(buyer) == [customer_of(buyer)]
    till.pay(str(payment.session_id))
    assert payments.sync_payment(payment.pk).credited == CREDITS


@in_a_transaction
def test_one_that_is_told_to_slow_down_tries_again(till: RunningTill, new_buyer: NewBuyer) -> None:
    till.behave(rate_limited=2)
    assert new_buyer().starts().session_id


@in_a_transaction
def test_while_stripe_is_away_the_row_does_no_harm_and_is_given_up_after_a_day(
    till: RunningTill, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer()
    buyer.starts()
    till.behave(down=True)
    with pytest.raises(PaymentsAway):
        buyer.starts()
    payment = Payment.objects.order_by("-pk")[0]
    assert (payment.session_id, payment.status) == (None, PaymentStatus.OPEN)
    till.behave(down=False)
    assert payments.sync_payment(payment.pk).status == PaymentStatus.OPEN
    Payment.objects.filter(pk=payment.pk).update(created_at=ago(25 * 3600), sync_due_at=ago(1))
    assert payments.sync_due() == 1
    payment.refresh_from_db()
    assert (payment.status, payment.sync_due_at, payment.credited) == (PaymentStatus.EXPIRED, None, 0)
    assert buyer.wallet() == (0, 0, 0, 0)


@in_a_transaction
@pytest.mark.parametrize("key", ["", "sk_test_of_another"])
def test_without_a_key_that_works_people_hear_that_payments_are_away(
    new_buyer: NewBuyer, settings: Settings, key: str
) -> None:
    buyer = new_buyer()
    settings.STRIPE_SECRET_KEY = key
    with pytest.raises(PaymentsAway):
        buyer.starts()
    with pytest.raises(PaymentsAway):
        checkout.portal_url(buyer.access)
    with pytest.raises(PaymentsAway):
        a_wish(buyer)


# --- Idempotency keys -----------------------------------------------------------------------------


@in_a_transaction
def test_every_post_bears_a_key_that_derives_from_our_ids(till: RunningTill, new_buyer: NewBuyer) -> None:
    before = len(till.log())
    buyer = new_buyer()
    payment = buyer.buys()
    refund = refunds.refund(payment.pk, 300, actor="staff:1")
    setup = a_wish(buyer, threshold=5000)
    rule = AutoTopUp.objects.get()
    till.pay(setup)
    checkout.card_was_saved(buyer.organization, setup)
    sweep()
    pass_pause(rule)
    till.use_card(customer_of(buyer), "declines_later")
    sweep()
    checkout.portal_url(buyer.access)
    nonce, customer = payment.account.nonce, customer_of(buyer)
    paid, declined = Payment.objects.filter(kind="automatic").order_by("pk")
    keys = [asked["idempotency_key"] for asked in till.log()[before:] if asked["method"] == "POST"]
    assert keys[:-1] == [
        f"customer:{nonce}:{buyer.organization.pk}:1",
        f"name:{customer}",
        f"checkout:{payment.public_id}:{customer}",
        refund.key,
        f"setup:{nonce}:{rule.pk}:1:{rule.armed_at:%Y%m%d%H%M%S%f}:{customer}",
        f"automatic:{paid.public_id}",
        f"automatic:{declined.public_id}",
        f"cancel:{declined.payment_intent_id}",
    ]
    assert keys[-1].startswith(f"portal:{customer}:")
    assert len(set(keys)) == len(keys)


@in_a_transaction
def test_a_wish_for_a_saved_card_has_one_page(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    first = a_wish(buyer)
    assert setup_page(buyer) == first
    assert a_wish(buyer) != first


@in_a_transaction
def test_each_visit_of_the_portal_is_its_own(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    assert checkout.portal_url(buyer.access) != checkout.portal_url(buyer.access)


@in_a_transaction
def test_a_receipt_is_stripes_own(new_buyer: NewBuyer) -> None:
    buyer = new_buyer()
    assert stripe_gateway.selling.receipt_url(buyer.starts()) == ""
    payment = buyer.buys()
    assert stripe_gateway.selling.receipt_url(payment).startswith(buyer.till.base_url)
