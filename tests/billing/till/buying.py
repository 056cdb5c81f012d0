"""Checkouts and customers as the shop makes them."""

from typing import Any

import stripe
from stripe.checkout import Session

PRICE = 1200


def price(amount: int = PRICE, currency: str = "usd", **more: Any) -> dict[str, Any]:
    data = {"currency": currency, "unit_amount": amount, "product_data": {"name": "600 credits"}, **more}
    return {"price_data": data, "quantity": 1}


def checkout(client: stripe.StripeClient, amount: int = PRICE, **more: Any) -> Session:
    params: Any = {
        "mode": "payment",
        "line_items": [price(amount)],
        "success_url": "http://localhost:8000/credits/?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://localhost:8000/credits/",
        **more,
    }
    return client.v1.checkout.sessions.create(params)


def paid(client: stripe.StripeClient, till: Any, **more: Any) -> str:
    """The id of the payment intent of a checkout that was just paid."""
    return str(till.pay(checkout(client, **more).id)["payment_intent"])


def customer(client: stripe.StripeClient, **more: Any) -> stripe.Customer:
    params: Any = {"email": "alice@studio.example", "name": "Alice’s Studio", **more}
    return client.v1.customers.create(params)


def with_card(client: stripe.StripeClient, till: Any, card: str = "works") -> tuple[str, str]:
    """The ids of a customer and of the card that they saved."""
    buyer = customer(client)
    saved = checkout(client, customer=buyer.id, payment_intent_data={"setup_future_usage": "off_session"})
    till.pay(saved.id, card=card)
    (method,) = client.v1.customers.payment_methods.list(buyer.id).data
    return buyer.id, method.id


def kinds(till: Any, about: str) -> list[str]:
    """The types of the events about this object, the oldest first."""
    return [event["type"] for event in till.events() if event["data"]["object"]["id"] == about]
