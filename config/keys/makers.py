"""What a key may do to keys: nothing to itself, and to others only what leaves them no more than it has itself.

A key that a program holds may be stolen with it. So no key that it can make, change or rotate, whose secret it then
has or decides about, goes beyond it in any one respect.
"""

import ipaddress
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from accounts.access import Access
from accounts.errors import InsufficientScope
from accounts.models import ApiKey
from accounts.rates import key_rate
from billing import reads
from config.keys.draft import CAPS, Draft

NUMBERS_AND_TIMES = ("expires_at", "rate_per_minute", "burst", "max_open_tasks", *CAPS)


def require_within(access: Access, key: ApiKey) -> None:
    """Before `key` is changed or rotated. Raises InsufficientScope; never for people."""
    if access.key is None:
        return
    # Keys that were rotated into one another share their caps.
    if key.family_key_id == access.key.family_key_id:
        raise InsufficientScope(
            _("A key may not change or rotate itself. Use another key, or the page of keys")
        )
    if beyond(_of(access.key), _of(key)):
        raise InsufficientScope(_("That key has wider limits than the one that asks"))


def narrowed(access: Access, draft: Draft) -> tuple[Draft, list[str]]:
    """`draft` with the asking key's limits where it names none, and the fields in which it still goes beyond them."""
    if access.key is None:
        return draft, []
    most = _of(access.key)
    unsaid = {name for name in beyond(most, draft) if not getattr(draft, name)}
    draft = replace(draft, **{name: getattr(most, name) for name in unsaid})
    return draft, beyond(most, draft)


def beyond(most: Draft, draft: Draft) -> list[str]:
    """The fields in which `draft` is given more than `most`."""
    found = []
    for name in NUMBERS_AND_TIMES:
        limit, value = _in_force(most, name), _in_force(draft, name)
        if getattr(most, name) is not None and (value is None or value > limit):
            found.append(name)
    if most.allowed_addresses and not _is_inside(draft.allowed_addresses, most.allowed_addresses):
        found.append("allowed_addresses")
    return found


def _of(key: ApiKey) -> Draft:
    return Draft.of(key, reads.key_spending([key])[key.pk])


def _in_force(draft: Draft, name: str) -> Any:
    """None: there is no limit. Request rates have a usual one."""
    value = getattr(draft, name)
    usual = key_rate(None)
    return {"rate_per_minute": usual.per_minute, "burst": usual.burst}.get(name) if value is None else value


def _is_inside(entries: tuple[str, ...], networks: tuple[str, ...]) -> bool:
    """An empty list lets in everybody."""
    allowed = [ipaddress.ip_network(network, strict=False) for network in networks]
    return bool(entries) and all(
        any(_subnet(ipaddress.ip_network(entry, strict=False), network) for network in allowed)
        for entry in entries
    )


def _subnet(
    inner: ipaddress.IPv4Network | ipaddress.IPv6Network, outer: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> bool:
    if isinstance(inner, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)
