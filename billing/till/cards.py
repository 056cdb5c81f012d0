"""The cards and bank accounts of the till: each by what it does when it is charged later."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """`later`: the error code when it is charged off session, empty if that works."""

    name: str
    last4: str
    later: str = ""
    brand: str = "visa"


CARDS = {
    card.name: card
    for card in (
        Card("works", "4242"),
        Card("declines_later", "0341", "card_declined"),
        Card("needs_authentication", "3184", "authentication_required"),
    )
}
# What every charge of it is refused for: the pay page's "Decline".
DECLINED = Card("declined", "0002", "card_declined")

# Stripe's own test tokens, for those who charge without a checkout.
TOKENS = {
    "pm_card_visa": CARDS["works"],
    "pm_card_chargeCustomerFail": CARDS["declines_later"],
    "pm_card_authenticationRequired": CARDS["needs_authentication"],
}

MESSAGES = {
    "card_declined": "Your card was declined.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}
DECLINE_CODES = {
    "card_declined": "generic_decline",
    "authentication_required": "authentication_required",
}


def named(name: str) -> Card:
    """The card of a payment method's `_card` note; what has none (a bank account) works."""
    return DECLINED if name == DECLINED.name else CARDS.get(name, CARDS["works"])


def bank_for(currency: str) -> str:
    """Which kind of bank account pays in this currency."""
    return "us_bank_account" if currency == "usd" else "sepa_debit"
