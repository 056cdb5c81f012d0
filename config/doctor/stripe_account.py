"""Stripe: which kind of key, whether it is taken, and whether Stripe tells us what happens."""

from collections.abc import Iterator

from django.conf import settings

from billing import stripe_gateway
from billing.stripe_events import HANDLED
from billing.stripe_gateway.errors import KeyRefused, StripeAway, StripeRefused
from config.doctor.findings import Finding, error, ok, warning

PATH = "/webhooks/stripe"


def look() -> Iterator[Finding]:
    if settings.TILL:
        yield ok("the till of a demo stands in for it; no money moves.")
        return
    if not settings.STRIPE_SECRET_KEY:
        yield warning("not connected: nobody can buy credits.", "See docs/payments.md, Connecting Stripe.")
        return
    if not settings.STRIPE_LIVEMODE and not settings.DEMO:
        yield warning("a test key: whoever knows Stripe's test cards gets credits.", "Open with a live key.")
    try:
        with stripe_gateway.line.hastily():
            stripe_gateway.looking.try_key()
    except KeyRefused:
        yield error("it refuses our key.", "Correct STRIPE_SECRET_KEY, or make a new one there.")
        return
    except StripeRefused as refused:
        yield error(
            f"it refuses to list its events: {refused}.", "Give the key the rights of docs/payments.md."
        )
        return
    except StripeAway:
        yield error("it does not answer.", "See whether this machine reaches it; payments wait until then.")
        return
    yield ok(f"it takes our {'live' if settings.STRIPE_LIVEMODE else 'test'} key.")
    yield _endpoint()


def _endpoint() -> Finding:
    """Without one nothing is lost: what is not heard is fetched, an hour later."""
    url = f"{settings.PUBLIC_URL}{PATH}"
    try:
        with stripe_gateway.line.hastily():
            endpoints = stripe_gateway.looking.endpoints()
    except (StripeAway, StripeRefused):
        return ok("its webhook endpoints cannot be read with this key; a secret for ours is set.")
    ours = [endpoint for endpoint in endpoints if endpoint.url.rstrip("/") == url and endpoint.is_enabled]
    if not ours:
        return error(
            f"no endpoint there is switched on for {url}: purchases are credited up to an hour late.",
            "Add it, and put its secret into STRIPE_WEBHOOK_SECRET.",
        )
    lacking = min((endpoint.lacks(HANDLED) for endpoint in ours), key=len)
    if lacking:
        return warning(
            f"the endpoint does not hear of {', '.join(lacking)}.",
            "Add these events to it: docs/payments.md.",
        )
    return ok(f"it tells {url} all that we need.")
