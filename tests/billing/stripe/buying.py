"""What people and banks do at the till, and what the shop makes of it."""

import itertools
from dataclasses import dataclass
from typing import Any

from accounts.access import Access, access_of_user
from accounts.models import Organization, Shop
from accounts.organizations import create_organization, person
from accounts.shops import first_shop
from billing import checkout, payments, reads, stripe_events
from billing.models import CreditPack, LedgerEntry, Payment, PaymentStep, StripeEvent
from billing.stripe_gateway import credentials
from tests.makers import wallet_of
from tests.till import RunningTill

CREDITS, PRICE = 1000, 2000
MICROS = PRICE * 10_000
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody who handles the money of an organization."""

    till: RunningTill
    access: Access

    @property
    def organization(self) -> Organization:
        return self.access.organization

    def starts(self, credits: int = CREDITS, price_minor: int = PRICE) -> Payment:
        """A checkout that waits to be paid."""
        pack = a_pack(credits, price_minor, shop=self.organization.shop)
        return checkout.start(self.access, pack).payment

    def buys(self, credits: int = CREDITS, price_minor: int = PRICE, **how: Any) -> Payment:
        """Paid at the till, and looked at. `how` as RunningTill.pay takes it."""
        payment = self.starts(credits, price_minor)
        self.till.pay(str(payment.session_id), **how)
        return payments.sync_payment(payment.pk)

    def wallet(self) -> tuple[int, int, int, int]:
        """available, held, owed, value in micros."""
        return wallet_of(self.organization)


def a_buyer(till: RunningTill, shop: Shop | None = None) -> Buyer:
    """At the first shop unless another is named."""
    number = next(_numbers)
    owner = person(f"buyer{number}@studio.example")
    shop = shop or first_shop()
    create_organization(shop, f"Buyer {number}", owner)
    return Buyer(till, access_of_user(owner, shop.pk))


def a_pack(
    credits: int = CREDITS, price_minor: int = PRICE, *, shop: Shop | None = None, **fields: Any
) -> CreditPack:
    shop = shop or first_shop()
    pack, _created = CreditPack.objects.get_or_create(
        shop=shop,
        name=f"{credits} for {price_minor}",
        defaults={"credits": credits, "price_minor": price_minor, "currency": shop.currency} | fields,
    )
    return pack


def intent_of(payment: Payment) -> str:
    payment.refresh_from_db()
    assert payment.payment_intent_id
    return payment.payment_intent_id


def steps_of(payment: Payment) -> list[int]:
    """The changes that it made to the wallet, in credits."""
    return list(
        PaymentStep.objects.filter(payment=payment).order_by("number").values_list("credits", flat=True)
    )


def entries_of(payment: Payment) -> int:
    return LedgerEntry.objects.filter(reference__startswith=f"payment:{payment.pk}:").count()


def events_about(till: RunningTill, payment: Payment) -> list[dict[str, Any]]:
    """Those that are handled and concern this payment, the oldest first; the till says which intent is its own."""
    session = till.client().v1.checkout.sessions.retrieve(str(payment.session_id))
    ids = {session.id, session.payment_intent} - {None}
    return [
        event
        for event in till.events()
        if event["type"] in stripe_events.HANDLED
        and ids & {event["data"]["object"]["id"], event["data"]["object"].get("payment_intent")}
    ]


def arrives(event: dict[str, Any], shop: Shop | None = None) -> StripeEvent:
    """In the inbox, as a webhook would put it there; also when it is there already."""
    account = credentials.account_of((shop or first_shop()).pk)
    stripe_events.store(account, stripe_events.read(event))
    return StripeEvent.objects.get(account=account, event_id=event["id"])


def owed(organization: Organization) -> int:
    return reads.balance(organization.pk).owed
