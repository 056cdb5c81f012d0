"""The pay page: what Stripe's hosted checkout is, with buttons for how it ends."""

from dataclasses import dataclass
from urllib.parse import quote

from django.utils.translation import gettext as _

from billing.till import paying
from billing.till.cards import CARDS
from billing.till.http import Reply
from billing.till.money import shown
from billing.till.pages.render import Visit, page, redirect, speak
from billing.till.problems import Body


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    amount: str
    detail: str = ""


def show(visit: Visit, session_id: str) -> Reply:
    session = visit.till.need("checkout.session", session_id, what="checkout")
    speak(session["locale"])
    return _page(visit, session) if session["status"] == "open" else _closed(visit, session)


def act(visit: Visit, session_id: str) -> Reply:
    till, form = visit.till, visit.form
    session = till.need("checkout.session", session_id, what="checkout")
    speak(session["locale"])
    if session["status"] != "open":
        return _closed(visit, session)
    code, accepted = form.get("code", ""), form.get("terms") == "accepted"
    try:
        with till.transaction():
            match form.get("action"):
                case "pay":
                    card = CARDS.get(form.get("card", ""), CARDS["works"])
                    done = paying.pay(till, session_id, card=card, promotion_code=code, accepted=accepted)
                case "bank":
                    done = paying.pay_by_bank(till, session_id, promotion_code=code, accepted=accepted)
                case "decline":
                    paying.decline(till, session_id, promotion_code=code, accepted=accepted)
                    declined = till.need("checkout.session", session_id)
                    return _page(visit, declined, problem=_declined(declined), status=402)
                case _:
                    return _with_code(visit, session, code)
    except paying.TermsNotAccepted:
        terms = _("Please accept the terms of service first.")
        return _page(visit, session, problem=terms, where="terms", status=400)
    except paying.UnknownCode:
        return _page(visit, session, problem=_unknown(code), where="code", status=400)
    return redirect(_back(done, done["success_url"]))


def _with_code(visit: Visit, session: Body, code: str) -> Reply:
    try:
        paying.apply_code(visit.till, session, code)
    except paying.UnknownCode:
        return _page(visit, session, problem=_unknown(code), where="code", status=400)
    visit.till.store.put(session)
    return redirect(f"/pay/{session['id']}")


def _unknown(code: str) -> str:
    return _("“%(code)s” is not a code of this shop. HALF and FREE are.") % {"code": code}


def _declined(session: Body) -> str:
    if paying.takes_bank(session):
        return _("The card was declined, and nothing was charged. Try another card, or pay by bank.")
    return _("The card was declined, and nothing was charged. Try another card.")


def _page(visit: Visit, session: Body, *, problem: str = "", where: str = "", status: int = 200) -> Reply:
    setup = session["mode"] == "setup"
    total = None if setup else shown(session["amount_total"], session["currency"])
    context = {
        "allow_codes": session["allow_promotion_codes"] and not session["discounts"],
        "asks_for_terms": paying.asks_for_terms(session),
        "cancel_url": _back(session, session["cancel_url"]),
        "free": not setup and session["amount_total"] == 0,
        "keeps_card": setup or "setup_future_usage" in session["_intent_data"],
        "lines": [] if setup else _lines(session),
        "problem": problem,
        "setup": setup,
        "takes_bank": paying.takes_bank(session) and session["amount_total"] > 0,
        "total": total,
        "where": where,
    }
    leads_to = (session["success_url"], session["cancel_url"])
    return page(visit, "pay.html", context, status=status, leads_to=leads_to)


def _lines(session: Body) -> list[Line]:
    currency, details = session["currency"], session["total_details"]
    lines = []
    for item in session["_items"]:
        each = ""
        if item["quantity"] > 1:
            each = f"{item['quantity']} × {shown(item['price']['unit_amount'], currency)}"
        lines.append(Line(item["description"], shown(item["amount_subtotal"], currency), each))
    if session["discounts"]:
        lines.append(Line(_("Discount"), f"−{shown(details['amount_discount'], currency)}"))
    if session["automatic_tax"]["enabled"]:
        included = any(item["price"]["tax_behavior"] == "inclusive" for item in session["_items"])
        name = _("Tax, included") if included else _("Tax")
        lines.append(Line(name, shown(details["amount_tax"], currency), "19 %"))
    return lines


def _closed(visit: Visit, session: Body) -> Reply:
    paid = session["status"] == "complete"
    url = session["success_url"] if paid else session["cancel_url"]
    return page(visit, "closed.html", {"paid": paid, "back_url": _back(session, url)})


def _back(session: Body, url: str | None) -> str:
    return (url or "").replace("{CHECKOUT_SESSION_ID}", quote(session["id"]))
