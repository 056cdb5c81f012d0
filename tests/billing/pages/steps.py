"""What people do on the pages of money."""

from typing import Any

from django.test import Client

from accounts.shops import first_shop
from billing import packs
from billing.models import CreditPack, Payment
from tests.pages import text_of
from tests.till import RunningTill

SMALL = 3_750  # credits of the smallest starter pack, for $5.00


def smallest() -> CreditPack:
    pack = packs.on_sale(first_shop().pk).first()
    assert pack is not None
    return pack


def press_buy(client: Client, pack: CreditPack | None = None) -> Any:
    """As the form of this pack, or of the smallest, is sent."""
    pack = pack or smallest()
    return client.post("/credits/buy/", {"pack": pack.pk, "offer": pack.offer})


def choose(client: Client, pack: CreditPack | None = None) -> Payment:
    """Presses "Buy"; the payment that waits at the till, which has its session."""
    response = press_buy(client, pack)
    assert response.status_code == 302, text_of(response)
    payment = Payment.objects.latest("pk")
    assert payment.session_id
    return payment


def come_back(client: Client, payment: Payment) -> Any:
    return client.get("/credits/return/", {"session_id": str(payment.session_id)})


def buy(client: Client, till: RunningTill, pack: CreditPack | None = None, **how: str) -> Payment:
    """Paid, and seen."""
    payment = choose(client, pack)
    till.pay(str(payment.session_id), **how)
    come_back(client, payment)
    payment.refresh_from_db()
    return payment


def questions(till: RunningTill) -> int:
    """How often Stripe was asked for something so far."""
    return len(till.log())
