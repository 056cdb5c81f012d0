"""The page of a payment that asks for a person, as a card's bank would show it."""

from django.utils.translation import gettext as _

from billing.till import intents
from billing.till.http import Reply
from billing.till.money import shown
from billing.till.pages.render import Visit, page, redirect
from billing.till.problems import Body


def show(visit: Visit, intent_id: str) -> Reply:
    intent = visit.till.need("payment_intent", intent_id, what="payment")
    return _page(visit, intent)


def act(visit: Visit, intent_id: str) -> Reply:
    till = visit.till
    with till.transaction():
        intent = till.need("payment_intent", intent_id, what="payment")
        if not intents.needs_person(intent):
            return _page(visit, intent)
        back = ((intent["next_action"] or {}).get("redirect_to_url") or {}).get("return_url")
        if visit.form.get("action") == "confirm":
            intent = intents.authenticate(till, intent_id)
        else:
            method_id = intent["payment_method"] or intent["last_payment_error"]["payment_method"]["id"]
            method = till.need("payment_method", method_id)
            intents.refuse(till, intent, method, "authentication_required")
    return redirect(back) if back else _page(visit, intent)


def _page(visit: Visit, intent: Body) -> Reply:
    back = ((intent["next_action"] or {}).get("redirect_to_url") or {}).get("return_url")
    context = {
        "amount": shown(intent["amount"], intent["currency"]),
        "asks": intents.needs_person(intent),
        "description": intent["description"] or _("A payment"),
        "paid": intent["status"] == "succeeded",
    }
    return page(visit, "authenticate.html", context, leads_to=(back,))
