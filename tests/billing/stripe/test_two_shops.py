"""Shops have tills of their own: what is bought at one is seen, credited and given back there alone."""

import pytest
import stripe
from django.db import IntegrityError, transaction
from pytest_django import Settings

from accounts.models import OperatorAlert, Shop
from billing import automatic, payments, reconciling, refunds, stripe_events, vouchers
from billing.errors import VoucherAlreadyUsed, VoucherUsedUp
from billing.models import (
    AutoTopUp,
    Payment,
    PaymentStatus,
    Refund,
    StripeAccount,
    StripeEvent,
    Voucher,
)
from billing.rounds import Round
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import KeyRefused, StripeAway, StripeRefused
from config import pricing
from generations import lifecycle
from tests.billing.stripe.buying import (
    CREDITS,
    MICROS,
    PRICE,
    Buyer,
    a_buyer,
    a_pack,
    arrives,
    entries_of,
    events_about,
    intent_of,
)
from tests.billing.stripe.shops import with_its_till_as_stripe, with_key
from tests.billing.stripe.topping_up import a_rule, sweep
from tests.makers import a_request, ago, an_access, books_are_right
from tests.pages import browser_of, text_of
from tests.several import a_shop, browser_at
from tests.threads import together
from tests.till import Object, RunningTill

in_a_transaction = pytest.mark.django_db
PATH = "/webhooks/stripe"
TwoBuyers = tuple[Buyer, Buyer]


@pytest.fixture
def two(till: RunningTill, any_db: None) -> TwoBuyers:
    """A customer of the first shop, and one of Plates; each with the till of their shop."""
    plates = a_shop("Plates").shop
    its_till = till.of_shop(plates.pk)
    its_till.behave(reset=True)
    return a_buyer(till), a_buyer(its_till, plates)


@pytest.fixture
def broken(till: RunningTill, two: TwoBuyers, settings: Settings) -> TwoBuyers:
    """The same, but the second shop has a key that Stripe does not take any more."""
    settings.TILL = False
    first, second = two
    with_its_till_as_stripe(till, second.organization.shop)
    return first, second


def lose_the_key(shop: Shop) -> None:
    with_key(shop)


def deliver(event: Object, till: RunningTill, shop: Shop | None = None) -> int:
    """As this till signs it, at the shop's own host; the first one's when none is named."""
    body, headers = till.signed(event)
    client = browser_of() if shop is None else browser_at(shop)
    answer = client.post(PATH, body, content_type="application/json", headers=headers)
    return int(answer.status_code)


# --- Buying ---------------------------------------------------------------------------------------


@in_a_transaction
def test_a_purchase_at_each_is_credited_once_in_its_own_ledger(two: TwoBuyers) -> None:
    bought = [buyer.buys() for buyer in two]
    for _ in range(2):
        reconciling.reconcile()
    assert [buyer.wallet() for buyer in two] == [(CREDITS, 0, 0, MICROS)] * 2
    assert [entries_of(payment) for payment in bought] == [1, 1]
    accounts = [payment.account for payment in bought]
    assert [account.shop_id for account in accounts] == [buyer.organization.shop_id for buyer in two]
    for event in StripeEvent.objects.select_related("payment"):
        assert event.payment is not None
        assert event.account_id == event.payment.account_id
    assert books_are_right()


@in_a_transaction
def test_what_one_shop_sold_the_other_one_s_key_does_not_see(two: TwoBuyers) -> None:
    first, second = two
    payment = second.buys()
    for name, thing in (("checkout", str(payment.session_id)), ("payment_intents", intent_of(payment))):
        client = first.till.client(max_network_retries=0).v1
        look = client.checkout.sessions if name == "checkout" else client.payment_intents
        with pytest.raises(stripe.InvalidRequestError, match="No such"):
            look.retrieve(thing)
    assert first.till.client().v1.customers.list().data == []
    assert events_about(second.till, payment)
    assert not {event["id"] for event in first.till.events()} & {
        event["id"] for event in second.till.events()
    }


@in_a_transaction
def test_the_page_where_people_pay_bears_the_shop_s_name_and_leads_back_to_it(two: TwoBuyers) -> None:
    _first, second = two
    payment = second.starts()
    session = second.till.client().v1.checkout.sessions.retrieve(str(payment.session_id))
    assert session.branding_settings is not None
    assert session.branding_settings.display_name == "Plates"
    for url in (session.success_url, session.cancel_url):
        assert str(url).startswith("http://plates.example:")
    intent = second.till.client().v1.payment_intents.retrieve(intent_of(second.buys()))
    assert str(intent.description).startswith("Plates: ")


