"""What takes money back: refunds, disputes, and the warning before one."""

from billing.till.objects import begin
from billing.till.problems import Body

EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
DAYS_TO_ANSWER = 9


def refund(now: int, charge: Body, amount: int, reason: str | None, metadata: Body) -> Body:
    body = begin("refund", "re", now)
    del body["livemode"]
    kind = charge["payment_method_details"]["type"]
    details = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    body |= {
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {kind: details if kind == "card" else {}, "type": kind},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    return body


def dispute(now: int, charge: Body, amount: int, status: str) -> Body:
    """`status`: `needs_response`, or `warning_needs_response` for an inquiry, which takes no money yet."""
    inquiry = status.startswith("warning_")
    method = charge["payment_method_details"]
    card = method.get("card", {})
    return {
        **begin("dispute", "du", now),
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + DAYS_TO_ANSWER * 24 * 3600,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card.get("brand"),
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": card.get("network"),
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": "fraudulent",
        "status": status,
    }


def early_fraud_warning(now: int, charge: Body) -> Body:
    return {
        **begin("radar.early_fraud_warning", "issfr", now),
        "actionable": not charge["refunded"],
        "charge": charge["id"],
        "fraud_type": "misc",
        "payment_intent": charge["payment_intent"],
    }
