"""A reseller beside the platform, and what each has."""

import itertools
from typing import Any

from accounts import hooks, shops
from accounts.models import Organization, Shop, ShopDomain
from accounts.organizations import create_organization, person
from billing import ledger
from generations import lifecycle, wholesale
from generations.models import Attempt, Generation, Upstream
from tests.makers import a_request, an_access, an_organization, new_reference, stored_images

_numbers = itertools.count(1)


def a_reseller(host: str = "", **fields: Any) -> Shop:
    """A shop with what every new one sells, at a host of its own."""
    number, _platform = next(_numbers), shops.first_shop()
    shop = Shop.objects.create(slug=f"reseller-{number}", name=f"Reseller {number}", **fields)
    for hook in hooks.shop_opened:
        hook(shop)
    ShopDomain.objects.create(shop=shop, host=host or f"reseller{number}.example", is_primary=True)
    shops.forget()
    return shop


def a_customer_of(shop: Shop, credits: int = 0, value_micros: int = 0) -> Organization:
    """With credits that were paid with so much."""
    number = next(_numbers)
    owner = person(f"buyer{number}@studio.example")
    organization = create_organization(shop, f"Buyer {number}", owner)
    if credits:
        ledger.top_up(
            organization.pk, credits, net_value_micros=value_micros, reference=new_reference(), actor="system"
        )
    return organization


def connected(credits: int = 300, value_micros: int = 3_000_000) -> Upstream:
    """A reseller that buys from the platform."""
    return wholesale.connect(a_reseller(), an_organization(credits, value_micros))


def begun(upstream: Upstream, customer: Organization | None = None) -> Attempt:
    """An order of the reseller's, which is about to be sent to the seller."""
    customer = customer or a_customer_of(upstream.shop, 300, 9_000_000)
    generation = lifecycle.submit(an_access(customer), a_request(), endpoint="test")
    attempt = lifecycle.begin(generation, upstream)
    assert attempt is not None
    return attempt


def taken(attempt: Attempt) -> Generation:
    """The order that the seller makes of it."""
    upstream = attempt.upstream
    assert upstream is not None
    assert upstream.wholesale is not None
    return lifecycle.submit(
        an_access(upstream.wholesale), a_request(), endpoint="generate", idempotency_key=attempt.key
    )


def delivered(generation: Generation) -> None:
    """By the sandbox, as far as the books are concerned."""
    working = lifecycle.claim(generation.pk)
    assert working is not None
    attempt = lifecycle.mark_submitted(working, "sandbox")
    assert attempt is not None
    assert lifecycle.succeed(working, attempt, stored_images(working, 1))
