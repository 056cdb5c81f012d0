"""Intents and charges, and what is booked for them."""

from billing.till import cards
from billing.till.ids import new_id
from billing.till.objects import begin
from billing.till.problems import Body


def payment_intent(now: int, amount: int, currency: str, given: Body) -> Body:
    body = begin("payment_intent", "pi", now)
    body |= {
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{body['id']}_{new_id('secret')}",
        "confirmation_method": "automatic",
        "currency": currency,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    return body | given


def setup_intent(now: int, given: Body) -> Body:
    body = begin("setup_intent", "seti", now)
    body |= {
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{body['id']}_{new_id('secret')}",
        "customer": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    return body | given


def charge(now: int, intent: Body, method: Body, public_url: str) -> Body:
    """Of an intent by a payment method; neither paid nor refused yet."""
    body = begin("charge", "ch" if method["type"] == "card" else "py", now)
    body |= {
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "DEMO TILL",
        "captured": False,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _method_details(method, intent["amount"]),
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": None,
        "transfer_group": None,
    }
    body["_receipt_url"] = f"{public_url}/receipts/{body['id']}"
    return body


def outcome(code: str = "") -> Body:
    """Of a charge: approved, or refused by the card's bank for this code."""
    refused = bool(code)
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if refused else "approved_by_network",
        "reason": cards.DECLINE_CODES.get(code),
        "risk_level": "normal",
        "seller_message": "The bank refused." if refused else "Payment complete.",
        "type": "issuer_declined" if refused else "authorized",
    }


def _method_details(method: Body, amount: int) -> Body:
    kind = method["type"]
    known = method[kind]
    if kind != "card":
        return {kind: {name: known[name] for name in ("fingerprint", "last4")}, "type": kind}
    return {
        "card": {
            "amount_authorized": amount,
            "authorization_code": None,
            "brand": known["brand"],
            "checks": known["checks"],
            "country": known["country"],
            "exp_month": known["exp_month"],
            "exp_year": known["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": known["fingerprint"],
            "funding": known["funding"],
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": known["last4"],
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": known["brand"],
            "network_token": {"used": False},
            "network_transaction_id": new_id("n", 15)[2:],
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "regulated_status": known["regulated_status"],
            "three_d_secure": None,
            "transaction_link_id": None,
            "wallet": None,
        },
        "type": "card",
    }


def balance_transaction(now: int, source: Body, kind: str, amount: int, fee: int = 0) -> Body:
    """What a charge, refund or dispute does to the shop's balance; `amount` is below zero where money leaves."""
    body = begin("balance_transaction", "txn", now)
    del body["livemode"]
    fee_detail = {"amount": fee, "application": None, "currency": source["currency"], "type": "stripe_fee"}
    body |= {
        "amount": amount,
        "available_on": now,
        "balance_type": "payments",
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [fee_detail | {"description": "Fees of the till"}] if fee else [],
        "net": amount - fee,
        "reporting_category": {"adjustment": "dispute"}.get(kind, kind),
        "source": source["id"],
        "status": "available",
        "type": kind,
    }
    return body
