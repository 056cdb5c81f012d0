"""Shops beside the first one, each with a till of its own, or with a key that somebody entered."""

from typing import Any

from django.test import Client

from accounts import hooks, shops
from accounts.models import Shop, ShopDomain
from billing import connecting
from billing.models import StripeAccount
from tests.billing.stripe.buying import Buyer
from tests.pages import browser_of
from tests.till import RunningTill

SIGNER = "whsec_entered_for_a_test"


def a_shop(name: str = "Plates", **fields: Any) -> Shop:
    """At `<name>.example`, with what a new one is stocked with."""
    shops.first_shop()  # which is the first that is made
    slug = name.lower()
    shop = Shop.objects.create(slug=slug, name=name, **fields)
    ShopDomain.objects.create(shop=shop, host=host_of(shop), is_primary=True)
    for hook in hooks.shop_opened:
        hook(shop)
    shops.forget()
    return shop


def host_of(shop: Shop) -> str:
    return f"{shop.slug}.example"


def with_key(shop: Shop, key: str = "", **more: Any) -> StripeAccount:
    """Entered at the desk; a key that Stripe does not know unless it is named."""
    return connecting.connect(shop, key=key or f"sk_test_of_nobody_{shop.pk}", signers=SIGNER, **more)


def with_its_till_as_stripe(till: RunningTill, shop: Shop) -> StripeAccount:
    """Its key was entered, and is one that the till knows."""
    its_own = till.of_shop(shop.pk)
    return connecting.connect(shop, key=its_own.secret_key, signers=its_own.webhook_secret)


def browser_at(shop: Shop, buyer: Buyer | None = None) -> Client:
    """Somebody who is signed in there, if it is somebody."""
    client = browser_of()
    client.defaults["HTTP_HOST"] = host_of(shop)
    if buyer is not None and buyer.access.user is not None:
        client.force_login(buyer.access.user)
        session = client.session
        session["shop"] = shop.pk
        session.save()
    return client
