"""What a checkout comes to: the price, what a code takes off, and the tax."""

from billing.till.money import share
from billing.till.problems import Body

TAX_PERCENT = 19


def count(session: Body, percent_off: int) -> None:
    """Sets the amounts of the session and of its items. Tax comes on top, or is in the price if that says so."""
    taxed = session["automatic_tax"]["enabled"]
    for item in session["_items"]:
        subtotal = item["price"]["unit_amount"] * item["quantity"]
        discount = share(subtotal, percent_off, 100)
        rest = subtotal - discount
        included = item["price"]["tax_behavior"] == "inclusive"
        tax = 0
        if taxed:
            tax = share(rest, TAX_PERCENT, 100 + TAX_PERCENT if included else 100)
        item |= {
            "amount_discount": discount,
            "amount_subtotal": subtotal,
            "amount_tax": tax,
            "amount_total": rest + (0 if included else tax),
        }
    amounts = {
        name: sum(item[name] for item in session["_items"])
        for name in ("amount_discount", "amount_subtotal", "amount_tax", "amount_total")
    }
    session |= {
        "amount_subtotal": amounts["amount_subtotal"],
        "amount_total": amounts["amount_total"],
        "total_details": {
            "amount_discount": amounts["amount_discount"],
            "amount_shipping": 0,
            "amount_tax": amounts["amount_tax"],
        },
    }
