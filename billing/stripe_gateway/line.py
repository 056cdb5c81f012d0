"""The line to Stripe: a client for each key, how long it is waited for, and what its errors mean for us."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeVar

import stripe
from django.db import connection

from accounts.connections import let_go
from accounts.sealing import Unreadable
from billing.models import StripeAccount
from billing.stripe_gateway import credentials, silence
from billing.stripe_gateway.errors import CardDeclined, KeyRefused, StripeAway, StripeRefused

T = TypeVar("T")
API_VERSION = "2026-10-28.endive"
PATIENT_S = (3.0, 20.0)  # to connect, and between two bytes
HASTY_S = (2.0, 6.0)
# A lost answer, or our own request with the same key that is still being answered.
PAUSES_S = (0.2, 0.6)


@lru_cache(maxsize=4)
def _connections(timeout_s: tuple[float, float]) -> stripe.RequestsClient:
    """Of all shops: what bears the key is each request."""
    return stripe.RequestsClient(timeout=timeout_s)


@lru_cache(maxsize=64)
def _client(key: str, base: str, timeout_s: tuple[float, float]) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": base} if base else {},
        max_network_retries=0,  # who asks again is decided by rows
        http_client=_connections(timeout_s),
    )


_patience: ContextVar[tuple[float, float]] = ContextVar("patience", default=PATIENT_S)


@contextmanager
def hastily() -> Iterator[None]:
    """While somebody waits for a page, Stripe is given up sooner."""
    token = _patience.set(HASTY_S)
    try:
        yield
    finally:
        _patience.reset(token)


@contextmanager
def asking(account: StripeAccount) -> Iterator[stripe.StripeClient]:
    """With the key of this account's shop. Gives the database connection back first. Raises StripeAway, StripeRefused,
    KeyRefused or CardDeclined.
    """
    if any(not block._from_testcase for block in connection.atomic_blocks):  # type: ignore[attr-defined]
        raise RuntimeError("Stripe is never asked inside a transaction.")
    found = credentials.of_account(account)
    let_go()
    if found is None:
        raise KeyRefused("No Stripe key is set.")  # what was to be asked waits for one
    try:
        client = _client(found.key, found.base, _patience.get())
    except Unreadable as error:
        raise KeyRefused("Our key cannot be read: CREDENTIALS_KEY was changed.") from error
    if _patience.get() == HASTY_S and silence.lasts(found.base):
        raise StripeAway("It did not answer a moment ago.")
    begun = time.monotonic()
    try:
        yield client
    except stripe.CardError as error:
        raise _declined(error) from error
    except stripe.AuthenticationError as error:
        raise KeyRefused(_words(error), error.code or "") from error
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        if time.monotonic() - begun >= HASTY_S[0]:
            silence.begin(found.base)
        raise StripeAway(_words(error)) from error
    except stripe.StripeError as error:
        if _may_pass(error):
            raise StripeAway(_words(error)) from error
        param = str(getattr(error, "param", None) or "")
        raise StripeRefused(_words(error), error.code or "", param) from error
    silence.end(found.base)


def persistently(ask: Callable[[], T]) -> T:
    """Once more when an answer was lost. Whatever `ask` posts bears the same idempotency key each time.

    Raises StripeAway: at once after a time-out, since nobody waits for several of them.
    """
    for pause_s in PAUSES_S:
        try:
            return ask()
        except StripeAway:
            if silence.lasts():
                raise
            time.sleep(pause_s)
    return ask()


def _may_pass(error: stripe.StripeError) -> bool:
    """Trouble of theirs, a request of ours with the same key that is under way, or half an answer."""
    status = error.http_status
    return status is None or status >= 500 or status == 409 or status < 400


def _declined(error: stripe.CardError) -> CardDeclined:
    body: dict[str, Any] = error.json_body if isinstance(error.json_body, dict) else {}
    intent = body.get("error", {}).get("payment_intent") or {}
    return CardDeclined(_words(error), error.code or "", intent.get("id", ""))


def ours(thing: stripe.checkout.Session | stripe.PaymentIntent) -> str:
    """The public id of the payment that we made it for, as only we can write it there; "" when it is none."""
    metadata = thing.metadata
    return metadata["payment"] if metadata and "payment" in metadata else ""


def _words(error: stripe.StripeError) -> str:
    """Short, for logs and operators. Stripe's messages hold at most the last digits of a key."""
    return f"{type(error).__name__}: {error.user_message or error}"[:300]