@in_a_transaction
def test_pages_of_a_shop_speak_of_its_own_till(two: TwoBuyers, settings: Settings) -> None:
    _first, second = two
    shop = second.organization.shop
    a_pack(shop=shop)
    client = browser_at(shop, second.access.user)
    assert "a till that moves no money" in text_of(client.get("/credits/"))
    settings.TILL = False
    page = text_of(client.get("/credits/"))
    assert "a till that moves no money" not in page
    assert "Buy for" not in page, "Without a key nobody can buy there"
    by_itself = "let a pack be bought by itself"
    pricing.paid_at.forget()  # else for a second
    assert by_itself not in text_of(client.get("/pricing/"))
    assert by_itself in text_of(browser_of().get("/pricing/"))
    sold = {"pack": str(a_pack(shop=shop).pk), "for": second.organization.slug}
    assert client.post("/credits/buy/", sold).status_code == 404
    with_key(shop)
    assert "Buy for $20.00" in text_of(client.get("/credits/"))
    pricing.paid_at.forget()
    assert by_itself in text_of(client.get("/pricing/"))


# --- What Stripe tells ------------------------------------------------------------------------------


@in_a_transaction
def test_events_crossed_between_shops_are_refused(two: TwoBuyers) -> None:
    first, second = two
    shop = second.organization.shop
    payment = second.starts()
    second.till.pay(str(payment.session_id))
    [event] = second.till.events("checkout.session.completed")
    assert deliver(event, second.till) == 400, "Signed by Plates, brought to the first shop"
    assert deliver(event, first.till, shop) == 400, "Signed by the first shop, brought to Plates"
    assert not StripeEvent.objects.exists()
    assert deliver(event, second.till, shop) == 200
    assert stripe_events.process_due() == 1
    assert (second.wallet()[0], first.wallet()[0]) == (CREDITS, 0)
    # Even if somebody could sign for the other shop: it finds no payment there.
    assert deliver(event, first.till) == 200
    assert stripe_events.process_due() == 1
    assert StripeEvent.objects.get(account__shop=first.organization.shop).payment is None
    assert (second.wallet()[0], first.wallet()[0]) == (CREDITS, 0)


@in_a_transaction
@pytest.mark.parametrize("kind", ["checkout.session.completed", "payment_intent.succeeded"])
def test_a_shop_cannot_take_the_ids_of_another_one_s_purchase(two: TwoBuyers, kind: str) -> None:
    """It can sign what it likes, since its webhook secret was entered by its staff."""
    first, second = two
    paid = first.starts()
    first.till.pay(str(paid.session_id))
    [event] = first.till.events(kind)
    Payment.objects.filter(pk=paid.pk).update(session_id=None)
    own = second.starts()
    Payment.objects.filter(pk=own.pk).update(session_id=None)
    event["data"]["object"]["metadata"] = {"payment": own.public_id}
    assert deliver(event, second.till, second.organization.shop) == 200
    stripe_events.process_due()
    own.refresh_from_db()
    assert (own.session_id, own.payment_intent_id) == (None, None)
    Payment.objects.filter(pk=paid.pk).update(session_id=paid.session_id, sync_due_at=ago(1))
    assert payments.sync_due() == 1
    assert (first.wallet()[0], second.wallet()[0]) == (CREDITS, 0)


@in_a_transaction
def test_a_shop_without_a_key_takes_no_events(two: TwoBuyers, settings: Settings) -> None:
    first, second = two
    first.buys()
    [event] = first.till.events("checkout.session.completed")
    settings.TILL = False
    for till in (first.till, second.till):
        assert deliver(event, till, second.organization.shop) == 400
    assert not StripeEvent.objects.exists()


# --- One key that is refused ------------------------------------------------------------------------


