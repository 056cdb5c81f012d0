"""Automatic top-ups in the tests: a rule with a saved card, time that passes in rows, what Stripe and people saw."""

import datetime
from typing import Any

from django.db.models import F

from accounts.models import QueuedMail
from accounts.names import isolated
from billing import automatic, automatic_limits, automatic_rules, checkout
from billing.checkout import Saved
from billing.models import AutoTopUp, CreditPack, Payment, PaymentKind, StripeCustomer
from tests.billing.stripe.buying import PRICE, Buyer, a_pack
from tests.makers import ago


def a_wish(buyer: Buyer, *, threshold: int = 500, pack: CreditPack | None = None) -> str:
    """For what is to be on once a card is saved; the session of the page that saves one."""
    pack = pack or a_pack(shop=buyer.organization.shop)
    automatic_rules.switch_on(buyer.access, threshold=threshold, pack=pack, cap_minor=None, is_on=False)
    return setup_page(buyer)


def setup_page(buyer: Buyer) -> str:
    return checkout.start_setup(buyer.access).rpartition("/")[2]


def save_card(buyer: Buyer, card: str = "works") -> Saved:
    """As somebody does it on Stripe's page, who wished for an automatic top-up before, and comes back."""
    session_id = setup_page(buyer)
    buyer.till.pay(session_id)
    if card != "works":
        use_card(buyer, card)
    return checkout.card_was_saved(buyer.organization, session_id)


def use_card(buyer: Buyer, card: str) -> None:
    buyer.till.use_card(customer_of(buyer), card)


def customer_of(buyer: Buyer) -> str:
    return StripeCustomer.objects.get(organization=buyer.organization).customer_id


def a_rule(
    buyer: Buyer,
    *,
    threshold: int = 500,
    price_minor: int = PRICE,
    cap_minor: int | None = None,
    card: str = "works",
) -> AutoTopUp:
    """Switched on, with a saved card; it buys 1,000 credits."""
    rule = automatic_rules.switch_on(
        buyer.access,
        threshold=threshold,
        pack=a_pack(price_minor=price_minor, shop=buyer.organization.shop),
        cap_minor=cap_minor,
        is_on=False,
    )
    assert save_card(buyer, card) is Saved.AND_ON
    rule.refresh_from_db()
    return rule


def sweep() -> int:
    """The next one, whenever it would have been."""
    AutoTopUp.objects.update(due_at=ago(1))
    return automatic.top_up_all()


def ordered(rule: AutoTopUp) -> Payment:
    """A purchase whose row is there, and for which Stripe was not asked yet."""
    card = automatic.card_of(rule.organization)
    assert rule.pack is not None
    assert card is not None
    return automatic.order(rule, rule.pack, card.id)


def pass_time(rule: AutoTopUp, **time: float) -> None:
    """So long ago everything happened: `pass_time(rule, hours=1)`."""
    passed = datetime.timedelta(**time)
    AutoTopUp.objects.filter(pk=rule.pk).update(armed_at=F("armed_at") - passed)
    purchases_of(rule).update(created_at=F("created_at") - passed)


def pass_pause(rule: AutoTopUp, **time: float) -> None:
    """So much longer ago everything was paid, the whole pause unless said otherwise; on the same day all the same."""
    passed = datetime.timedelta(**time) if time else automatic_limits.BETWEEN_PURCHASES
    purchases_of(rule).update(paid_at=F("paid_at") - passed)


def change(buyer: Buyer, *, threshold: int = 500, price_minor: int = PRICE) -> AutoTopUp:
    """Switched on again, or otherwise, with the card that is saved."""
    pack = a_pack(price_minor=price_minor, shop=buyer.organization.shop)
    return automatic_rules.switch_on(buyer.access, threshold=threshold, pack=pack, cap_minor=None)


def standing(rule: AutoTopUp) -> tuple[bool, str]:
    """Whether it is on, and why it is not."""
    rule.refresh_from_db()
    return rule.is_on, rule.stopped_reason


def purchases_of(rule: AutoTopUp) -> Any:
    return Payment.objects.filter(organization=rule.organization, kind=PaymentKind.AUTOMATIC).order_by("pk")


def outcomes_of(rule: AutoTopUp) -> list[tuple[str, str]]:
    """Status and failure of each purchase, the oldest first."""
    return list(purchases_of(rule).values_list("status", "failure"))


def intents_of(buyer: Buyer) -> list[str]:
    """The status of each charge that Stripe knows of, the oldest first."""
    client = buyer.till.client()
    found = client.v1.payment_intents.list({"customer": customer_of(buyer), "limit": 100}).data
    return [intent.status for intent in reversed(found)]


def mails_to(buyer: Buyer) -> list[QueuedMail]:
    assert buyer.access.user is not None
    return list(QueuedMail.objects.filter(to=buyer.access.user.email).order_by("pk"))


def subjects_to(buyer: Buyer) -> list[str]:
    """With "Buyer" for the organization's name."""
    return [mail.subject.replace(isolated(buyer.organization.name), "Buyer") for mail in mails_to(buyer)]
