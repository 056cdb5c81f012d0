"""`POST /control/<what>`: everything that people and banks do, for tests. JSON in, JSON out, by the secret key of
the account that it is about.
"""

import inspect
import json
from collections.abc import Callable
from typing import Any

from billing.till import customers, deliveries, events, intents, paying, promotions, returns, sessions
from billing.till.accounts import Accounts
from billing.till.api import key_of
from billing.till.cards import CARDS, Card
from billing.till.http import Reply, Request, json_reply
from billing.till.objects import visible
from billing.till.problems import Body, Problem
from billing.till.store import Store
from billing.till.till import CLOCK, Till


def _card(name: str) -> Card:
    if name not in CARDS:
        raise Problem(f"A card is one of {', '.join(CARDS)}.", param="card")
    return CARDS[name]


def pay(till: Till, session_id: str, card: str = "works", promotion_code: str = "") -> Body:
    return paying.pay(till, session_id, card=_card(card), promotion_code=promotion_code)


def decline(till: Till, session_id: str) -> Body:
    return paying.decline(till, session_id).body


def pay_by_bank(till: Till, session_id: str, promotion_code: str = "") -> Body:
    return paying.pay_by_bank(till, session_id, promotion_code=promotion_code)


def refund(till: Till, payment_intent: str, amount: int | None = None) -> Body:
    wanted = {} if amount is None else {"amount": amount}
    return returns.create_refund(till, {"payment_intent": payment_intent, **wanted})


def use_card(till: Till, customer_id: str, card: str) -> Body:
    return customers.use_card(till, customer_id, _card(card))


def find_events(till: Till, type: str | None = None) -> Body:  # noqa: A002 - Stripe's name
    """Oldest first, as they happened."""
    found = till.store.find("event", types=[type] if type else ())
    return {"events": [visible(event) for event in reversed(found)]}


def signed(till: Till, event: Body) -> Body:
    body, headers = deliveries.signed(till, event)
    return {"body": body, "headers": headers}


def resend(till: Till, event: str) -> Body:
    events.deliver(till, till.need("event", event)["id"])
    return {}


def waiting(till: Till) -> Body:
    """The events that nobody has taken yet."""
    sql = "SELECT event, attempts, last_status FROM deliveries WHERE account = ? ORDER BY seq"
    rows = till.store.rows(sql, till.store.account)
    return {"waiting": [dict(zip(("event", "attempts", "last_status"), row, strict=True)) for row in rows]}


def advance(till: Till, seconds: int) -> Body:
    Store(till.store.database).add_to(CLOCK, seconds)
    return {"now": till.now()}


def log(till: Till) -> Body:
    return {"requests": till.log.all()}


def forget(accounts: Accounts) -> Body:
    """All of them, as at its first start, but for how they behave. Raises Problem while somebody is still to hear of an
    event.
    """
    if accounts.database.rows("SELECT 1 FROM deliveries LIMIT 1"):
        raise Problem("Events are still on their way.", status=409)
    accounts.database.forget()
    for till in accounts.opened():
        till.log.entries.clear()
        promotions.ensure(till)
    return {}


ACTIONS: dict[str, Callable[..., Body]] = {
    "advance": advance,
    "authenticate": intents.authenticate,
    "bank_arrives": paying.bank_arrives,
    "bank_fails": paying.bank_fails,
    "close_dispute": returns.close_dispute,
    "decline": decline,
    "dispute": returns.open_dispute,
    "escalate_dispute": returns.escalate,
    "answer_dispute": returns.answer,
    "events": find_events,
    "expire": sessions.expire,
    "fail_refund": returns.fail_refund,
    "fraud_warning": returns.warn_of_fraud,
    "log": log,
    "pay": pay,
    "pay_by_bank": pay_by_bank,
    "refund": refund,
    "resend": resend,
    "signed": signed,
    "use_card": use_card,
    "waiting": waiting,
}


def answer(accounts: Accounts, request: Request) -> Reply:
    try:
        return json_reply(200, _answer(accounts, request))
    except Problem as problem:
        return json_reply(problem.status, problem.body)


def _answer(accounts: Accounts, request: Request) -> Body:
    till = accounts.of_key(key_of(request))
    if till is None:
        raise Problem("Invalid API Key provided.", status=401)
    name = request.path.removeprefix("/control/")
    try:
        wanted: Any = json.loads(request.body or b"{}")
    except ValueError as error:
        raise Problem("The control API takes JSON.") from error
    if request.method != "POST" or not isinstance(wanted, dict):
        raise Problem("The control API takes a JSON object by POST.")
    if name == "behave":  # outside of a transaction: it must work while requests are frozen
        till.behaviour.become(wanted)
        return {}
    if name == "forget" and not wanted:
        with till.transaction():
            return forget(accounts)
    action = ACTIONS.get(name)
    if action is None:
        raise Problem(f"No such action: {name}", status=404)
    try:
        inspect.signature(action).bind(till, **wanted)
    except TypeError as error:
        raise Problem(f"{name}: {error}") from error
    with till.transaction():
        return visible(action(till, **wanted))
