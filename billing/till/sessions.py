"""Checkout sessions: how one is made. What people do with it is in paying.py."""

from urllib.parse import urlsplit

from billing.till import customers, intents, lists, totals
from billing.till.cards import bank_for
from billing.till.checks import check_step, check_url, known_currency
from billing.till.events import change, emit
from billing.till.money import least_charge, shown
from billing.till.objects import checkout, payments
from billing.till.problems import Body, Problem
from billing.till.promotions import of_discounts
from billing.till.till import Till

KNOWN = frozenset(
    {"adaptive_pricing", "allow_promotion_codes", "automatic_tax", "billing_address_collection"}
    | {"branding_settings", "cancel_url"}
    | {
        "client_reference_id",
        "consent_collection",
        "currency",
        "customer",
        "customer_creation",
        "customer_email",
    }
    | {"customer_update", "discounts", "expand", "expires_at", "invoice_creation", "line_items", "locale"}
    | {
        "metadata",
        "mode",
        "payment_intent_data",
        "allowed_payment_method_types",
        "saved_payment_method_options",
    }
    | {"setup_intent_data", "submit_type", "success_url", "tax_id_collection"}
)
# As they were sent.
KEPT: tuple[str, ...] = (
    "allow_promotion_codes",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer",
)
KEPT += ("customer_creation", "customer_email", "locale", "submit_type", "success_url")
SHORTEST_S, LONGEST_S = 30 * 60, 24 * 3600
# Parameters that say something about one mode alone.
ONLY_FOR = {
    "allow_promotion_codes": "payment",
    "discounts": "payment",
    "invoice_creation": "payment",
    "payment_intent_data": "payment",
    "setup_intent_data": "setup",
    "saved_payment_method_options": "payment",
}


def create(till: Till, params: Body) -> Body:
    mode = _need(params, "mode")
    if mode == "subscription":
        raise Problem("The till sells nothing by subscription.", param="mode")
    _check(till, params, mode)
    _note_shop(till, params)
    now = till.now()
    given = {name: params[name] for name in KEPT if name in params}
    given["metadata"] = customers.merged({}, params.get("metadata", {}))
    given["expires_at"] = _expiry(params, now)
    items = [_item(till, index, item) for index, item in enumerate(params.get("line_items", []))]
    currency = items[0]["currency"] if items else params.get("currency")
    session = checkout.session(now, mode, currency and known_currency(currency), given)
    session["url"] = f"{till.settings.public_url}/pay/{session['id']}"
    session["branding_settings"] |= params.get("branding_settings", {})
    _options(session, params)
    session |= {
        "_intent_data": params.get("payment_intent_data", {}),
        "_items": items,
        "_paid_by": None,
        "_update": params.get("customer_update", {}),
    }
    if mode == "payment":
        _sell(till, session, params)
    else:
        _set_up(till, session, params.get("setup_intent_data", {}))
    till.store.put(session)
    return session


def retrieve(till: Till, session_id: str) -> Body:
    return till.need("checkout.session", session_id)


def line_items(till: Till, session_id: str, params: Body, url: str) -> Body:
    return lists.page_of(retrieve(till, session_id)["_items"], params, url)


def expire(till: Till, session_id: str) -> Body:
    session = retrieve(till, session_id)
    if session["status"] != "open":
        raise Problem(
            'Only Checkout Sessions with a status in ["open"] can be expired.'
            f" This Checkout Session has a status of {session['status']}."
        )
    intent = till.store.get(session["payment_intent"]) if session["payment_intent"] else None
    if intent is not None:
        intents.give_up(till, intent, "automatic")
    change(till, "", session, status="expired", url=None)
    emit(till, "checkout.session.expired", session)
    return session


def expire_late(till: Till | None, session_id: str) -> None:
    """One that is open, and whose time is over; none for an account that has no till any more."""
    if till is not None:
        with till.transaction():
            expire(till, session_id)


# --- What is asked for --------------------------------------------------------------------------


def _note_shop(till: Till, params: Body) -> None:
    """What the shop is called, and where it is: its events go there. Raises Problem."""
    branding = params.get("branding_settings", {})
    unheard = sorted(set(branding) - {"display_name"})
    if unheard:
        name = f"branding_settings[{unheard[0]}]"
        raise Problem(f"The till ignores {name}.", code="parameter_unsupported", param=name)
    host = urlsplit(params["success_url"]).netloc
    till.store.note_shop(host if host.isascii() else "", branding.get("display_name", ""))


