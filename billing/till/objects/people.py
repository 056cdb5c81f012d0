"""Customers, their cards and bank accounts, and the portal where they look after them."""

from billing.till.cards import Card
from billing.till.ids import new_id
from billing.till.objects import NO_ADDRESS, begin
from billing.till.problems import Body


def customer(now: int, given: Body) -> Body:
    body = {
        **begin("customer", "cus", now, 14),
        "address": None,
        "balance": 0,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": new_id("I", 8)[2:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    return body | given


def card(now: int, kind: Card, billing_details: Body) -> Body:
    return _payment_method(now, "card", billing_details) | {
        "card": {
            "brand": kind.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": kind.brand,
            "exp_month": 8,
            "exp_year": 2034,
            "fingerprint": new_id("f", 16)[2:],
            "funding": "credit",
            "generated_from": None,
            "last4": kind.last4,
            "networks": {"available": [kind.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "_card": kind.name,
    }


def bank_account(now: int, kind: str, billing_details: Body) -> Body:
    """`kind`: `sepa_debit` or `us_bank_account`."""
    details: Body = {"fingerprint": new_id("f", 16)[2:]}
    if kind == "sepa_debit":
        details |= {"bank_code": "37040044", "branch_code": "", "country": "DE", "last4": "3000"}
        details |= {"generated_from": {"charge": None, "setup_attempt": None}}
    else:
        details |= {"account_holder_type": "individual", "account_type": "checking", "bank_name": "TILL BANK"}
        details |= {"financial_connections_account": None, "last4": "6789", "routing_number": "110000000"}
        details |= {"networks": {"preferred": "ach", "supported": ["ach"]}, "status_details": {}}
    return _payment_method(now, kind, billing_details) | {kind: details}


def _payment_method(now: int, kind: str, billing_details: Body) -> Body:
    return {
        **begin("payment_method", "pm", now),
        "allow_redisplay": "unspecified",
        "billing_details": billing_details,
        "customer": None,
        "customer_account": None,
        "metadata": {},
        "type": kind,
    }


def billing_details(email: str | None, name: str | None = None, address: Body | None = None) -> Body:
    return {"address": address or NO_ADDRESS, "email": email, "name": name, "phone": None, "tax_id": None}


def portal_session(now: int, customer_id: str, return_url: str | None, locale: str | None, flow: str) -> Body:
    return {
        **begin("billing_portal.session", "bps", now),
        "configuration": "bpc_till",
        "customer": customer_id,
        "customer_account": None,
        "flow": _flow(flow, return_url) if flow else None,
        "locale": locale,
        "on_behalf_of": None,
        "return_url": return_url,
    }


def _flow(kind: str, return_url: str | None) -> Body:
    redirect = {"return_url": return_url} if return_url else None
    return {
        "after_completion": {
            "hosted_confirmation": None,
            "redirect": redirect,
            "type": "redirect" if redirect else "portal_homepage",
        },
        "subscription_cancel": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": kind,
    }
