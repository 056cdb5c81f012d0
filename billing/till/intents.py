"""Payment intents and their charges."""

from collections.abc import Mapping
from typing import Any

from billing.till import cards, customers
from billing.till.checks import check_amount, check_url, known_currency
from billing.till.events import change, emit
from billing.till.objects import payments, visible
from billing.till.problems import Body, CardProblem, Problem, unexpected_state
from billing.till.till import Till

KNOWN = frozenset(
    {"amount", "automatic_payment_methods", "confirm", "currency", "customer", "description"}
    | {
        "error_on_requires_action",
        "expand",
        "metadata",
        "off_session",
        "payment_method",
        "allowed_payment_method_types",
    }
    | {
        "receipt_email",
        "return_url",
        "setup_future_usage",
        "statement_descriptor",
        "statement_descriptor_suffix",
    }
)
# As they were sent.
KEPT: tuple[str, ...] = ("customer", "description", "metadata", "receipt_email", "setup_future_usage")
KEPT += ("statement_descriptor", "statement_descriptor_suffix")
ENDED = ("succeeded", "canceled")
FEE_PERMILLE = 29
FEE = 30  # minor units; a made-up fee, so that the net differs from the gross


def create(till: Till, params: Body) -> Body:
    currency = known_currency(params["currency"])
    check_amount(params["amount"], currency, param="amount")
    if "customer" in params:
        till.need("customer", params["customer"], param="customer")
    given = {name: params[name] for name in KEPT if name in params}
    given["metadata"] = customers.merged({}, params.get("metadata", {}))
    if "allowed_payment_method_types" in params:
        given["payment_method_types"] = params["allowed_payment_method_types"]
    if "automatic_payment_methods" in params or "allowed_payment_method_types" not in params:
        automatic = {"allow_redirects": "always", "enabled": True} | params.get(
            "automatic_payment_methods", {}
        )
        given["automatic_payment_methods"] = automatic
    intent = payments.payment_intent(till.now(), params["amount"], currency, given)
    if "payment_method" in params:
        intent["payment_method"] = _method(till, params["payment_method"], intent["customer"])["id"]
        intent["status"] = "requires_confirmation"
    till.store.put(intent)
    emit(till, "payment_intent.created", intent)
    if params.get("confirm"):
        return confirm(till, intent, params)
    if params.get("off_session"):
        raise Problem("You can only set off_session when confirming a PaymentIntent.", param="off_session")
    return intent


def confirm(till: Till, intent: Body, params: Mapping[str, Any]) -> Body:
    """Charges it. Raises CardProblem when the bank refuses, or asks for a person who is not there."""
    _still(intent, ("requires_payment_method", "requires_confirmation"), "confirm")
    _check_return(intent, params)
    if "payment_method" in params:
        intent["payment_method"] = _method(till, params["payment_method"], intent["customer"])["id"]
    if intent["payment_method"] is None:
        raise unexpected_state(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the"
            " PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a"
            " payment method or ConfirmationToken."
        )
    method = till.need("payment_method", intent["payment_method"], param="payment_method")
    code = cards.named(method.get("_card", "")).later
    asks = code == "authentication_required"
    if asks and not params.get("off_session") and not params.get("error_on_requires_action"):
        return _ask(till, intent, params.get("return_url"))
    if code:
        raise refuse(till, intent, method, code)
    succeed(till, intent, method)
    return intent


def _check_return(intent: Body, params: Mapping[str, Any]) -> None:
    automatic = intent["automatic_payment_methods"]
    if "return_url" in params:
        check_url(params["return_url"], param="return_url")
    elif automatic and automatic["enabled"] and automatic["allow_redirects"] != "never":
        raise Problem(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of"
            " these payment methods might redirect your customer off of your page, you must provide a `return_url`. If"
            " you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to"
            " `true` and `automatic_payment_methods[allow_redirects]` to `never`."
        )


def retrieve(till: Till, intent_id: str) -> Body:
    return till.need("payment_intent", intent_id)


def cancel(till: Till, intent_id: str, params: Body) -> Body:
    intent = till.need("payment_intent", intent_id)
    _still(intent, ("requires_payment_method", "requires_confirmation", "requires_action"), "cancel")
    if intent.get("_session"):
        raise unexpected_state(
            "You cannot cancel a PaymentIntent created by a Checkout Session. Expire the Checkout Session instead."
        )
    return give_up(till, intent, params.get("cancellation_reason"))


def give_up(till: Till, intent: Body, reason: str | None) -> Body:
    return change(
        till,
        "payment_intent.canceled",
        intent,
        status="canceled",
        canceled_at=till.now(),
        cancellation_reason=reason,
        next_action=None,
    )


# --- What can become of it ----------------------------------------------------------------------


def succeed(till: Till, intent: Body, method: Body) -> Body:
    """Paid; the charge."""
    charge = payments.charge(till.now(), intent, method, till.settings.public_url)
    _paid(till, intent, charge)
    return charge


def process(till: Till, intent: Body, method: Body) -> Body:
    """On its way through the banks; the charge."""
    charge = payments.charge(till.now(), intent, method, till.settings.public_url)
    till.store.put(charge)
    emit(till, "charge.pending", charge)
    change(
        till,
        "payment_intent.processing",
        intent,
        status="processing",
        payment_method=method["id"],
        latest_charge=charge["id"],
        last_payment_error=None,
        processing={"type": method["type"]} if method["type"] == "card" else None,
    )
    return charge


