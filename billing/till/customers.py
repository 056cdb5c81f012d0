"""Customers, and what they pay with."""

from typing import Any

from billing.till import cards, lists, objects
from billing.till.cards import Card
from billing.till.events import change, emit
from billing.till.objects import people
from billing.till.problems import Body, Problem
from billing.till.till import Till

KNOWN = frozenset(
    {"address", "business_name", "description", "email", "expand", "individual_name", "invoice_settings"}
    | {"metadata", "name", "phone", "preferred_locales", "tax_exempt"}
)


def create(till: Till, params: Body) -> Body:
    given = {name: value for name, value in _plain(params).items() if value is not None}
    body = people.customer(till.now(), given)
    if "invoice_settings" in params:
        raise Problem("A new customer has no payment method yet.", param="invoice_settings")
    till.store.put(body)
    emit(till, "customer.created", body)
    return body


def retrieve(till: Till, customer_id: str) -> Body:
    return till.need("customer", customer_id)


def update(till: Till, customer_id: str, params: Body) -> Body:
    body = till.need("customer", customer_id)
    changes = _plain(params)
    if "metadata" in params:
        changes["metadata"] = merged(body["metadata"], params["metadata"])
    if "invoice_settings" in params:
        method_id = params["invoice_settings"].get("default_payment_method", "")
        if method_id:
            attached(till, method_id, customer_id, param="invoice_settings[default_payment_method]")
        changes["invoice_settings"] = body["invoice_settings"] | {"default_payment_method": method_id or None}
    return change(till, "customer.updated", body, **changes)


def _plain(params: Body) -> Body:
    """What is stored as it was sent; an empty text unsets."""
    changes: Body = {}
    for name, value in params.items():
        if name in ("invoice_settings", "expand"):
            continue
        if name == "address":
            value = {**objects.NO_ADDRESS, **value} if value else None  # noqa: PLW2901
        elif name == "metadata":
            value = merged({}, value)  # noqa: PLW2901
        changes[name] = value if value != "" else None
    return changes


def merged(before: Body, given: Any) -> Body:
    """Metadata after an update: an empty value unsets its key, an empty text all of them."""
    if given == "":
        return {}
    return {key: value for key, value in (before | given).items() if value != ""}


# --- Payment methods ----------------------------------------------------------------------------


def new_card(till: Till, card: Card, customer_id: str | None, *, keep: bool) -> Body:
    """A card that was typed in; with `keep` the customer has it from now on."""
    customer = till.store.get(customer_id) if customer_id else None
    known: Body = customer or {}
    details = people.billing_details(known.get("email"), known.get("name"), known.get("address"))
    method = till.store.put(people.card(till.now(), card, details))
    return attach(till, method, customer_id) if keep and customer_id else method


def new_bank_account(till: Till, currency: str, email: str | None) -> Body:
    kind = cards.bank_for(currency)
    return till.store.put(people.bank_account(till.now(), kind, people.billing_details(email)))


def attach(till: Till, method: Body, customer_id: str) -> Body:
    method |= {"customer": customer_id, "allow_redisplay": "limited"}
    till.store.put(method)
    emit(till, "payment_method.attached", method)
    return method


def detach(till: Till, method_id: str) -> Body:
    method = till.need("payment_method", method_id, what="PaymentMethod")
    customer_id = method["customer"]
    if customer_id is None:
        raise Problem(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    change(till, "payment_method.detached", method, customer=None, _detached=True)
    customer = till.need("customer", customer_id)
    if customer["invoice_settings"]["default_payment_method"] == method_id:
        make_default(till, customer, None)
    return method


def make_default(till: Till, customer: Body, method_id: str | None) -> Body:
    settings = customer["invoice_settings"] | {"default_payment_method": method_id}
    return change(till, "customer.updated", customer, invoice_settings=settings)


def attached(till: Till, method_id: str, customer_id: str, *, param: str = "payment_method") -> Body:
    """The customer's payment method. Raises Problem, also when it is somebody else's."""
    method = till.need("payment_method", method_id, param=param, what="PaymentMethod")
    if method["customer"] != customer_id:
        raise Problem(
            f"The customer does not have a payment method with the ID {method_id}."
            " The payment method must be attached to the customer.",
            param=param,
        )
    return method


def use_card(till: Till, customer_id: str, card: Card) -> Body:
    """From now on the customer's saved cards do what `card` does; without one, such a card is saved."""
    till.need("customer", customer_id)
    methods = till.store.find("payment_method", equal={"customer": customer_id})
    for method in methods:
        if method["type"] == "card":
            method |= {"_card": card.name, "card": method["card"] | {"last4": card.last4}}
            till.store.put(method)
    return methods[0] if methods else new_card(till, card, customer_id, keep=True)


def list_methods(till: Till, params: Body, url: str, customer_id: str = "") -> Body:
    wanted = customer_id or params.get("customer")
    if not wanted:
        raise Problem("Missing required param: customer.", code="parameter_missing", param="customer")
    till.need("customer", wanted, param="" if customer_id else "customer")
    equal = {"customer": wanted} | {
        name: params[name] for name in ("type", "allow_redisplay") if name in params
    }
    return lists.page(till, "payment_method", params, url, equal=equal)
