"""Where a request came from. Forwarding headers count only when a configured proxy sent them."""

import ipaddress
from collections.abc import Iterable, Mapping

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The nearest address that is not one of settings.TRUSTED_PROXIES (addresses or networks), without a port.
    "" where there is none to read: all such requests count as one address, and no list of addresses lets them in.
    """
    address = _without_port(str(request.META.get("REMOTE_ADDR", "")))
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    while hops and is_listed(address, settings.TRUSTED_PROXIES):
        address = _without_port(hops.pop())
    return address


def network_of(address: str, prefixes: Mapping[int, int]) -> str:
    """The network that counts as one: `prefixes` has its length by the version of IP. "" for what is no address, such
    as that of a proxy on a Unix socket that forwards none: all of those are one network.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ipaddress.ip_network((parsed, prefixes[parsed.version]), strict=False))


def _without_port(text: str) -> str:
    """Some proxies write `203.0.113.7:1000` or `[2001:db8::1]:443`; a port is of one connection alone."""
    bare = text.strip().partition("%")[0]
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def is_listed(address: str, listed: Iterable[str]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in ipaddress.ip_network(entry, strict=False) for entry in listed)
