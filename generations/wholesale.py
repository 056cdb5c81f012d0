"""A shop that buys from another shop of this installation, as one of its customers: an upstream `portal` with that
shop's own API and a key of the customer's. Price, wallet, limits and receipts are what every customer has; what is here
only sets it up, reads the other side's books for what an image has cost, and says what is missing when it refuses.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from accounts import api_keys, keys, shops
from accounts.audit import record
from accounts.hosts import clean_host
from accounts.models import ApiKey, AuditAction, Organization, Shop
from accounts.origin import NOWHERE, Origin
from accounts.rates import organization_rate
from accounts.sealing import Unreadable
from billing import reads
from generations import upstream_checks
from generations.catalogue import DEFAULT_MODEL, on_sale
from generations.errors import CannotConnect, NotOnSale
from generations.models import TASK_ID, Attempt, Generation, Upstream, UpstreamState, price_now
from generations.providers.wire import origin_of

PROVIDER = "portal"
SCOPES = ("generate", "read")
# How a shop says that it does not serve its customer for now; what else closes a circuit is not mended by credits.
NO_FUNDS = "HTTP 402"
REFUSALS = ("HTTP 401", NO_FUNDS, "HTTP 403")


# --- Setting it up --------------------------------------------------------------------------------


@transaction.atomic
def connect(
    shop: Shop, organization: Organization, *, actor: str = "system", origin: Origin = NOWHERE, note: str = ""
) -> Upstream:
    """The upstream by which `shop` buys as `organization`, a customer of another shop. Once more: the same upstream,
    its address and cost as they are now, and a new key if its own works no more. The key is shown nowhere.

    By the operator of the installation alone, who answers for where it leads. Raises CannotConnect and TooManyKeys.
    """
    buyer = Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)  # of two at once, one makes it
    customer = api_keys.lock_keys_of(organization)
    _refuse_unfit(buyer, customer)
    upstream = Upstream.objects.filter(shop=buyer, wholesale=customer).first()
    if upstream is None:
        upstream = Upstream(
            shop=buyer,
            wholesale=customer,
            provider=PROVIDER,
            name=_free_name(buyer, customer),
            model_names={DEFAULT_MODEL: DEFAULT_MODEL},
            concurrency=reads.open_limit(customer.pk),
            polls_per_second=upstream_checks.polls_within_limits(),
        )
    if key_of(upstream) is None:
        upstream.credential = _new_key(buyer, customer, actor, origin, note)
    upstream.base_url = shops.address_of(customer.shop_id)
    upstream.cost_micros = _usual_cost(upstream) or upstream.cost_micros
    upstream.inside = upstream.resends = True
    upstream.save()
    return upstream


def _refuse_unfit(buyer: Shop, customer: Organization) -> None:
    seller = customer.shop
    facts = {"organization": customer.name, "shop": buyer.name, "seller": seller.name}
    if seller.pk == buyer.pk:
        raise CannotConnect(_("%(organization)s is a customer of %(shop)s itself.") % facts)
    if customer.closing_at is not None or customer.closed_at is not None:
        raise CannotConnect(_("%(organization)s is being deleted, or was.") % facts)
    if customer.suspended_at is not None:
        raise CannotConnect(_("%(organization)s is suspended: resume it first.") % facts)
    if seller.suspended_at is not None or seller.closing_at is not None:
        raise CannotConnect(_("%(seller)s is suspended, or is being closed.") % facts)
    if buyer.closing_at is not None:
        raise CannotConnect(_("%(shop)s is being closed.") % facts)
    shops.forget()  # of a domain that was made a moment ago
    if shops.id_at(shops.host_of(seller.pk)) != seller.pk:
        raise CannotConnect(_("%(seller)s has no address yet: give it a domain first.") % facts)
    try:
        price_now(seller.pk, DEFAULT_MODEL)
    except NotOnSale:
        raise CannotConnect(
            _("%(seller)s does not sell %(model)s.") % {**facts, "model": DEFAULT_MODEL}
        ) from None
    if leads_back(seller.pk, buyer.pk):
        raise CannotConnect(_("%(seller)s buys from %(shop)s: orders would go round in a circle.") % facts)


def _free_name(buyer: Shop, customer: Organization) -> str:
    taken = set(Upstream.objects.filter(shop=buyer).values_list("name", flat=True))
    for name in (customer.shop.name[:60], f"{customer.shop.name} ({customer.slug})"[:60]):
        if name not in taken:
            return name
    return f"{customer.slug[:50]} {len(taken) + 1}"


def _new_key(buyer: Shop, customer: Organization, actor: str, origin: Origin, note: str) -> str:
    api_keys.require_room(customer)
    rate = organization_rate(customer)  # it is one key for all customers of a shop
    key, secret = api_keys.create_api_key(
        customer,
        livemode=True,
        name=buyer.name[:80],
        scopes=SCOPES,
        rate_per_minute=rate.per_minute,
        burst=rate.burst,
    )
    record(
        customer,
        AuditAction.KEY_CREATED,
        actor=actor,
        subject=key.actor,
        origin=origin,
        note=note,
        livemode=True,
        scopes=list(key.scopes),
    )
    return secret


def _usual_cost(upstream: Upstream) -> int:
    """What an image costs by the value that the customer's credits have now, in millionths; 0 where nobody knows."""
    customer = upstream.wholesale
    if customer is None or upstream.shop.currency != customer.shop.currency:
        return 0
    return reads.worth_of(customer.pk, price_now(customer.shop_id, DEFAULT_MODEL)[1])


