"""Invoices, and the codes that make them smaller."""

from billing.till.objects import begin
from billing.till.problems import Body


def invoice(now: int, session: Body, number: str, public_url: str) -> Body:
    """The paid invoice of a checkout."""
    body = begin("invoice", "in", now)
    details, amounts = session["customer_details"], session["total_details"]
    creation = session["invoice_creation"]["invoice_data"]
    total, tax = session["amount_total"], amounts["amount_tax"]
    body |= {
        "account_country": "DE",
        "account_name": "Demo till",
        "account_tax_ids": None,
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": total,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": True,
        "auto_advance": False,
        "automatic_tax": {**session["automatic_tax"], "disabled_reason": None},
        "automatically_finalizes_at": None,
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "currency": session["currency"],
        "custom_fields": creation["custom_fields"],
        "customer": session["customer"],
        "customer_account": None,
        "customer_address": details["address"],
        "customer_email": details["email"],
        "customer_name": details["name"],
        "customer_phone": None,
        "customer_shipping": None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": creation["description"],
        "discounts": [],
        "due_date": None,
        "effective_at": now,
        "ending_balance": 0,
        "footer": creation["footer"],
        "from_invoice": None,
        "hosted_invoice_url": f"{public_url}/invoices/{body['id']}",
        "invoice_pdf": f"{public_url}/invoices/{body['id']}/pdf",
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": _lines(now, body["id"], session),
        "metadata": creation["metadata"],
        "next_payment_attempt": None,
        "number": number,
        "on_behalf_of": None,
        "parent": None,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": now,
        "period_start": now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "paid",
        "status_transitions": {
            "finalized_at": now,
            "marked_uncollectible_at": None,
            "paid_at": now,
            "voided_at": None,
        },
        "subscription": None,
        "subtotal": session["amount_subtotal"],
        "subtotal_excluding_tax": total - tax + amounts["amount_discount"],
        "test_clock": None,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total - tax,
        "total_pretax_credit_amounts": [],
        "total_taxes": [_tax(tax, total - tax)] if tax else [],
        "webhooks_delivered_at": now,
        "_session": session["id"],
    }
    return body


def _tax(tax: int, taxable: int) -> Body:
    return {
        "amount": tax,
        "tax_behavior": "exclusive",
        "tax_rate_details": {"tax_rate": "txr_till"},
        "taxability_reason": "standard_rated",
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }


def _lines(now: int, invoice_id: str, session: Body) -> Body:
    data = []
    for item in session["_items"]:
        line = begin("line_item", "il", now)
        del line["created"]
        line |= {
            "amount": item["amount_subtotal"],
            "currency": item["currency"],
            "description": item["description"],
            "discount_amounts": [],
            "discountable": True,
            "discounts": [],
            "invoice": invoice_id,
            "metadata": {},
            "parent": None,
            "period": {"end": now, "start": now},
            "pretax_credit_amounts": [],
            "pricing": {
                "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
                "type": "price_details",
                "unit_amount_decimal": item["price"]["unit_amount_decimal"],
            },
            "quantity": item["quantity"],
            "quantity_decimal": str(item["quantity"]),
            "subscription": None,
            "subtotal": item["amount_subtotal"],
            "taxes": [],
        }
        data.append(line)
    return {"object": "list", "data": data, "has_more": False, "url": f"/v1/invoices/{invoice_id}/lines"}


def coupon(now: int, code: str, percent_off: int) -> Body:
    return {
        **begin("coupon", "coupon", now),
        "id": code,
        "amount_off": None,
        "currency": None,
        "duration": "once",
        "duration_in_months": None,
        "max_redemptions": None,
        "metadata": {},
        "name": f"{percent_off} % off",
        "percent_off": percent_off,
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
    }


def promotion_code(now: int, coupon_id: str) -> Body:
    return {
        **begin("promotion_code", "promo", now),
        "id": f"promo_{coupon_id.lower()}",
        "active": True,
        "code": coupon_id,
        "customer": None,
        "customer_account": None,
        "expires_at": None,
        "max_redemptions": None,
        "metadata": {},
        "promotion": {"coupon": coupon_id, "type": "coupon"},
        "restrictions": {
            "first_time_transaction": False,
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        "times_redeemed": 0,
    }