def arrive(till: Till, intent: Body) -> Body:
    """The money of a payment by bank is there."""
    charge = till.need("charge", _still(intent, ("processing",), "settle")["latest_charge"])
    _paid(till, intent, charge)
    return charge


def bounce(till: Till, intent: Body) -> Body:
    """The bank did not pay."""
    charge = till.need("charge", _still(intent, ("processing",), "settle")["latest_charge"])
    method = till.need("payment_method", charge["payment_method"])
    message = "The customer's bank account has insufficient funds."
    _refused(till, intent, charge, method, {"code": "payment_method_provider_decline", "message": message})
    return charge


def refuse(till: Till, intent: Body, method: Body, code: str) -> CardProblem:
    """The card's bank says no; the error to raise or to show."""
    charge = payments.charge(till.now(), intent, method, till.settings.public_url)
    error = {"code": code, "decline_code": cards.DECLINE_CODES[code], "message": cards.MESSAGES[code]}
    _refused(till, intent, charge, method, error)
    return CardProblem(
        cards.MESSAGES[code],
        code=code,
        decline_code=cards.DECLINE_CODES[code],
        charge=charge["id"],
        payment_intent=visible(intent),
        payment_method=visible(method),
    )


def authenticate(till: Till, intent_id: str) -> Body:
    """A person confirms the payment that asked for one; the intent."""
    intent = till.need("payment_intent", intent_id)
    if not needs_person(intent):
        raise unexpected_state("This payment asks nobody for anything.")
    error = intent["last_payment_error"]
    method_id = intent["payment_method"] or error["payment_method"]["id"]
    succeed(till, intent, till.need("payment_method", method_id))
    return intent


def needs_person(intent: Body) -> bool:
    if intent["status"] == "requires_action":
        return True
    error = intent["last_payment_error"] or {}
    return intent["status"] == "requires_payment_method" and error.get("code") == "authentication_required"


def _paid(till: Till, intent: Body, charge: Body) -> None:
    amount = intent["amount"]
    fee = min(amount, amount * FEE_PERMILLE // 1000 + FEE)
    kind = "charge" if charge["payment_method_details"]["type"] == "card" else "payment"
    booked = till.store.put(payments.balance_transaction(till.now(), charge, kind, amount, fee))
    charge |= {
        "amount_captured": amount,
        "balance_transaction": booked["id"],
        "captured": True,
        "outcome": payments.outcome(),
        "paid": True,
        "receipt_url": charge["_receipt_url"],
        "status": "succeeded",
    }
    till.store.put(charge)
    emit(till, "charge.succeeded", charge)
    intent |= {
        "amount_received": amount,
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "next_action": None,
        "payment_method": charge["payment_method"],
        "processing": None,
        "status": "succeeded",
    }
    till.store.put(intent)
    emit(till, "payment_intent.succeeded", intent)


def _refused(till: Till, intent: Body, charge: Body, method: Body, error: Body) -> None:
    charge |= {
        "failure_code": error["code"],
        "failure_message": error["message"],
        "outcome": payments.outcome(error["code"]),
        "status": "failed",
    }
    till.store.put(charge)
    emit(till, "charge.failed", charge)
    intent |= {
        "last_payment_error": {
            **error,
            "charge": charge["id"],
            "payment_method": visible(method),
            "type": "card_error",
        },
        "latest_charge": charge["id"],
        "next_action": None,
        "payment_method": None,
        "processing": None,
        "status": "requires_payment_method",
    }
    till.store.put(intent)
    emit(till, "payment_intent.payment_failed", intent)


def _ask(till: Till, intent: Body, return_url: str | None) -> Body:
    url = f"{till.settings.public_url}/authenticate/{intent['id']}"
    action = {"redirect_to_url": {"return_url": return_url, "url": url}, "type": "redirect_to_url"}
    intent |= {"next_action": action, "status": "requires_action"}
    till.store.put(intent)
    emit(till, "payment_intent.requires_action", intent)
    return intent


def _method(till: Till, method_id: str, customer_id: str | None) -> Body:
    """What is charged: a payment method that nobody has, or one of this customer."""
    if method_id in cards.TOKENS:
        return customers.new_card(till, cards.TOKENS[method_id], customer_id, keep=False)
    method = till.need("payment_method", method_id, param="payment_method", what="PaymentMethod")
    if method.get("_detached"):
        raise Problem(
            "The provided PaymentMethod was detached from a Customer. It may not be used again.",
            param="payment_method",
        )
    if method["customer"] is None:
        return method
    if customer_id is None:
        raise Problem(
            "The payment method you provided is attached to a customer so for security purposes you must provide the"
            " customer in the request.",
            param="payment_method",
        )
    return customers.attached(till, method_id, customer_id)


def _still(intent: Body, statuses: tuple[str, ...], what: str) -> Body:
    if intent["status"] not in statuses:
        raise unexpected_state(
            f"You cannot {what} this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent"
            f" with one of the following statuses may be used: {', '.join(statuses)}.",
            payment_intent=visible(intent),
        )
    return intent
