"""What the playground's templates need: shapes, prices in words, and an order written as code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts import api_keys, code_samples
from accounts.access import Access
from accounts.shops import address_of
from billing import reads
from generations.catalogue import Offer, offers
from generations.forms import COUNTS, TEST
from generations.models import Generation
from generations.request import ASPECT_RATIOS, RANDOM_SEED

TILE_PX, TILE_INNER_PX = 32, 28  # a shape's icon, and the longer side of what it shows
SAMPLED = ("curl", "python")
IDEAS = (
    _("A lighthouse at dusk, heavy sea, the lamp just lit"),
    _("A fox asleep in fresh snow, seen from above"),
    _("An old tram in the rain, neon signs in the puddles"),
)
NO_KEY = {True: "tt_live_YOUR_KEY", False: "tt_test_YOUR_KEY"}


def shape(ratio: str) -> dict[str, Any]:
    """A ratio with its icon, a rectangle in the middle of a square."""
    sides = ASPECT_RATIOS[ratio]
    width, height = (TILE_INNER_PX * side // max(sides) for side in sides)
    return {
        "ratio": ratio,
        "pixels": f"{sides[0]}×{sides[1]}",
        "width": width,
        "height": height,
        "x": (TILE_PX - width) // 2,
        "y": (TILE_PX - height) // 2,
    }


@dataclass(frozen=True, slots=True)
class Price:
    """Of `n` images for `credits`, 0 in the sandbox; `after` is what would be left, below 0 when it is too little."""

    n: int
    credits: int
    after: int

    @property
    def name(self) -> str:
        return f"{self.n}x{self.credits}"


def sold(access: Access) -> list[Offer]:
    """All that can be ordered, the usual one first."""
    return offers(access.organization.shop_id)


def money(access: Access, models: Sequence[Offer], fields: dict[str, Any]) -> dict[str, Any]:
    """`prices`: of all that can be chosen, so that the page needs nobody to ask; `price`: of what is chosen. Without
    models 0, and nothing can be ordered.
    """
    balance = reads.balance(access.organization.pk)
    each = {offer.slug: offer.credits for offer in models}
    usual = models[0].credits if models else 0
    each_chosen = each.get(fields["model"], usual)
    totals = {(n, n * credits) for n in map(int, COUNTS) for credits in (0, *each.values())}
    prices = {(n, total): Price(n, total, balance.available - total) for n, total in sorted(totals)}
    chosen = int(fields["n"])
    total = 0 if fields["mode"] == TEST else chosen * each_chosen
    return {
        "balance": balance,
        "image_credits": usual,
        "prices": list(prices.values()),
        "price": prices[chosen, total],
        "may_order": bool(models) and "generate" in access.scopes and not access.is_suspended,
    }


def suggested_mode(access: Access, models: Sequence[Offer], fields: dict[str, Any]) -> str:
    """Who cannot pay for what the form holds is shown the free way."""
    each = {offer.slug: offer.credits for offer in models}
    total = int(fields["n"]) * each.get(fields["model"], models[0].credits)
    is_enough = reads.balance(access.organization.pk).available >= total
    return str(fields["mode"]) if is_enough else TEST


def code(access: Access, generation: Generation) -> dict[str, Any]:
    """The same order as a program would make it, with the beginning of the reader's key."""
    prefix = api_keys.prefix_for(access.user, access.organization, livemode=generation.livemode)
    key = f"{prefix}..." if prefix else NO_KEY[generation.livemode]
    call = code_samples.Call(
        "POST", f"{address_of(access.organization.shop_id)}/api/v1/generations", key, _body(generation)
    )
    written = code_samples.samples(call)
    return {
        "samples": [
            {"name": name, "label": code_samples.LANGUAGES[name], "source": written[name]} for name in SAMPLED
        ],
        "key_prefix": prefix,
    }


def _body(generation: Generation) -> dict[str, Any]:
    body: dict[str, Any] = {"prompt": generation.prompt}
    if generation.aspect_ratio in ASPECT_RATIOS:
        body["aspect_ratio"] = generation.aspect_ratio
    else:
        body["size"] = f"{generation.width}x{generation.height}"
    seed = generation.seed if generation.seed is not None else int(generation.requested_seed)
    if seed != RANDOM_SEED:
        body["seed"] = seed
    body["output_format"] = generation.output_format
    body["model"] = generation.model.slug
    if generation.n > 1:
        body["n"] = generation.n
    return body
