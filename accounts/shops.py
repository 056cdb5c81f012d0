"""Which shop is asked: the host name decides, here and nowhere else; and where each shop is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from accounts import hooks
from accounts.glances import Kept, Shared
from accounts.hosts import clean_host
from accounts.models import Shop

FIRST_SHOP_SLUG: Final = "shop"


def first_shop() -> Shop:
    """The platform's own shop; made at the first call, also by several processes at once."""
    shop = Shop.objects.order_by("pk").first()
    if shop is None:
        with transaction.atomic():
            shop, created = Shop.objects.get_or_create(slug=FIRST_SHOP_SLUG)
            if created:
                for hook in hooks.shop_opened:
                    hook(shop)
    return shop


# --- What every request wants to know -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one shop. `languages`: () for all; `is_paused`: suspended, or being closed; limits None: the settings'."""

    languages: tuple[str, ...] = ()
    is_paused: bool = False
    rate_per_minute: int | None = None
    burst: int | None = None


USUAL: Final = Facts()
_PAUSED: Final = Q(suspended_at__isnull=False) | Q(closing_at__isnull=False)


@dataclass(frozen=True, slots=True)
class _Hosts:
    """As they were at one moment. `shops`: host -> the shop that it leads to; `off`: those that lead nowhere, though
    they belong to one. `primary`: shop -> the host that its links begin with. `facts` of all shops.
    """

    first: int
    shops: dict[str, int]
    off: frozenset[str]
    primary: dict[int, str]
    facts: dict[int, Facts]


def _read(_before: _Hosts | None) -> _Hosts:
    """One query, however many shops there are: all domains, so that names nobody has cost none either."""
    rows = list(
        Shop.objects.order_by("pk", "domains__pk")
        .annotate(is_paused=_PAUSED)
        .values_list(
            "pk",
            "closed_at",
            "languages",
            "is_paused",
            "rate_per_minute",
            "burst",
            "domains__host",
            "domains__is_primary",
            "domains__active",
        )
    )
    first = rows[0][0] if rows else first_shop().pk
    of_settings = hosts_of_settings()
    shops, off, primary, facts = dict[str, int](), set[str](), dict[int, str](), dict[int, Facts]()
    for pk, closed_at, languages, is_one_paused, rate_per_minute, burst, host, is_primary, active in rows:
        facts[pk] = Facts(tuple(languages), is_one_paused, rate_per_minute, burst)
        is_of_settings = host in of_settings
        if host is None or (is_of_settings and pk != first):
            continue
        if not is_of_settings and (closed_at is not None or not active):
            off.add(host)
            continue
        shops[host] = pk
        if is_primary or (pk not in primary and pk != first):  # which has PUBLIC_URL
            primary[pk] = host
    shops |= dict.fromkeys(of_settings, first)  # nobody takes the platform's own address by a row
    return _Hosts(first, shops, frozenset(off), primary, facts)


def hosts_of_settings() -> list[str]:
    """Those that lead to the first shop without a row: PUBLIC_URL's and OTHER_HOSTS."""
    public = clean_host(urlsplit(settings.PUBLIC_URL).netloc)
    return [*([public] if public else []), *settings.OTHER_HOSTS]


_hosts = Kept(_read)
_rows: Shared[int, Shop] = Shared(Shop.objects.in_bulk)


def forget() -> None:
    """The next request looks anew."""
    _hosts.forget()
    _rows.forget()


def id_at(host_header: str) -> int | None:
    """The shop that this host leads to; None for a host that leads nowhere."""
    hosts, host = _hosts(), clean_host(host_header)
    found = hosts.shops.get(host) if host is not None else None
    if found is None and host not in hosts.off and settings.UNKNOWN_HOSTS == "first":
        return hosts.first
    return found


def by_id(shop_id: int) -> Shop:
    """As it was within the last second or two; not to be changed. Raises Shop.DoesNotExist."""
    try:
        return _rows(shop_id)
    except KeyError:
        raise Shop.DoesNotExist from None


def is_known(host: str) -> bool:
    """Whether a host leads to a shop by its own right, without a query."""
    clean = clean_host(host)
    return clean is not None and clean in _hosts().shops


def all_hosts() -> Mapping[str, int]:
    """Each host that leads to a shop by its own right, and whose it is."""
    return _hosts().shops


def facts_of(shop_id: int) -> Facts:
    """As they were within the last second; without a query."""
    return _hosts().facts.get(shop_id, USUAL)


def is_paused(shop_id: int) -> bool:
    """Whether it is suspended, or is being closed: then nothing new is made or bought."""
    return facts_of(shop_id).is_paused


def is_paused_now(shop_id: int) -> bool:
    """The same by a query, for what nobody looks at again within a second."""
    return Shop.objects.filter(_PAUSED, pk=shop_id).exists()


def first_id() -> int:
    return _hosts().first


def address_of(shop_id: int) -> str:
    """`https://shop.example`, with which its links begin: its primary domain, with scheme and port of PUBLIC_URL; for a
    shop that has none, PUBLIC_URL.
    """
    host = _hosts().primary.get(shop_id)
    return str(settings.PUBLIC_URL) if host is None else address_at(host)


def address_at(host: str) -> str:
    """The same for a host that may have been entered just now."""
    public = urlsplit(settings.PUBLIC_URL)
    port = f":{public.port}" if public.port else ""
    return f"{public.scheme}://{host}{port}"


def host_of(shop_id: int) -> str:
    """The host of its address, without a port."""
    return urlsplit(address_of(shop_id)).hostname or ""


# --- Requests -------------------------------------------------------------------------------------


def shop_of(request: Any) -> Shop:
    """Whom this request asks: middleware has looked it up by its host. For Django's requests and DRF's."""
    return by_id(shop_id_of(request))


def shop_id_of(request: Any) -> int:
    """The same without a look at its row. Health checks, which come by any name, ask the first one."""
    found: int | None = getattr(request, "shop_id", None)
    return first_id() if found is None else found


def is_at(request: HttpRequest, shop_id: int) -> bool:
    """Whether this request asks that shop, by any of its names, or where links to it begin."""
    return shop_id_of(request) == shop_id or here(request) == address_of(shop_id)


def here(request: HttpRequest, path: str = "") -> str:
    """The absolute address of a path in the shop that is asked."""
    return address_of(shop_id_of(request)) + path
