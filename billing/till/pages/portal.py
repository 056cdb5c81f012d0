"""The billing portal: the cards of a customer, to be added and removed."""

from django.utils.translation import gettext as _

from billing.till import customers, portal
from billing.till.cards import CARDS, named
from billing.till.http import Reply
from billing.till.pages.render import Visit, page, problem_page, redirect, speak
from billing.till.problems import Body


def show(visit: Visit, secret: str) -> Reply:
    session = portal.of_secret(visit.till, secret)
    if session is None:
        return problem_page(visit, 404, _("This link is not valid. Open the page from the shop again."))
    speak(session["locale"])
    customer = visit.till.need("customer", session["customer"])
    default = customer["invoice_settings"]["default_payment_method"]
    context = {
        "cards": [_card(method, default) for method in _methods(visit, customer)],
        "customer": customer["name"] or customer["email"] or customer["id"],
        "return_url": session["return_url"],
    }
    return page(visit, "portal.html", context)


def act(visit: Visit, secret: str) -> Reply:
    till = visit.till
    session = portal.of_secret(till, secret)
    if session is None:
        return problem_page(visit, 404, _("This link is not valid. Open the page from the shop again."))
    with till.transaction():
        customer = till.need("customer", session["customer"])
        if visit.form.get("action") == "remove":
            method = customers.attached(till, visit.form.get("method", ""), customer["id"])
            customers.detach(till, method["id"])
        else:
            card = CARDS.get(visit.form.get("card", ""), CARDS["works"])
            method = customers.new_card(till, card, customer["id"], keep=True)
            customers.make_default(till, customer, method["id"])
    return redirect(f"/portal/{secret}")


def _methods(visit: Visit, customer: Body) -> list[Body]:
    return visit.till.store.find("payment_method", equal={"customer": customer["id"]})


def _card(method: Body, default: str | None) -> Body:
    behaviour = {
        "": _("It works."),
        "card_declined": _("It is declined when it is charged later."),
        "authentication_required": _("It asks for you when it is charged later."),
    }
    return {
        "behaviour": behaviour[named(method["_card"]).later],
        "id": method["id"],
        "is_default": method["id"] == default,
        "last4": method["card"]["last4"],
    }
