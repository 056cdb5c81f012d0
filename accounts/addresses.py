"""Where a request came from. Forwarding headers count only when a configured proxy sent them."""

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The nearest address that is not one of settings.TRUSTED_PROXIES (addresses or networks)."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    while hops and is_listed(address, settings.TRUSTED_PROXIES):
        address = hops.pop()
    return address


def is_listed(address: str, listed: Iterable[str]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in ipaddress.ip_network(entry, strict=False) for entry in listed)