# --- Circles --------------------------------------------------------------------------------------


def leads_back(seller_id: int, buyer_id: int) -> bool:
    """Whether what is ordered at the one comes to the other, by way of enabled upstreams that are shops of this
    installation. Across installations nobody knows; there the hops of an order end it (hops.py).
    """
    edges: dict[int, set[int]] = {}
    enabled = Upstream.objects.filter(enabled=True).values_list("shop_id", "base_url", "wholesale__shop_id")
    for shop_id, base_url, wholesale_shop in enabled.iterator():
        found = wholesale_shop or _shop_at(base_url)
        if found is not None:
            edges.setdefault(shop_id, set()).add(found)
    seen, left = set[int](), [seller_id]
    while left:
        shop_id = left.pop()
        if shop_id == buyer_id:
            return True
        if shop_id not in seen:
            seen.add(shop_id)
            left += edges.get(shop_id, ())
    return False


def circle_by(shop_id: int, base_url: str) -> bool:
    """Whether an upstream at this address would make the shop its own customer, directly or by way of others."""
    seller_id = _shop_at(base_url)
    return seller_id is not None and leads_back(seller_id, shop_id)


def closes_circle(upstream: Upstream) -> bool:
    """Whether the shop would be its own customer once this one, which is disabled, is enabled: others may have begun to
    buy from it meanwhile.
    """
    customer = upstream.wholesale
    seller_id = customer.shop_id if customer is not None else _shop_at(upstream.base_url)
    return seller_id is not None and leads_back(seller_id, upstream.shop_id)


def _shop_at(base_url: str) -> int | None:
    """The shop of this installation that answers there; an engine at another port of the same machine is none."""
    _scheme, host, port = origin_of(base_url)
    if port != origin_of(settings.PUBLIC_URL)[2]:
        return None
    return shops.all_hosts().get(clean_host(host) or "")


# --- What it cost ---------------------------------------------------------------------------------


def cost_of(attempt: Attempt, *, absent: int | None = None) -> int | None:
    """What the seller's books took for this attempt, in millionths of the buyer's currency; `absent` when there is no
    such order. None where they are not ours, count in another currency, or have not settled it yet.

    Writes down which of the seller's orders it was, where no answer told: whom the upstream leads to may be changed.
    """
    upstream = attempt.upstream
    if upstream is None or attempt.provider != PROVIDER:
        return None
    found = None
    if upstream.wholesale_id is not None:
        found = _as_booked(attempt, organization=upstream.wholesale_id)
    if found is None and TASK_ID.fullmatch(attempt.upstream_task_id):
        # It was ordered of whom the upstream led to then. That the order bears our key, nobody else could bring about.
        found = _as_booked(attempt, task_id=attempt.upstream_task_id)
    if found is None:
        return None if upstream.wholesale_id is None else absent
    task_id, finished_at, micros, currency = found
    Attempt.objects.filter(pk=attempt.pk, upstream_task_id="").update(upstream_task_id=task_id)
    if finished_at is None or currency != shops.by_id(upstream.shop_id).currency:
        return None
    return micros or 0


def _as_booked(attempt: Attempt, **where: Any) -> tuple[Any, ...] | None:
    """The order that was made by this attempt's key: task_id, finished_at, micros and currency."""
    took = reads.income_of(Concat(Value("generation:"), OuterRef("task_id")))
    orders = Generation.objects.filter(livemode=True, idempotency_key=attempt.key, **where)
    names = ("task_id", "finished_at", "took", "organization__shop__currency")
    return orders.annotate(took=took).values_list(*names).first()


def possible_cost(attempt: Attempt, *, absent: int | None = None) -> int:
    """The same, and what was thought that it may cost where that is not known."""
    known = cost_of(attempt, absent=absent)
    return attempt.possible_cost_micros if known is None else known


def counts_otherwise() -> QuerySet[Upstream]:
    """Those whose seller counts in another currency than the shop that buys: no book tells what an image costs it, only
    what was entered by hand.
    """
    found = Upstream.objects.filter(enabled=True, wholesale__isnull=False).order_by("shop", "pk")
    other = found.exclude(shop__currency=F("wholesale__shop__currency"))
    return other.select_related("shop", "wholesale__shop")