@in_a_transaction
def test_a_key_that_is_refused_disturbs_only_its_own_shop(broken: TwoBuyers) -> None:
    first, second = broken
    shop = second.organization.shop
    started = {}
    for buyer in (second, first):  # the broken one's is due before the other
        bought = buyer.buys()
        refunds.order(bought.pk, PRICE // 2, actor="system")
        started[buyer] = buyer.starts()
        buyer.till.pay(str(started[buyer].session_id))
        [event] = [
            one
            for one in buyer.till.events("checkout.session.completed")
            if one["data"]["object"]["id"] == started[buyer].session_id
        ]
        arrives(event, buyer.organization.shop)
    lose_the_key(shop)
    Payment.objects.filter(pk__in=[payment.pk for payment in started.values()]).update(sync_due_at=ago(1))
    StripeEvent.objects.update(due_at=ago(1))
    assert stripe_events.process_due() == 2
    payments.sync_due()
    assert first.wallet()[0] == 2 * CREDITS
    assert second.wallet()[0] == CREDITS
    Refund.objects.update(due_at=ago(1))
    assert refunds.carry_out_due() == 1
    assert first.wallet()[0] == CREDITS * 3 // 2
    with pytest.raises(KeyRefused):
        reconciling.reconcile()
    until = dict(StripeAccount.objects.values_list("shop", "events_until"))
    assert until[shop.pk] is None
    assert until[first.organization.shop_id] is not None
    assert set(OperatorAlert.objects.values_list("shop", flat=True)) <= {shop.pk}
    # And with the key it had before, all of it is made up for.
    with_its_till_as_stripe(second.till, shop)
    Payment.objects.update(sync_due_at=ago(1))
    StripeEvent.objects.update(due_at=ago(1))
    Refund.objects.filter(due_at__isnull=False).update(due_at=ago(1))
    reconciling.reconcile()
    refunds.carry_out_due()
    assert second.wallet()[0] == CREDITS * 3 // 2
    assert books_are_right()


@in_a_transaction
def test_automatic_top_ups_wait_only_where_the_key_is_refused(broken: TwoBuyers) -> None:
    first, second = broken
    for buyer in (second, first):
        a_rule(buyer)
    lose_the_key(second.organization.shop)
    assert sweep() == 1
    assert (first.wallet()[0], second.wallet()[0]) == (CREDITS, 0)
    assert AutoTopUp.objects.filter(is_on=True).count() == 2
    with_its_till_as_stripe(second.till, second.organization.shop)
    assert sweep() == 1
    assert second.wallet()[0] == CREDITS


@in_a_transaction
def test_a_thousand_due_rows_of_a_broken_shop_keep_no_other_waiting(
    broken: TwoBuyers, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = broken
    monkeypatch.setattr(payments, "AT_ONCE", 2)
    theirs = [second.starts(), second.starts(700, 700), second.starts(800, 800)]
    mine = first.starts()
    first.till.pay(str(mine.session_id))
    lose_the_key(second.organization.shop)
    Payment.objects.filter(pk__in=[payment.pk for payment in theirs]).update(sync_due_at=ago(100))
    Payment.objects.filter(pk=mine.pk).update(sync_due_at=ago(1))
    asked = len(first.till.log())
    assert payments.sync_due() == 1
    assert first.wallet()[0] == CREDITS
    refused = [one for one in first.till.log()[asked:] if one["status"] == 401]
    assert len(refused) == 1, "The others of that shop would be refused as well"


@in_a_transaction
def test_a_sweep_ends_when_it_is_stripe_that_is_away(two: TwoBuyers) -> None:
    round_ = Round()
    for number in range(3):
        assert not round_.is_over()
        round_.cannot_ask(number, StripeAway("no answer"))
    assert round_.is_over()
    assert list(round_.rows(Payment.objects.all(), 10)) == []


@in_a_transaction
def test_what_belongs_to_a_mode_or_key_that_is_gone_is_not_asked_for(broken: TwoBuyers) -> None:
    _first, second = broken
    payment = second.starts()
    Payment.objects.filter(pk=payment.pk).update(sync_due_at=ago(1))
    StripeAccount.objects.filter(pk=payment.account_id).update(
        sealed_key="", sealed_webhook_secrets="", key_digest=None
    )
    before = len(second.till.log())
    assert payments.sync_due() == 0
    with pytest.raises(StripeRefused, match="No Stripe key is set"):
        payments.sync_payment(payment.pk)
    assert len(second.till.log()) == before
    payment.refresh_from_db()
    assert (payment.status, payment.problem) == (PaymentStatus.OPEN, "")


@in_a_transaction
def test_keys_stand_in_no_text_that_python_shows(two: TwoBuyers) -> None:
    found = credentials.of_shop(two[1].organization.shop_id)
    assert found is not None
    assert found.key not in repr(found)
    assert all(secret not in repr(found) for secret in found.webhook_secrets)


# --- Races ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed_db")
def test_events_of_two_shops_that_come_three_times_at_once_credit_once_each(two: TwoBuyers) -> None:
    told = []
    for buyer in two:
        payment = buyer.starts()
        buyer.till.pay(str(payment.session_id))
        [event] = buyer.till.events("checkout.session.completed")
        shop = buyer.organization.shop
        told.append((event, buyer.till, None if buyer is two[0] else shop))
    outcomes = together(6, lambda index: deliver(*told[index % 2]))
    assert outcomes == [200] * 6
    assert StripeEvent.objects.count() == 2
    done = together(4, lambda _: stripe_events.process_due())
    assert not [one for one in done if isinstance(one, Exception)]
    reconciling.reconcile()
    assert [buyer.wallet()[0] for buyer in two] == [CREDITS, CREDITS]
    assert books_are_right()


@pytest.mark.usefixtures("committed_db")
def test_sweeps_at_once_buy_once_at_each_shop(two: TwoBuyers) -> None:
    rules = [a_rule(buyer) for buyer in two]
    AutoTopUp.objects.update(due_at=ago(1))
    outcomes = together(6, lambda _: automatic.top_up_all())
    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert [buyer.wallet()[0] for buyer in two] == [CREDITS, CREDITS]
    assert [Payment.objects.filter(organization=rule.organization).count() for rule in rules] == [1, 1]
    assert books_are_right()


@pytest.mark.usefixtures("committed_db")
def test_all_at_once_at_two_shops_changes_nothing_at_the_other(two: TwoBuyers) -> None:
    """Orders, one voucher's code at both, what was bought, and what is given back; by one person who is a customer of
    both.
    """
    bought, told = [], []
    for buyer in two:
        shop = buyer.organization.shop
        bought.append(buyer.buys())
        Voucher.objects.create(shop=shop, code="SPRING", credits=100, total_limit=1)
        payment = buyer.starts(700, 700)
        buyer.till.pay(str(payment.session_id))
        event = buyer.till.events("checkout.session.completed")[-1]
        told.append((event, buyer.till, None if buyer is two[0] else shop))
    user = two[0].access.user
    assert user is not None

    def happens(index: int) -> object:
        which, deed = index % 2, index // 2
        buyer = two[which]
        match deed % 4:
            case 0:
                return vouchers.redeem(buyer.organization, user, "SPRING")
            case 1:
                assert deliver(*told[which]) == 200
                return stripe_events.process_due()
            case 2:
                return lifecycle.submit(an_access(buyer.organization), a_request(), endpoint="test").pk
            case _:
                return refunds.refund(bought[which].pk, PRICE // 4, actor="system").pk

    outcomes = together(16, happens)
    failed = [one for one in outcomes if isinstance(one, Exception)]
    assert {type(one) for one in failed} <= {VoucherUsedUp, VoucherAlreadyUsed}
    assert len(failed) == 2, failed
    reconciling.reconcile()
    refunds.carry_out_due()
    price = 15
    assert [buyer.wallet()[:2] for buyer in two] == [(CREDITS // 2 + 700 + 100 - 2 * price, 2 * price)] * 2
    assert books_are_right()


# --- Ids that another account has as well -----------------------------------------------------------


@in_a_transaction
@pytest.mark.parametrize("field", ["session_id", "payment_intent_id"])
def test_an_id_that_another_account_has_as_well_keeps_nobody_from_their_credits(
    two: TwoBuyers, field: str
) -> None:
    """Stripe says that its ids are unique, not that they are so over all accounts, or in both modes of one."""
    first, second = two
    other, mine = second.starts(), first.starts()
    first.till.pay(str(mine.session_id))
    theirs = first.till.client().v1.checkout.sessions.retrieve(str(mine.session_id))
    known = {"session_id": theirs.id, "payment_intent_id": str(theirs.payment_intent)}
    Payment.objects.filter(pk=other.pk).update(**{field: known[field]})
    Payment.objects.filter(pk=mine.pk).update(session_id=None)
    [event] = first.till.events("checkout.session.completed")
    for _ in range(2):
        arrives(event)
        StripeEvent.objects.update(processed_at=None, due_at=ago(1))
        stripe_events.process_due()
        payments.sync_payment(mine.pk)
    mine.refresh_from_db()
    assert {name: getattr(mine, name) for name in known} == known
    assert (first.wallet()[0], second.wallet()[0], entries_of(mine)) == (CREDITS, 0, 1)
    back = refunds.refund(mine.pk, PRICE, actor="system")
    assert back.refund_id
    assert first.wallet()[0] == 0
    assert books_are_right()


@in_a_transaction
def test_within_an_account_an_id_is_of_one_purchase(two: TwoBuyers) -> None:
    first, _second = two
    one, other = first.starts(), first.starts(700, 700)
    for field, value in (("session_id", str(one.session_id)), ("payment_intent_id", "pi_1")):
        Payment.objects.filter(pk=one.pk).update(**{field: value})
        with pytest.raises(IntegrityError), transaction.atomic():
            Payment.objects.filter(pk=other.pk).update(**{field: value})
