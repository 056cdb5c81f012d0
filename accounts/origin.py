"""Where a request came from, for the audit log and for limits."""

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
    agent = request.headers.get("User-Agent", "")
    if not agent.isprintable():
        agent = "".join(character for character in agent if character.isprintable())
    return Origin(client_address(request) or None, agent[:MAX_AGENT])
