"""A shop that is suspended, that closes, or loses its key: no page of Stripe takes money any more, what was paid is
credited, what was promised is given back or owed, and nothing is lost.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from pytest_django import Settings

from accounts import shop_closing, shop_standing, shops
from accounts.errors import NotFound, ShopSuspended
from accounts.models import AuditAction, AuditEvent, Shop
from billing import closing, connecting, payments, refunds, stripe_events, stripe_gateway, unfinished
from billing.models import LedgerEntry, Payment, PaymentStatus, Refund, StripeEvent
from config import shop_end
from tests.accounts.shops.steps import run
from tests.billing.stripe.buying import CREDITS, PRICE, Buyer, a_buyer, arrives, entries_of
from tests.billing.stripe.shops import with_its_till_as_stripe, with_key
from tests.makers import a_payment, ago, books_are_right
from tests.several import a_shop, browser_at
from tests.till import RunningTill, TillError

pytestmark = pytest.mark.django_db
PATH = "/webhooks/stripe"
REASON = "paid by bank transfer"
Pause = Callable[[Shop], bool]
PAUSES = pytest.mark.parametrize("pause", [shop_standing.suspend, shop_closing.begin])


@pytest.fixture
def buyer(till: RunningTill, settings: Settings, any_db: None) -> Buyer:
    """At a shop with a key of its own, which is not the first."""
    settings.TILL = False
    shop = a_shop("Plates").shop
    its_till = till.of_shop(shop.pk)
    its_till.behave(reset=True)
    with_its_till_as_stripe(till, shop)
    return a_buyer(its_till, shop)


def stands_still(shop: Shop, pause: Pause = shop_standing.suspend) -> None:
    assert pause(shop)
    shops.forget()


def of_pack(number: int, buyer: Buyer) -> Payment:
    return buyer.starts(CREDITS + number, PRICE)


def status_of(payment: Payment) -> str:
    payment.refresh_from_db()
    return payment.status


def close(shop: Shop, folder: Path, *more: str) -> tuple[int, str]:
    found = run("close_shop", shop.slug, "--export", str(folder), "--now", "--wait", "0", *more)
    shops.forget()
    return found


# --- Suspended ------------------------------------------------------------------------------------


@PAUSES
def test_pages_that_are_open_take_no_money_any_more_and_what_was_paid_is_credited(
    buyer: Buyer, pause: Pause
) -> None:
    paid, left, by_bank = (of_pack(number, buyer) for number in range(3))
    stands_still(buyer.organization.shop, pause)
    # Faster than the sweep.
    buyer.till.pay(str(paid.session_id))
    buyer.till.pay_by_bank(str(by_bank.session_id))
    assert payments.sync_due() == 3
    assert status_of(left) == PaymentStatus.EXPIRED
    with pytest.raises(TillError):
        buyer.till.pay(str(left.session_id))
    assert status_of(paid) == PaymentStatus.PAID
    assert buyer.wallet()[0] == CREDITS
    buyer.till.bank_arrives(str(by_bank.session_id))
    payments.sync_payment(by_bank.pk)
    assert buyer.wallet()[0] == 2 * CREDITS + 2
    with pytest.raises(NotFound):
        buyer.starts()
    assert books_are_right()


def test_what_was_paid_there_can_be_given_back(buyer: Buyer) -> None:
    bought = buyer.buys()
    stands_still(buyer.organization.shop)
    assert refunds.refund(bought.pk, PRICE, actor="system").refund_id
    assert buyer.wallet()[0] == 0


def test_a_page_that_is_made_at_this_moment_is_shown_to_nobody(
    buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = stripe_gateway.selling.create_checkout

    def slowly(*args: Any) -> Any:
        opened = create(*args)
        assert shop_standing.suspend(buyer.organization.shop)
        return opened

    monkeypatch.setattr(stripe_gateway.selling, "create_checkout", slowly)
    with pytest.raises(ShopSuspended):
        buyer.starts()
    payment = Payment.objects.get()
    assert payment.session_id
    # Not by what this process read a moment ago.
    assert payments.sync_due() == 1
    assert status_of(payment) == PaymentStatus.EXPIRED


def test_a_purchase_that_the_suspending_statement_did_not_see_is_looked_at_all_the_same(
    buyer: Buyer, django_capture_on_commit_callbacks: Any
) -> None:
    payment = buyer.starts()
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        assert shop_standing.suspend(buyer.organization.shop)
        # As if it had been written, and committed, after that statement had begun.
        Payment.objects.filter(pk=payment.pk).update(sync_due_at=ago(-3600))
    assert payments.sync_due() == 1
    assert status_of(payment) == PaymentStatus.EXPIRED


def test_pages_of_other_shops_stay_open(buyer: Buyer, till: RunningTill) -> None:
    other = a_buyer(till)
    payment = other.starts()
    stands_still(buyer.organization.shop)
    Payment.objects.update(sync_due_at=ago(1))
    assert payments.sync_due() == 1
    assert status_of(payment) == PaymentStatus.OPEN
    till.pay(str(payment.session_id))


# --- The key --------------------------------------------------------------------------------------


def test_a_key_is_not_taken_away_while_something_needs_it(buyer: Buyer) -> None:
    shop = buyer.organization.shop
    bought, left = buyer.buys(), of_pack(1, buyer)
    buyer.till.behave(down=True)
    assert not refunds.refund(bought.pk, 500, actor="system").refund_id
    buyer.till.behave(reset=True)
    with pytest.raises(ValidationError) as refused:
        connecting.disconnect(shop)
    for words in ("1 purchase is not decided yet", "1 refund was promised and is not given yet"):
        assert words in str(refused.value)
    assert connecting.connected(shop.pk) is not None
    # Whoever does it even so, and enters one of the same account again, has lost nothing.
    assert connecting.disconnect(shop, even_so=True)
    buyer.till.pay(str(left.session_id))
    Payment.objects.update(sync_due_at=ago(1))
    Refund.objects.update(due_at=ago(1))
    assert (payments.sync_due(), refunds.carry_out_due()) == (0, 0)
    with_its_till_as_stripe(buyer.till, shop)
    payments.sync_due()
    assert refunds.carry_out_due() == 1
    assert buyer.wallet()[0] == CREDITS + 1 + CREDITS * 3 // 4
    assert connecting.disconnect(shop), "Nothing needs it now"
    assert books_are_right()


def test_from_live_to_test_likewise(buyer: Buyer, settings: Settings) -> None:
    settings.DEMO = False
    shop = buyer.organization.shop
    connecting.disconnect(shop)
    account = with_key(shop, "sk_live_of_nobody")
    payment = a_payment(buyer.organization, livemode=True, session_id="cs_live_1")
    Payment.objects.filter(pk=payment.pk).update(account=account)
    with pytest.raises(ValidationError, match="1 purchase is not decided yet"):
        with_key(shop, "sk_test_of_nobody")
    Payment.objects.filter(pk=payment.pk).update(status=PaymentStatus.EXPIRED)
    assert not with_key(shop, "sk_test_of_nobody").livemode


# --- A key that is refused for good -----------------------------------------------------------------


@pytest.fixture
def promised(buyer: Buyer) -> Refund:
    """Money that was promised before the shop's key stopped to work."""
    bought = buyer.buys()
    with_key(buyer.organization.shop)
    row = refunds.refund(bought.pk, 500, actor="system")
    assert (row.refund_id, row.refusal) == (None, "")
    return row


