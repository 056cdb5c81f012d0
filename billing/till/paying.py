"""What people do with a checkout session: pay, be declined, pay by bank."""

from typing import Any

from billing.till import customers, intents, invoices, promotions, totals
from billing.till.cards import CARDS, DECLINED, Card, bank_for
from billing.till.events import change, emit
from billing.till.objects import NO_ADDRESS, checkout, payments
from billing.till.problems import Body, CardProblem, Problem, unexpected_state
from billing.till.till import Till

# Whose address is asked for lives here: the one place that the till knows a tax of.
ADDRESS = NO_ADDRESS | {
    "city": "Berlin",
    "country": "DE",
    "line1": "Unter den Linden 1",
    "postal_code": "10117",
}
SOMEBODY = "somebody@till.example"


class TermsNotAccepted(Problem):
    """The shop's terms must be accepted first."""


class UnknownCode(Problem):
    """There is no such promotion code, or none is allowed."""


def pay(
    till: Till,
    session_id: str,
    *,
    card: Card = CARDS["works"],
    promotion_code: str = "",
    accepted: bool = True,
) -> Body:
    """Completes it, the card at hand; the session. Raises Problem."""
    session = _begin(till, session_id, promotion_code, accepted)
    keep = session["mode"] == "setup" or "setup_future_usage" in session["_intent_data"]
    if session["mode"] == "setup":
        customer_id = _customer(till, session, needed=True)
        method = customers.new_card(till, card, customer_id, keep=True)
        _set_up(till, session, method)
        return _complete(till, session)
    if session["amount_total"] == 0:
        return _give_away(till, session)
    customer_id = _customer(till, session, needed=keep)
    intent = _intent(till, session, customer_id)
    method = customers.new_card(till, card, customer_id, keep=keep)
    intents.succeed(till, intent, method)
    return _complete(till, session, payment_status="paid")


def decline(till: Till, session_id: str, *, promotion_code: str = "", accepted: bool = True) -> CardProblem:
    """The bank refuses the card; the session stays open, and the error is what people are told."""
    session = _begin(till, session_id, promotion_code, accepted)
    if session["mode"] == "setup":
        return CardProblem("Your card was declined.", code="card_declined", decline_code="generic_decline")
    customer_id = _customer(till, session, needed=False)
    intent = _intent(till, session, customer_id)
    till.store.put(session)
    method = customers.new_card(till, DECLINED, customer_id, keep=False)
    return intents.refuse(till, intent, method, "card_declined")


def pay_by_bank(till: Till, session_id: str, *, promotion_code: str = "", accepted: bool = True) -> Body:
    """Completes it, unpaid until the bank's money arrives."""
    session = _begin(till, session_id, promotion_code, accepted)
    if not takes_bank(session):
        raise unexpected_state("This checkout takes no payment by bank.", code="payment_method_unavailable")
    if session["amount_total"] == 0:
        return _give_away(till, session)
    intent = _intent(till, session, _customer(till, session, needed=False))
    method = customers.new_bank_account(till, session["currency"], session["customer_details"]["email"])
    intents.process(till, intent, method)
    return _complete(till, session, payment_status="unpaid")


def takes_bank(session: Body) -> bool:
    return session["mode"] == "payment" and bank_for(session["currency"]) in session["payment_method_types"]


def bank_arrives(till: Till, session_id: str) -> Body:
    session, intent = _by_bank(till, session_id)
    intents.arrive(till, intent)
    change(till, "", session, payment_status="paid")
    _bill(till, session)
    emit(till, "checkout.session.async_payment_succeeded", session)
    return session


def bank_fails(till: Till, session_id: str) -> Body:
    session, intent = _by_bank(till, session_id)
    intents.bounce(till, intent)
    emit(till, "checkout.session.async_payment_failed", session)
    return session


# --- Steps --------------------------------------------------------------------------------------


