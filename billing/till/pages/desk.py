"""The desk: every payment, and buttons for what banks and people do with it afterwards."""

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.till import events, intents, paying, returns
from billing.till.http import Reply
from billing.till.money import amount_of, digits, shown
from billing.till.pages.render import Visit, moment, page, redirect
from billing.till.problems import Body, Problem
from billing.till.till import Till

PAGE_LENGTH = 20
STATUSES = {
    "succeeded": gettext_lazy("paid"),
    "processing": gettext_lazy("on its way"),
    "requires_payment_method": gettext_lazy("declined"),
    "requires_confirmation": gettext_lazy("not tried yet"),
    "requires_action": gettext_lazy("asks for a person"),
    "canceled": gettext_lazy("canceled"),
}
DISPUTES = {
    "warning_needs_response": gettext_lazy("inquiry"),
    "warning_under_review": gettext_lazy("inquiry, answered"),
    "warning_closed": gettext_lazy("inquiry, closed"),
    "needs_response": gettext_lazy("disputed"),
    "under_review": gettext_lazy("disputed, answered"),
    "won": gettext_lazy("dispute won"),
    "lost": gettext_lazy("dispute lost"),
}
OPEN_INQUIRY, OPEN_DISPUTE = (
    ("warning_needs_response", "warning_under_review"),
    ("needs_response", "under_review"),
)


def show(visit: Visit, _name: str) -> Reply:
    store = visit.till.store
    before = dict(pair.partition("=")[::2] for pair in visit.request.query.split("&")).get("before")
    known = before if before and store.get(before, "payment_intent") else None
    found = store.find("payment_intent", older_than=known, limit=PAGE_LENGTH + 1)
    waiting = store.find("checkout.session", equal={"status": "open"}, limit=5)
    context = {
        "older": found[PAGE_LENGTH - 1]["id"] if len(found) > PAGE_LENGTH else "",
        "is_first": known is None,
        "payments": [_payment(visit.till, intent) for intent in found[:PAGE_LENGTH]],
        "waiting": [_waiting(session) for session in waiting],
        "webhook_url": visit.till.webhook_address,
        "others": [
            (f"/shops/{account}/" if account else "/", name)
            for account, name in {"": "", **dict(visit.shops())}.items()
            if account != visit.till.store.account
        ],
    }
    return page(visit, "desk.html", context)


def act(visit: Visit, _name: str) -> Reply:
    """Does it, and shows the payment again."""
    till, form = visit.till, visit.form
    intent_id = form.get("payment", "")
    action = ACTIONS.get(form.get("action", ""))
    if action is None:
        raise Problem(_("The till does not know this button."))
    with till.transaction():
        intent = till.need("payment_intent", intent_id)
        action(till, intent, form)
    return redirect(f"{till.desk_path}#{intent_id}")


# --- Buttons ------------------------------------------------------------------------------------


def _refund(till: Till, intent: Body, form: dict[str, str]) -> None:
    amount = amount_of(form.get("amount", ""), intent["currency"])
    if amount is None:
        raise Problem(_("“%(text)s” is no amount.") % {"text": form.get("amount", "")[:40]})
    returns.create_refund(till, {"payment_intent": intent["id"], "amount": amount})


def _resend(till: Till, intent: Body, _form: dict[str, str]) -> None:
    """All events that speak of it, the oldest first."""
    wanted = {intent["id"]}
    for body in till.store.find("charge", equal={"payment_intent": intent["id"]}):
        wanted.add(body["id"])
    for event in reversed(till.store.find("event", limit=1000)):
        about = event["data"]["object"]
        if about["id"] in wanted or about.get("payment_intent") in wanted:
            events.deliver(till, event["id"])


def _bank(arrives: bool) -> "Action":
    def act_for_bank(till: Till, intent: Body, _form: dict[str, str]) -> None:
        session_id = intent.get("_session", "")
        (paying.bank_arrives if arrives else paying.bank_fails)(till, session_id)

    return act_for_bank


Action = Callable[[Till, Body, dict[str, str]], object]
ACTIONS: dict[str, Action] = {
    "bank_arrives": _bank(arrives=True),
    "bank_fails": _bank(arrives=False),
    "refund": _refund,
    "fail_refund": lambda till, _intent, form: returns.fail_refund(till, form.get("refund", "")),
    "dispute": lambda till, intent, _form: returns.open_dispute(till, intent["id"]),
    "inquire": lambda till, intent, _form: returns.open_dispute(
        till, intent["id"], status="warning_needs_response"
    ),
    "escalate": lambda till, _intent, form: returns.escalate(till, form.get("dispute", "")),
    "close": lambda till, _intent, form: returns.close_dispute(
        till, form.get("dispute", ""), form.get("outcome", "")
    ),
    "warn": lambda till, intent, _form: returns.warn_of_fraud(till, intent["id"]),
    "resend": _resend,
}


# --- What is shown ------------------------------------------------------------------------------


def _payment(till: Till, intent: Body) -> Body:
    currency = intent["currency"]
    charge = till.store.get(intent["latest_charge"]) if intent["latest_charge"] else None
    refunds = till.store.find("refund", equal={"payment_intent": intent["id"]})
    disputes = till.store.find("dispute", equal={"payment_intent": intent["id"]})
    customer = till.store.get(intent["customer"]) if intent["customer"] else None
    paid = intent["status"] == "succeeded" and charge is not None
    gone = any(dispute["status"] in returns.MONEY_GONE for dispute in disputes)
    left = intent["amount"] - charge["amount_refunded"] if paid and charge else 0
    return {
        "amount": shown(intent["amount"], currency),
        "asks": intents.needs_person(intent),
        "can_dispute": paid
        and left > 0
        and not any(d["status"] in OPEN_INQUIRY + OPEN_DISPUTE for d in disputes),
        "customer": customer and (customer["name"] or customer["email"]),
        "description": intent["description"] or _name(till, intent),
        "disputes": [_dispute(dispute) for dispute in disputes],
        "id": intent["id"],
        "is_good": paid and not gone,
        "paid": paid,
        "processing": intent["status"] == "processing",
        "receipt": charge["receipt_url"] if charge else None,
        "refundable": digits(left, currency) if left and not gone else "",
        "currency": currency.upper(),
        "refunds": [_refunded(refund) for refund in refunds],
        "status": STATUSES[intent["status"]],
        "when": moment(intent["created"]),
    }


def _name(till: Till, intent: Body) -> str:
    session = till.store.get(intent.get("_session", ""))
    return ", ".join(item["description"] for item in session["_items"]) if session else _("A payment")


def _refunded(refund: Body) -> Body:
    return {
        "amount": shown(refund["amount"], refund["currency"]),
        "can_fail": refund["status"] == "succeeded",
        "id": refund["id"],
    }


def _dispute(dispute: Body) -> Body:
    return {
        "amount": shown(dispute["amount"], dispute["currency"]),
        "id": dispute["id"],
        "is_inquiry": dispute["status"] in OPEN_INQUIRY,
        "is_open": dispute["status"] in OPEN_DISPUTE,
        "status": DISPUTES[dispute["status"]],
    }


def _waiting(session: Body) -> Body:
    names = ", ".join(item["description"] for item in session["_items"])
    amount = shown(session["amount_total"], session["currency"]) if session["mode"] == "payment" else ""
    return {"amount": amount, "name": names or _("A card to be saved"), "url": f"/pay/{session['id']}"}