def cost_by_hand(upstream: Upstream) -> str:
    """In words; "" for what books tell. For an upstream with its shop and `wholesale`."""
    customer = upstream.wholesale
    if customer is None or customer.shop.currency == upstream.shop.currency:
        return ""
    facts = {
        "seller": customer.shop.name,
        "theirs": customer.shop.currency.upper(),
        "ours": upstream.shop.currency.upper(),
    }
    if upstream.cost_micros == 0:
        words = _(
            "What %(seller)s takes in %(theirs)s is not known in %(ours)s, and no cost was entered: its images count"
            " as free, and margins are too high by that. Enter on its page what an image costs."
        )
        return words % facts
    return (
        _("What %(seller)s takes in %(theirs)s counts in %(ours)s by the cost that was entered by hand.")
        % facts
    )


# --- When it is refused -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why the seller would refuse an order now, and what the buyer's staff do about it."""

    what: str
    advice: str


def key_of(upstream: Upstream) -> ApiKey | None:
    """The customer's key that it orders by; None when that does not work (any more)."""
    customer = upstream.wholesale
    try:
        parsed = keys.parse(upstream.credential)
    except Unreadable:
        return None
    if customer is None or parsed is None:
        return None
    working = api_keys.live_keys(customer).filter(frozen_at=None, livemode=True)
    key = working.filter(digest=parsed.digest).first()
    return key if key is not None and set(SCOPES) <= set(key.scopes) else None


def obstacle_of(upstream: Upstream) -> Obstacle | None:
    """None: it would be served, as far as its books tell. For an upstream with `wholesale`."""
    customer = upstream.wholesale
    if customer is None:
        raise TypeError(f"{upstream} buys from no shop of this installation")
    seller, address = customer.shop, shops.address_of(customer.shop_id)
    facts: dict[str, Any] = {"organization": customer.name, "seller": seller.name, "address": address}
    if customer.closing_at is not None or seller.suspended_at is not None or seller.closing_at is not None:
        return Obstacle(
            "gone", _("%(seller)s does not serve %(organization)s any more: ask its staff.") % facts
        )
    if customer.suspended_at is not None:
        return Obstacle("suspended", _("%(organization)s is suspended at %(seller)s: ask its staff.") % facts)
    key = key_of(upstream)
    if key is None:
        words = _(
            "The key of %(organization)s was revoked, or has ended: make another one at %(address)s/keys/ and enter it"
            " here, or have the staff of %(seller)s connect this shop once more."
        )
        return Obstacle("key", words % facts)
    price = _dearest(upstream, seller.pk)
    if price is None:
        return Obstacle("price", _("%(seller)s does not sell that any more: ask its staff.") % facts)
    match reads.refusal_of(customer.pk, key, price):
        case "insufficient_credits":
            words = _("Buy credits for %(organization)s at %(address)s/credits/.")
        case "payment_owed":
            words = _("%(organization)s owes credits after a refund: settle that at %(address)s/credits/.")
        case "spend_cap_reached":
            words = _("The key of %(organization)s has reached its spend cap: raise it at %(address)s/keys/.")
        case _:
            return None
    return Obstacle("credits", words % facts)


def _dearest(upstream: Upstream, seller_id: int) -> int | None:
    """Credits for an image of the dearest model that it buys there: with less, the next order of that one would be
    refused again. None while the seller has none of them on sale.
    """
    bought = set(upstream.model_names.values())
    prices = [credits for model, credits in on_sale(seller_id) if model in bought]
    return max(prices, default=None)


def advice_for(upstream_id: int) -> str:
    """What the buyer's staff do about it, in words; "" when that is not known, or when it is no shop of ours."""
    rows = Upstream.objects.select_related("wholesale__shop", "shop").filter(wholesale__isnull=False)
    upstream = rows.filter(pk=upstream_id).first()
    found = obstacle_of(upstream) if upstream is not None else None
    return found.advice if found is not None else ""


def served_again() -> list[int]:
    """Ids of upstreams whose circuit was opened by what is mended by now, such as by credits that were bought."""
    refused = UpstreamState.objects.filter(
        opened_at__isnull=False, upstream__wholesale__isnull=False, upstream__enabled=True
    )
    rows = refused.select_related("upstream__shop", "upstream__wholesale__shop").order_by("pk")
    return [
        state.pk
        for state in rows
        if state.detail.startswith(REFUSALS)
        and obstacle_of(state.upstream) is None
        and (state.detail.startswith(NO_FUNDS) or not _is_told_elsewhere(state.upstream))
    ]


def _is_told_elsewhere(upstream: Upstream) -> bool:
    """Whether more than the books decides: the key is good at some addresses alone, and none of them tells by which one
    we come; or the address leads to another shop by now, which knows no such key. So only a probe can find out that it
    is good: opened by the books, it would be refused, and told to the staff, every few seconds.
    """
    key, customer = key_of(upstream), upstream.wholesale
    leads_there = customer is not None and _shop_at(upstream.base_url) == customer.shop_id
    return not leads_there or (key is not None and bool(key.allowed_addresses))
