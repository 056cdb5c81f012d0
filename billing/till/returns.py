"""Money that goes back: refunds, disputes, and the warning before one."""

from billing.till.events import change, emit
from billing.till.money import shown
from billing.till.objects import payments, returns
from billing.till.problems import Body, Problem, unexpected_state
from billing.till.till import Till

KNOWN = frozenset({"amount", "charge", "expand", "metadata", "payment_intent", "reason"})
DISPUTE_FEE = 1500
# The bank holds the money in these, so none of it can be refunded.
MONEY_GONE = ("needs_response", "under_review", "lost")
ENDINGS = {"won": False, "lost": False, "warning_closed": True}  # -> whether it ends an inquiry


def charge_of(till: Till, payment_intent: str) -> Body:
    """The intent's successful charge. Raises Problem."""
    intent = till.need("payment_intent", payment_intent, param="payment_intent")
    charge = till.store.get(intent["latest_charge"]) if intent["latest_charge"] else None
    if charge is None or charge["status"] != "succeeded":
        raise Problem(
            f"This PaymentIntent ({payment_intent}) does not have a successful charge to refund.",
            param="payment_intent",
        )
    return charge


# --- Refunds ------------------------------------------------------------------------------------


def create_refund(till: Till, params: Body) -> Body:
    if ("charge" in params) == ("payment_intent" in params):
        raise Problem(
            "One of the following params should be provided for this request: payment_intent or charge."
        )
    if "charge" in params:
        charge = till.need("charge", params["charge"], param="charge")
    else:
        charge = charge_of(till, params["payment_intent"])
    amount = _refundable(till, charge, params.get("amount"))
    now = till.now()
    refund = returns.refund(now, charge, amount, params.get("reason"), params.get("metadata") or {})
    kind = "refund" if charge["payment_method_details"]["type"] == "card" else "payment_refund"
    booked = till.store.put(payments.balance_transaction(now, refund, kind, -amount))
    refund["balance_transaction"] = booked["id"]
    till.store.put(refund)
    _count_refunded(till, charge, amount)
    emit(till, "refund.created", refund)
    emit(till, "charge.refunded", charge)
    return refund