def test_a_refund_that_stripe_never_takes_is_owed_once_somebody_says_so(
    promised: Refund, buyer: Buyer
) -> None:
    assert refunds.end_by_hand(promised, actor="staff:1", reason=REASON)
    promised.refresh_from_db()
    assert (promised.due_at, promised.refusal) == (None, "Owed: Stripe cannot be asked for it any more.")
    event = AuditEvent.objects.get(action=AuditAction.PAYMENT_SETTLED)
    assert (event.subject, event.details["owed_minor"]) == (promised.payment.public_id, 500)
    assert event.origin.note == REASON
    with pytest.raises(ValidationError):
        refunds.end_by_hand(promised, actor="staff:1", reason=REASON)
    # It can be promised anew, with a key that works.
    with_its_till_as_stripe(buyer.till, buyer.organization.shop)
    assert refunds.carry_out_due() == 0
    assert refunds.refund(promised.payment_id, PRICE, actor="system").refund_id
    assert buyer.wallet()[0] == 0
    assert books_are_right()


def test_one_that_stripe_takes_after_all_is_owed_to_nobody(promised: Refund, buyer: Buyer) -> None:
    with_its_till_as_stripe(buyer.till, buyer.organization.shop)
    buyer.till.behave(down=True)
    with pytest.raises(ValidationError, match="does not answer at the moment"):
        refunds.end_by_hand(promised, actor="staff:1", reason=REASON)
    buyer.till.behave(reset=True)
    assert not refunds.end_by_hand(promised, actor="staff:1", reason=REASON)
    promised.refresh_from_db()
    assert promised.refund_id
    assert promised.refusal == ""
    assert not AuditEvent.objects.filter(action=AuditAction.PAYMENT_SETTLED).exists()


