"""A reseller beside the platform, and what each has."""

from typing import Any

from accounts.models import Organization, Shop
from generations import lifecycle, wholesale
from generations.models import Attempt, Generation, Upstream
from tests.makers import a_request, an_access, an_organization, stored_images
from tests.several import a_shop


def a_reseller(host: str | None = None, **fields: Any) -> Shop:
    return a_shop(host=host, **fields).shop


def connected(credits: int = 300, value_micros: int = 3_000_000) -> Upstream:
    """A reseller that buys from the platform."""
    return wholesale.connect(a_reseller(), an_organization(credits, value_micros))


def begun(upstream: Upstream, customer: Organization | None = None) -> Attempt:
    """An order of the reseller's, which is about to be sent to the seller."""
    customer = customer or an_organization(300, 9_000_000, shop=upstream.shop)
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