def _refundable(till: Till, charge: Body, wanted: int | None) -> int:
    if not charge["paid"]:
        raise Problem(f"Charge {charge['id']} has not been paid; there is nothing to refund.", param="charge")
    disputes = till.store.find("dispute", equal={"charge": charge["id"]})
    if any(dispute["status"] in MONEY_GONE for dispute in disputes):
        raise Problem(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed"
        )
    left: int = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise Problem(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if wanted is None else wanted
    if amount < 1:
        raise Problem("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        currency = charge["currency"]
        raise Problem(
            f"Refund amount ({shown(amount, currency)}) is greater than unrefunded amount on charge"
            f" ({shown(left, currency)})",
            param="amount",
        )
    return amount


def _count_refunded(till: Till, charge: Body, amount: int) -> None:
    total = charge["amount_refunded"] + amount
    charge |= {"amount_refunded": total, "refunded": total == charge["amount"]}
    till.store.put(charge)


def fail_refund(till: Till, refund_id: str) -> Body:
    """The customer's bank sends the refund back; it counts no longer."""
    refund = till.need("refund", refund_id)
    if refund["status"] != "succeeded":
        raise unexpected_state(f"This refund is {refund['status']}.")
    charge = till.need("charge", refund["charge"])
    booked = till.store.put(
        payments.balance_transaction(till.now(), refund, "refund_failure", refund["amount"])
    )
    before = refund["status"]
    refund |= {"failure_balance_transaction": booked["id"], "failure_reason": "lost_or_stolen_card"}
    refund["status"] = "failed"
    till.store.put(refund)
    _count_refunded(till, charge, -refund["amount"])
    for kind in ("refund.updated", "charge.refund.updated", "refund.failed"):
        emit(till, kind, refund, {"status": before} if kind != "refund.failed" else None)
    emit(till, "charge.updated", charge, {"amount_refunded": charge["amount_refunded"] + refund["amount"]})
    return refund


# --- Disputes -----------------------------------------------------------------------------------


def open_dispute(
    till: Till, payment_intent: str, amount: int | None = None, status: str = "needs_response"
) -> Body:
    """`amount` absent: what is not refunded. An inquiry (`warning_needs_response`) takes no money yet."""
    if status not in ("needs_response", "warning_needs_response"):
        raise Problem("A dispute begins with needs_response or warning_needs_response.", param="status")
    charge = charge_of(till, payment_intent)
    wanted = charge["amount"] - charge["amount_refunded"] if amount is None else amount
    if not 1 <= wanted <= charge["amount"]:
        raise Problem("A dispute is about 1 or more, and at most about the charge.", param="amount")
    dispute = returns.dispute(till.now(), charge, wanted, status)
    till.store.put(dispute)
    change(till, "charge.updated", charge, disputed=True)
    if status == "needs_response":
        _withdraw(till, dispute)
    emit(till, "charge.dispute.created", dispute)
    if status == "needs_response":
        emit(till, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def escalate(till: Till, dispute_id: str) -> Body:
    """The inquiry becomes a dispute: now the money is gone."""
    dispute = _in(till, dispute_id, ("warning_needs_response", "warning_under_review"))
    dispute = change(till, "", dispute, status="needs_response", is_charge_refundable=False)
    _withdraw(till, dispute)
    emit(till, "charge.dispute.updated", dispute, {"status": "warning_needs_response"})
    emit(till, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def answer(till: Till, dispute_id: str) -> Body:
    """The shop sent its evidence."""
    dispute = _in(till, dispute_id, ("needs_response", "warning_needs_response"))
    status = "under_review" if dispute["status"] == "needs_response" else "warning_under_review"
    details = dispute["evidence_details"] | {"has_evidence": True, "submission_count": 1}
    return change(till, "charge.dispute.updated", dispute, status=status, evidence_details=details)


def close_dispute(till: Till, dispute_id: str, outcome: str) -> Body:
    """`won`: the money comes back; `lost`: it does not; `warning_closed`: the end of an inquiry."""
    if outcome not in ENDINGS:
        raise Problem(f"A dispute ends as one of {', '.join(ENDINGS)}.", param="outcome")
    warned = ("warning_needs_response", "warning_under_review")
    dispute = _in(till, dispute_id, warned if ENDINGS[outcome] else ("needs_response", "under_review"))
    change(till, "", dispute, status=outcome, is_charge_refundable=outcome != "lost")
    if outcome == "won":
        _book(till, dispute, dispute["amount"], 0)
    emit(till, "charge.dispute.closed", dispute)
    if outcome == "won":
        emit(till, "charge.dispute.funds_reinstated", dispute)
    return dispute


def warn_of_fraud(till: Till, payment_intent: str) -> Body:
    warning = till.store.put(returns.early_fraud_warning(till.now(), charge_of(till, payment_intent)))
    emit(till, "radar.early_fraud_warning.created", warning)
    return warning


def _in(till: Till, dispute_id: str, statuses: tuple[str, ...]) -> Body:
    dispute = till.need("dispute", dispute_id)
    if dispute["status"] not in statuses:
        raise unexpected_state(f"This dispute is {dispute['status']}.")
    return dispute


def _withdraw(till: Till, dispute: Body) -> None:
    _book(till, dispute, -dispute["amount"], DISPUTE_FEE)


def _book(till: Till, dispute: Body, amount: int, fee: int) -> None:
    booked = till.store.put(payments.balance_transaction(till.now(), dispute, "adjustment", amount, fee))
    dispute["balance_transactions"] = [*dispute["balance_transactions"], booked]
    till.store.put(dispute)