def test_one_that_stripe_took_and_nobody_saw_arrive_is_owed_to_nobody_either(
    promised: Refund, buyer: Buyer
) -> None:
    with_its_till_as_stripe(buyer.till, buyer.organization.shop)
    refund_id = stripe_gateway.charging.refund(promised)
    with_key(buyer.organization.shop)
    Refund.objects.filter(pk=promised.pk).update(refund_id=refund_id)
    assert refunds.end_by_hand(promised, actor="staff:1", reason=REASON)
    promised.refresh_from_db()
    assert (promised.due_at, promised.refusal) == (None, "")
    assert AuditEvent.objects.get(action=AuditAction.PAYMENT_SETTLED).details["owed_minor"] == 0


def test_one_that_a_sweep_takes_up_at_this_moment_is_not_ended(
    promised: Refund, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(row: Refund, **_how: Any) -> bool:
        Refund.objects.filter(pk=row.pk).update(tries=row.tries + 1)
        return False

    monkeypatch.setattr(refunds, "carry_out", meanwhile)
    with pytest.raises(ValidationError, match="at this moment"):
        refunds.end_by_hand(promised, actor="staff:1", reason=REASON)


def test_a_shop_closes_with_what_it_owes_on_record(promised: Refund, buyer: Buyer, tmp_path: Path) -> None:
    shop = buyer.organization.shop
    code, said = close(shop, tmp_path)
    assert code == 1
    slug = buyer.organization.slug
    assert f"Promised and not given back: $5.00 of {promised.payment.public_id} to {slug}." in said
    assert "--owe REASON" in said
    code, said = close(shop, tmp_path, "--owe", REASON)
    assert code == 0, said
    assert f"$5.00 of {promised.payment.public_id} is owed to {slug}" in said
    promised.refresh_from_db()
    assert promised.refusal.startswith("Owed: ")
    assert Shop.objects.get(pk=shop.pk).closed_at is not None
    event = AuditEvent.objects.get(action=AuditAction.PAYMENT_SETTLED)
    assert (event.shop_id, event.details["owed_minor"], event.details["currency"]) == (shop.pk, 500, "usd")
    assert books_are_right()


def test_a_purchase_that_nobody_can_look_at_any_more_does_not_keep_a_shop_open(
    buyer: Buyer, tmp_path: Path
) -> None:
    shop, payment = buyer.organization.shop, buyer.starts()
    unseen = buyer.starts(700, 700)
    Payment.objects.filter(pk=unseen.pk).update(session_id=None, created_at=ago(180))
    with_key(shop)
    code, said = close(shop, tmp_path, "--owe", REASON)
    assert (code, f"Not decided at Stripe: {payment.public_id}" in said) == (1, True), "It can still be paid"
    Payment.objects.filter(pk=payment.pk).update(created_at=ago(25 * 3600))
    code, said = close(shop, tmp_path, "--owe", REASON)
    assert code == 0, said
    assert f"{payment.public_id} of " in said
    assert (status_of(payment), status_of(unseen)) == (PaymentStatus.SETTLED, PaymentStatus.EXPIRED)
    assert books_are_right()


def test_a_shop_with_a_key_that_works_closes_its_pages_and_gives_back_by_itself(
    buyer: Buyer, tmp_path: Path
) -> None:
    shop, bought = buyer.organization.shop, buyer.buys()
    paid, left = of_pack(1, buyer), of_pack(2, buyer)
    buyer.till.pay(str(paid.session_id))
    buyer.till.behave(down=True)
    assert not refunds.refund(bought.pk, 500, actor="system").refund_id
    buyer.till.behave(reset=True)
    code, said = close(shop, tmp_path, "--owe", REASON)
    assert code == 0, said
    row = Refund.objects.get()
    assert row.refund_id
    assert row.refusal == ""
    assert "owed" not in said
    assert (status_of(paid), status_of(left)) == (PaymentStatus.PAID, PaymentStatus.EXPIRED)
    assert entries_of(paid) == 1
    assert LedgerEntry.objects.filter(reference=f"closing:{buyer.organization.pk}").exists()
    assert not unfinished.words(shop)
    assert books_are_right()


def test_what_is_promised_while_the_shop_closes_is_given_before_its_key_goes(
    buyer: Buyer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, bought = buyer.organization.shop, buyer.buys()
    [event] = buyer.till.events("checkout.session.completed")
    arrives(event, shop)
    look = shop_end._let_refunds_end

    def too_early(found: Shop) -> None:
        look(found)
        refunds.order(bought.pk, 500, actor="system")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(shop_end, "_let_refunds_end", too_early)
        code, said = close(shop, tmp_path)
    assert (code, "A refund was promised at this moment" in said) == (1, True), said
    assert connecting.connected(shop.pk) is not None
    code, said = close(shop, tmp_path)
    assert code == 0, said
    row = Refund.objects.get()
    assert (bool(row.refund_id), row.due_at) == (True, None)
    with pytest.raises(ValidationError, match="This shop is closed"):
        refunds.order(bought.pk, 500, actor="system")
    with pytest.raises(ValidationError, match="This shop is closed"):
        with_its_till_as_stripe(buyer.till, shop)
    assert connecting.connected(shop.pk) is None
    assert not StripeEvent.objects.filter(processed_at=None).exists(), "Nobody could ever look at it"
    assert books_are_right()


def test_a_key_of_another_account_that_is_entered_in_between_loses_nothing(buyer: Buyer) -> None:
    shop, bought = buyer.organization.shop, buyer.buys()
    payment = of_pack(1, buyer)
    buyer.till.pay(str(payment.session_id))
    [event] = [
        one
        for one in buyer.till.events("checkout.session.completed")
        if one["data"]["object"]["id"] == payment.session_id
    ]
    stranger = buyer.till.of_shop(987_654)
    connecting.connect(shop, key=stranger.secret_key, signers=stranger.webhook_secret)
    body, headers = stranger.signed(event)
    told = browser_at(shop).post(PATH, body, content_type="application/json", headers=headers)
    assert told.status_code == 200
    for _ in range(payments.REFUSALS_TOLERATED + 1):
        stripe_events.process_due()
        Payment.objects.filter(pk=payment.pk).update(sync_due_at=ago(1))
        payments.sync_due()
    payment.refresh_from_db()
    assert (payment.status, payment.problem) == (PaymentStatus.OPEN, "Stripe does not let us look at it.")
    assert refunds.refund(bought.pk, 500, actor="system").refusal
    assert buyer.wallet()[0] == CREDITS
    with_its_till_as_stripe(buyer.till, shop)
    assert payments.sync_due() >= 1
    assert (status_of(payment), payment.problem) == (PaymentStatus.PAID, "")
    assert refunds.refund(bought.pk, 500, actor="system").refund_id
    assert buyer.wallet()[0] == CREDITS + 1 + CREDITS * 3 // 4
    assert books_are_right()


def test_what_waits_for_a_key_goes_on_at_once_when_one_is_entered(buyer: Buyer) -> None:
    shop, bought = buyer.organization.shop, buyer.buys()
    connecting.disconnect(shop)
    row = refunds.refund(bought.pk, 500, actor="system")
    assert (row.refund_id, row.refusal) == (None, ""), "It waits for one"
    Refund.objects.filter(pk=row.pk).update(due_at=ago(-3600))
    with_its_till_as_stripe(buyer.till, shop)
    assert refunds.carry_out_due() == 1
    assert buyer.wallet()[0] == CREDITS * 3 // 4


# --- What was only tried --------------------------------------------------------------------------


def test_what_was_tried_before_a_shop_went_live_does_not_keep_it_open(
    buyer: Buyer, settings: Settings, tmp_path: Path
) -> None:
    settings.DEMO = False
    shop, bought, left = buyer.organization.shop, buyer.buys(), of_pack(1, buyer)
    buyer.till.behave(down=True)
    row = refunds.refund(bought.pk, 500, actor="system")
    with_key(shop, "sk_live_of_nobody")
    code, said = close(shop, tmp_path)
    assert code == 0, said
    assert status_of(left) == PaymentStatus.EXPIRED
    row.refresh_from_db()
    assert (row.due_at, row.refusal) == (None, "It was of Stripe's test mode: no money is owed.")
    assert not AuditEvent.objects.filter(action=AuditAction.PAYMENT_SETTLED).exists()
    assert Shop.objects.get(pk=shop.pk).closed_at is not None
    assert books_are_right()


def test_what_was_tried_keeps_no_customer_either_and_is_heard_of_once_the_test_key_is_back(
    buyer: Buyer, settings: Settings
) -> None:
    settings.DEMO = False
    shop, payment = buyer.organization.shop, buyer.starts()
    assert not closing.end_purchases(buyer.organization), "It can be looked at, and paid"
    connecting.disconnect(shop, even_so=True)
    assert not closing.end_purchases(buyer.organization), "Its key may come back"
    with_key(shop, "sk_live_of_nobody")
    assert closing.end_purchases(buyer.organization)
    assert status_of(payment) == PaymentStatus.EXPIRED
    buyer.till.pay(str(payment.session_id))
    with_its_till_as_stripe(buyer.till, shop)
    [event] = buyer.till.events("checkout.session.completed")
    arrives(event, shop)
    assert stripe_events.process_due() == 1
    assert (status_of(payment), buyer.wallet()[0]) == (PaymentStatus.PAID, CREDITS)
    assert books_are_right()