def _need(params: Body, name: str) -> str:
    if name not in params:
        raise Problem(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return str(params[name])


def _check(till: Till, params: Body, mode: str) -> None:
    _need(params, "success_url")
    for name in ("success_url", "cancel_url"):
        if name in params:
            check_url(params[name], param=name)
    for name, only in ONLY_FOR.items():
        if name in params and mode != only:
            raise Problem(f"You can not pass `{name}` in `{mode}` mode.", param=name)
    for one, other in (("customer", "customer_email"), ("allow_promotion_codes", "discounts")):
        if one in params and other in params:
            raise Problem(f"You may only specify one of these parameters: {one}, {other}.", param=one)
    if mode == "payment":
        if not params.get("line_items"):
            raise Problem("Missing required param: line_items.", code="parameter_missing", param="line_items")
    elif "allowed_payment_method_types" not in params:
        _need(params, "currency")
    if "customer" in params:
        _check_customer(till, params)
    elif "customer_update" in params:
        raise Problem("`customer_update` can only be used with `customer`.", param="customer_update")


def _check_customer(till: Till, params: Body) -> None:
    customer = till.need("customer", params["customer"], param="customer")
    update = params.get("customer_update", {})
    taxed = params.get("automatic_tax", {}).get("enabled")
    country = (customer["address"] or {}).get("country")
    if taxed and not country and update.get("address") != "auto":
        raise Problem(
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to"
            " the Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to"
            " 'auto' to save the address entered in Checkout to the Customer.",
            code="customer_tax_location_invalid",
            param="automatic_tax",
        )
    if params.get("tax_id_collection", {}).get("enabled") and update.get("name") != "auto":
        raise Problem(
            "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an"
            " existing customer, please set `customer_update[name]` to `auto`.",
            param="tax_id_collection",
        )


def _expiry(params: Body, now: int) -> int:
    expires_at: int = params.get("expires_at", now + LONGEST_S)
    if not now + SHORTEST_S - 60 <= expires_at <= now + LONGEST_S + 60:  # a minute for clocks that differ
        raise Problem(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours after the Checkout Session creation.",
            param="expires_at",
        )
    return expires_at


def _item(till: Till, index: int, given: Body) -> Body:
    name = f"line_items[{index}]"
    if "price_data" not in given:
        raise Problem(f"The till knows prices by `price_data` alone: {name}.", param=f"{name}[price_data]")
    data = given["price_data"]
    for wanted, where in (("quantity", given), ("product_data", data), ("unit_amount", data)):
        if wanted not in where:
            full = f"{name}[{wanted}]" if where is given else f"{name}[price_data][{wanted}]"
            raise Problem(f"Missing required param: {full}.", code="parameter_missing", param=full)
    if data["unit_amount"] < 0 or given["quantity"] < 1:
        raise Problem("Invalid non-negative integer", code="parameter_invalid_integer", param=name)
    currency = known_currency(data["currency"])
    check_step(data["unit_amount"], currency, param=f"{name}[price_data][unit_amount]")
    now = till.now()
    product = till.store.put(checkout.product(now, data["product_data"]))
    behavior = data.get("tax_behavior", "unspecified")
    price = till.store.put(checkout.price(now, product["id"], currency, data["unit_amount"], behavior))
    return checkout.line_item(price, product["name"], given["quantity"], given.get("metadata", {}))


def _options(session: Body, params: Body) -> None:
    """What is shown again in a fuller shape than it was sent in."""
    if "automatic_tax" in params:
        enabled = params["automatic_tax"]["enabled"]
        session["automatic_tax"] = {
            "enabled": enabled,
            "liability": {"type": "self"} if enabled else None,
            "provider": "stripe" if enabled else None,
            "status": "requires_location_inputs" if enabled else None,
        }
    if "adaptive_pricing" in params:
        session["adaptive_pricing"] = {"enabled": params["adaptive_pricing"].get("enabled", False)}
    if "consent_collection" in params:
        asked = {"payment_method_reuse_agreement": None, "promotions": None, "terms_of_service": None}
        session["consent_collection"] = asked | params["consent_collection"]
    if "saved_payment_method_options" in params:
        options = {"allow_redisplay_filters": ["always"], "payment_method_remove": "disabled"}
        options |= {"payment_method_save": "disabled"}
        session["saved_payment_method_options"] = options | params["saved_payment_method_options"]
    if "tax_id_collection" in params:
        session["tax_id_collection"] = {"required": "never"} | params["tax_id_collection"]
    if session["mode"] == "payment":
        creation = params.get("invoice_creation", {"enabled": False})
        session["invoice_creation"] = checkout.invoice_creation(creation)
    bank = [bank_for(session["currency"])] if session["currency"] and session["mode"] == "payment" else []
    session["payment_method_types"] = params.get("allowed_payment_method_types", ["card", *bank])


def _sell(till: Till, session: Body, params: Body) -> None:
    currency = session["currency"]
    if any(item["currency"] != currency for item in session["_items"]):
        raise Problem("All line items must have the same currency.", param="line_items")
    if str(params.get("currency", currency)).lower() != currency:
        raise Problem("`currency` differs from that of the line items.", param="currency")
    session["discounts"], percent_off = of_discounts(till, params.get("discounts", []))
    totals.count(session, percent_off)
    total = session["amount_total"]
    least = least_charge(currency)
    if 0 < total < least:
        raise Problem(
            f"The Checkout Session's total amount due must add up to at least {shown(least, currency)}",
            code="amount_too_small",
        )


def _set_up(till: Till, session: Body, data: Body) -> None:
    """In setup mode the intent is there from the start."""
    given = {"customer": session["customer"], "description": data.get("description")}
    given |= {"metadata": data.get("metadata", {}), "payment_method_types": session["payment_method_types"]}
    intent = till.store.put(payments.setup_intent(till.now(), given))
    emit(till, "setup_intent.created", intent)
    session["setup_intent"] = intent["id"]
