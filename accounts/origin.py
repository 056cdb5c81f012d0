"""Where a request came from, for the audit log and for limits."""

import ipaddress
from dataclasses import dataclass

from django.http import HttpRequest

from accounts.addresses import client_address

MAX_AGENT = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """`address` is None for what is no address, such as a Unix socket's."""

    address: str | None = None
    agent: str = ""


NOWHERE = Origin()


def origin_of(request: HttpRequest) -> Origin:
    address: str | None = client_address(request)
    try:
        parsed = ipaddress.ip_address(address or "")
        address = str(getattr(parsed, "ipv4_mapped", None) or parsed)
    except ValueError:
        address = None
    agent = "".join(
        character for character in request.headers.get("User-Agent", "") if character.isprintable()
    )
    return Origin(address, agent[:MAX_AGENT])