def _begin(till: Till, session_id: str, promotion_code: str, accepted: bool) -> Body:
    session = till.need("checkout.session", session_id)
    if session["status"] != "open":
        raise unexpected_state(f"This checkout is {session['status']}.", code="checkout_not_open")
    if promotion_code.strip():
        apply_code(till, session, promotion_code)
    if asks_for_terms(session):
        if not accepted:
            raise TermsNotAccepted("The terms of service must be accepted.", param="terms_of_service")
        session["consent"] = {"promotions": None, "terms_of_service": "accepted"}
    email = session["customer_email"] or SOMEBODY
    name = None
    if session["customer"]:
        customer = till.need("customer", session["customer"])
        email, name = customer["email"] or email, customer["name"]
    taxed = session["automatic_tax"]["enabled"]
    asked = taxed or session["billing_address_collection"] == "required"
    session["customer_details"] = checkout.customer_details(email, name, ADDRESS if asked else None)
    if taxed:
        session["automatic_tax"] |= {"status": "complete"}
    return session


def asks_for_terms(session: Body) -> bool:
    return (session["consent_collection"] or {}).get("terms_of_service") == "required"


def apply_code(till: Till, session: Body, code: str) -> None:
    """Counts the session anew with the code. Raises UnknownCode."""
    found = promotions.by_code(till, code) if session["allow_promotion_codes"] else None
    if found is None:
        raise UnknownCode("This code is not valid.", param="promotion_code")
    session["discounts"], percent_off = promotions.of_discounts(till, [{"promotion_code": found["id"]}])
    totals.count(session, percent_off)


def _customer(till: Till, session: Body, *, needed: bool) -> str | None:
    """The session's customer; a new one where the card must belong to somebody, or the shop wants one always."""
    details = session["customer_details"]
    if session["customer"] is None and (needed or session["customer_creation"] == "always"):
        customer = customers.create(till, {"email": details["email"]})
        session["customer"] = customer["id"]
    customer_id: str | None = session["customer"]
    if customer_id and session["_update"].get("address") == "auto" and details["address"]:
        customers.update(till, customer_id, {"address": details["address"]})
    return customer_id


def _intent(till: Till, session: Body, customer_id: str | None) -> Body:
    """The session's intent, made when somebody first tries to pay."""
    if session["payment_intent"]:
        intent = till.need("payment_intent", session["payment_intent"])
        # A code may have been entered since the first try.
        return till.store.put(intent | {"amount": session["amount_total"], "customer": customer_id})
    data: Body = session["_intent_data"]
    given: dict[str, Any] = {name: value for name, value in data.items() if name in intents.KEPT}
    given |= {"customer": customer_id, "payment_method_types": session["payment_method_types"]}
    given["_session"] = session["id"]
    intent = payments.payment_intent(till.now(), session["amount_total"], session["currency"], given)
    till.store.put(intent)
    emit(till, "payment_intent.created", intent)
    session["payment_intent"] = intent["id"]
    return intent


def _give_away(till: Till, session: Body) -> Body:
    """All of it is taken off: nobody is charged, and there is no intent."""
    _customer(till, session, needed=False)
    return _complete(till, session, payment_status="no_payment_required")


def _set_up(till: Till, session: Body, method: Body) -> None:
    intent = till.need("setup_intent", session["setup_intent"])
    intent |= {"customer": session["customer"], "payment_method": method["id"], "status": "succeeded"}
    till.store.put(intent)
    emit(till, "setup_intent.succeeded", intent)


def _complete(till: Till, session: Body, **changes: Any) -> Body:
    session |= {"status": "complete", "url": None, **changes}
    promotions.redeem(till, session["discounts"])
    if session["payment_status"] != "unpaid":
        _bill(till, session)
    till.store.put(session)
    emit(till, "checkout.session.completed", session)
    return session


def _bill(till: Till, session: Body) -> None:
    if session["mode"] == "payment" and session["invoice_creation"]["enabled"]:
        session["invoice"] = invoices.of_session(till, session)["id"]
        till.store.put(session)


def _by_bank(till: Till, session_id: str) -> tuple[Body, Body]:
    session = till.need("checkout.session", session_id)
    intent = till.need("payment_intent", session["payment_intent"] or "")
    if session["status"] != "complete" or intent["status"] != "processing":
        raise unexpected_state("No payment by bank is on its way here.")
    return session, intent
