"""Stripe, for each shop: which kind of key, whether it is taken, and whether Stripe tells us what happens."""

from collections.abc import Iterator

from django.conf import settings

from accounts import shops
from accounts.models import Shop
from accounts.sealing import Unreadable
from billing import stripe_gateway
from billing.inbox import PATH
from billing.models import StripeAccount
from billing.stripe_events import HANDLED
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import KeyRefused, StripeAway, StripeRefused
from config.doctor.findings import Finding, error, ok, warning

MOST_NAMED = 10


def look() -> Iterator[Finding]:
    """The first shop's in short words, the others' under their names."""
    yield from _of_shop(shops.first_shop(), "")
    others = Shop.objects.filter(closed_at=None).exclude(pk=shops.first_id()).order_by("pk")
    found = [(shop, credentials.of_shop(shop.pk)) for shop in others]
    without = [shop.name for shop, paid_at in found if paid_at is None]
    if without:
        named = ", ".join(without[:MOST_NAMED]) + (", …" if len(without) > MOST_NAMED else "")
        yield warning(f"shops where nobody can buy: {named}.", "Enter their keys on the desk's page Stripe.")
    for shop, paid_at in found:
        if paid_at is not None and not paid_at.is_till:  # a till is next door, and needs nothing
            yield from _of_shop(shop, f"{shop.name}: ")


def _of_shop(shop: Shop, name: str) -> Iterator[Finding]:
    found = credentials.of_shop(shop.pk)
    if found is None:
        yield warning(
            f"{name}not connected: nobody can buy credits.", "See docs/payments.md, Connecting Stripe."
        )
        return
    if found.is_till:
        yield ok("the till of a demo stands in for it; no money moves.")
        return
    if not found.livemode and not settings.DEMO:
        yield warning(
            f"{name}a test key: whoever knows Stripe's test cards gets credits.", "Open with a live key."
        )
    place = "STRIPE_SECRET_KEY" if shop.pk == shops.first_id() else "the key on the desk's page Stripe"
    account = credentials.account_of(shop.pk)
    try:
        _ = found.key, found.webhook_secrets
        with stripe_gateway.line.hastily():
            stripe_gateway.looking.try_key(account)
    except Unreadable:
        yield error(
            f"{name}its key cannot be read.",
            "Put the former CREDENTIALS_KEY back behind the new one, or enter the key again.",
        )
        return
    except KeyRefused:
        yield error(f"{name}it refuses our key.", f"Correct {place}, or make a new one there.")
        return
    except StripeRefused as refused:
        yield error(
            f"{name}it refuses to list its events: {refused}.", "Give the key the rights of docs/payments.md."
        )
        return
    except StripeAway:
        yield error(
            f"{name}it does not answer.", "See whether this machine reaches it; payments wait until then."
        )
        return
    yield ok(f"{name}it takes our {'live' if found.livemode else 'test'} key.")
    yield _endpoint(account, name)


def _endpoint(account: StripeAccount, name: str) -> Finding:
    """Without one nothing is lost: what is not heard is fetched, an hour later."""
    url = f"{shops.address_of(account.shop_id)}{PATH}"
    try:
        with stripe_gateway.line.hastily():
            endpoints = stripe_gateway.looking.endpoints(account)
    except (StripeAway, StripeRefused):
        return ok(f"{name}its webhook endpoints cannot be read with this key; a secret for ours is set.")
    ours = [endpoint for endpoint in endpoints if endpoint.url.rstrip("/") == url and endpoint.is_enabled]
    if not ours:
        is_first = account.shop_id == shops.first_id()
        place = "into STRIPE_WEBHOOK_SECRET" if is_first else "on the desk's page Stripe"
        return error(
            f"{name}no endpoint there is switched on for {url}: purchases are credited up to an hour late.",
            f"Add it, and put its secret {place}.",
        )
    lacking = min((endpoint.lacks(HANDLED) for endpoint in ours), key=len)
    if lacking:
        return warning(
            f"{name}the endpoint does not hear of {', '.join(lacking)}.",
            "Add these events to it: docs/payments.md.",
        )
    return ok(f"{name}it tells {url} all that we need.")
