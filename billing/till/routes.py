"""What the till understands of Stripe's API: method, path, the library's parameters, what answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from billing.till import customers, endpoints, intents, lists, portal, returns, sessions
from billing.till.objects import visible
from billing.till.problems import Body, Problem
from billing.till.till import Till

Answer = Callable[[Till, list[str], Body, str], Body]
EXPAND = frozenset({"expand"})
OF_PAYMENT = lists.PAGING | {"charge", "customer", "payment_intent"}


@dataclass(frozen=True, slots=True)
class Route:
    """`path` has `*` for ids; `known` are the parameters that mean something here."""

    method: str
    path: str
    params: str
    known: frozenset[str]
    answer: Answer

    def match(self, method: str, path: str) -> list[str] | None:
        found = re.fullmatch(self.path.replace("*", "([^/]+)"), path) if method == self.method else None
        return list(found.groups()) if found else None


def _one(kind: str, name: str = "") -> Answer:
    return lambda till, ids, _params, _url: till.need(kind, ids[0], what=name)


def _some(kind: str, *filters: str) -> Answer:
    def answer(till: Till, _ids: list[str], params: Body, url: str) -> Body:
        equal = {name: params[name] for name in filters if name in params}
        return lists.page(till, kind, params, url, equal=equal)

    return answer


def _events(till: Till, _ids: list[str], params: Body, url: str) -> Body:
    equal: Body = {}
    if "delivery_success" in params:
        equal["pending_webhooks"] = int(not params["delivery_success"])
    types = [*params.get("types", []), *([params["type"]] if "type" in params else [])]
    return lists.page(till, "event", params, url, equal=equal, types=types)


def _get(path: str, params: str, answer: Answer, known: frozenset[str] = EXPAND) -> Route:
    return Route("GET", path, params, known, answer)


def _post(path: str, params: str, known: frozenset[str], answer: Answer) -> Route:
    return Route("POST", path, params, known, answer)


ROUTES = [
    # People
    _post("customers", "CustomerCreateParams", customers.KNOWN, lambda t, _i, p, _u: customers.create(t, p)),
    _get("customers", "CustomerListParams", _some("customer", "email"), lists.PAGING | {"email"}),
    _get("customers/*", "CustomerRetrieveParams", _one("customer")),
    _post(
        "customers/*",
        "CustomerUpdateParams",
        customers.KNOWN,
        lambda t, i, p, _u: customers.update(t, i[0], p),
    ),
    _get(
        "customers/*/payment_methods",
        "CustomerListPaymentMethodsParams",
        lambda t, i, p, u: customers.list_methods(t, p, u, i[0]),
        lists.PAGING | {"allow_redisplay", "type"},
    ),
    _get(
        "payment_methods",
        "PaymentMethodListParams",
        lambda t, _i, p, u: customers.list_methods(t, p, u),
        lists.PAGING | {"allow_redisplay", "customer", "type"},
    ),
    _get("payment_methods/*", "PaymentMethodRetrieveParams", _one("payment_method", "PaymentMethod")),
    _post(
        "payment_methods/*/detach",
        "PaymentMethodDetachParams",
        EXPAND,
        lambda t, i, _p, _u: customers.detach(t, i[0]),
    ),
    _post(
        "billing_portal/sessions",
        "billing_portal.SessionCreateParams",
        portal.KNOWN,
        lambda t, _i, p, _u: portal.create(t, p),
    ),
    # Checkout
    _post(
        "checkout/sessions",
        "checkout.SessionCreateParams",
        sessions.KNOWN,
        lambda t, _i, p, _u: sessions.create(t, p),
    ),
    _get(
        "checkout/sessions",
        "checkout.SessionListParams",
        _some("checkout.session", "customer", "payment_intent", "status"),
        lists.PAGING | {"customer", "payment_intent", "status"},
    ),
    _get("checkout/sessions/*", "checkout.SessionRetrieveParams", _one("checkout.session")),
    _post(
        "checkout/sessions/*/expire",
        "checkout.SessionExpireParams",
        EXPAND,
        lambda t, i, _p, _u: sessions.expire(t, i[0]),
    ),
    _get(
        "checkout/sessions/*/line_items",
        "checkout.SessionListLineItemsParams",
        lambda t, i, p, u: sessions.line_items(t, i[0], p, u),
        lists.PAGING,
    ),
    # Payments
    _post(
        "payment_intents",
        "PaymentIntentCreateParams",
        intents.KNOWN,
        lambda t, _i, p, _u: intents.create(t, p),
    ),
    _get(
        "payment_intents",
        "PaymentIntentListParams",
        _some("payment_intent", "customer"),
        lists.PAGING | {"customer"},
    ),
    _get("payment_intents/*", "PaymentIntentRetrieveParams", _one("payment_intent")),
    _post(
        "payment_intents/*/confirm",
        "PaymentIntentConfirmParams",
        frozenset({"error_on_requires_action", "expand", "off_session", "payment_method", "return_url"}),
        lambda t, i, p, _u: intents.confirm(t, intents.retrieve(t, i[0]), p),
    ),
    _post(
        "payment_intents/*/cancel",
        "PaymentIntentCancelParams",
        EXPAND | {"cancellation_reason"},
        lambda t, i, p, _u: intents.cancel(t, i[0], p),
    ),
    _get("setup_intents/*", "SetupIntentRetrieveParams", _one("setup_intent")),
    _get("charges", "ChargeListParams", _some("charge", "customer", "payment_intent"), OF_PAYMENT),
    _get("charges/*", "ChargeRetrieveParams", _one("charge")),
    # What goes back
    _post("refunds", "RefundCreateParams", returns.KNOWN, lambda t, _i, p, _u: returns.create_refund(t, p)),
    _get("refunds", "RefundListParams", _some("refund", "charge", "payment_intent"), OF_PAYMENT),
    _get("refunds/*", "RefundRetrieveParams", _one("refund")),
    _get("disputes", "DisputeListParams", _some("dispute", "charge", "payment_intent"), OF_PAYMENT),
    _get("disputes/*", "DisputeRetrieveParams", _one("dispute")),
    _get(
        "radar/early_fraud_warnings",
        "radar.EarlyFraudWarningListParams",
        _some("radar.early_fraud_warning", "charge", "payment_intent"),
        OF_PAYMENT,
    ),
    _get(
        "radar/early_fraud_warnings/*",
        "radar.EarlyFraudWarningRetrieveParams",
        _one("radar.early_fraud_warning"),
    ),
    # Papers and news
    _get("invoices/*", "InvoiceRetrieveParams", _one("invoice")),
    _get(
        "promotion_codes", "PromotionCodeListParams", _some("promotion_code", "code"), lists.PAGING | {"code"}
    ),
    _get("promotion_codes/*", "PromotionCodeRetrieveParams", _one("promotion_code")),
    _get("coupons/*", "CouponRetrieveParams", _one("coupon")),
    _get("balance_transactions/*", "BalanceTransactionRetrieveParams", _one("balance_transaction")),
    _get("events", "EventListParams", _events, lists.PAGING | {"delivery_success", "type", "types"}),
    _get("events/*", "EventRetrieveParams", _one("event")),
    _get(
        "webhook_endpoints",
        "WebhookEndpointListParams",
        lambda t, _i, p, u: lists.page_of(endpoints.listed(t), p, u),
        lists.PAGING,
    ),
]


def find(method: str, path: str) -> tuple[Route, list[str]]:
    """The route of this path below /v1/ and the ids in it. Raises Problem."""
    for route in ROUTES:
        ids = route.match(method, path)
        if ids is not None:
            return route, ids
    raise Problem(f"Unrecognized request URL ({method}: /v1/{path}).", status=404)


def run(till: Till, route: Route, ids: list[str], params: Body, path: str) -> Body:
    """What the route answers, with what was asked to be expanded."""
    body = visible(route.answer(till, ids, params, path))
    return lists.expand(till, body, params.get("expand", []))
