"""What can be set of a key, whoever asks and however: the page and the API end here."""

import datetime
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from django.utils.translation import gettext as _

from accounts.access import Access
from accounts.clock import read_db_now
from accounts.errors import InsufficientScope
from accounts.models import SCOPES, ApiKey, Organization
from accounts.names import MAX_NAME, holds_forbidden
from accounts.rates import organization_rate
from billing import reads

MAX_ADDRESSES = 50
MAX_CAP_CREDITS = 1_000_000_000
LAST_EXPIRY = datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC)  # any zone can still write it
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
CAPS = ("day_cap", "month_cap", "lifetime_cap")


class Invalid(Exception):
    """`problems`: what is wrong with which field, for people."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Draft:
    """None: no expiry, no cap, the usual limit."""

    name: str = ""
    scopes: tuple[str, ...] = ()
    expires_at: datetime.datetime | None = None
    allowed_addresses: tuple[str, ...] = ()
    rate_per_minute: int | None = None
    burst: int | None = None
    max_open_tasks: int | None = None
    day_cap: int | None = None
    month_cap: int | None = None
    lifetime_cap: int | None = None

    @classmethod
    def of(cls, key: ApiKey, spending: reads.KeySpending) -> "Draft":
        """As it is set now."""
        return cls(
            name=key.name,
            scopes=tuple(key.scopes),
            expires_at=key.expires_at,
            allowed_addresses=tuple(key.allowed_addresses),
            rate_per_minute=key.rate_per_minute,
            burst=key.burst,
            max_open_tasks=spending.open_limit,
            day_cap=spending.day_cap,
            month_cap=spending.month_cap,
            lifetime_cap=spending.lifetime_cap,
        )

    @property
    def key_fields(self) -> dict[str, Any]:
        """What stands in the key's own row."""
        return {
            "name": self.name,
            "scopes": list(self.scopes),
            "expires_at": self.expires_at,
            "allowed_addresses": list(self.allowed_addresses),
            "rate_per_minute": self.rate_per_minute,
            "burst": self.burst,
        }

    @property
    def limits(self) -> dict[str, int | None]:
        """What the ledger keeps."""
        return {"open_limit": self.max_open_tasks, **{cap: getattr(self, cap) for cap in CAPS}}

    def changed(self, was: "Draft") -> list[str]:
        return [field.name for field in fields(self) if getattr(self, field.name) != getattr(was, field.name)]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one key may be given: what its organization has for all of them together."""

    rate_per_minute: int
    burst: int
    max_open_tasks: int

    @classmethod
    def of(cls, organization: Organization) -> "Bounds":
        shared = organization_rate(organization)
        return cls(shared.per_minute, shared.burst, reads.open_limit(organization.pk))


def checked(access: Access, draft: Draft, was: Draft | None = None) -> Draft:
    """The same in the way it is stored. `was`: what a change begins from, which stays as it is wherever it is left.

    Raises Invalid; InsufficientScope for scopes that whoever asks cannot give.
    """
    problems: dict[str, str] = {}
    before = was or Draft()
    if any(isinstance(scope, str) and scope not in SCOPES for scope in draft.scopes):
        problems["scopes"] = _("Scopes are %(known)s.") % {"known": ", ".join(SCOPES)}
    elif not draft.scopes:
        problems["scopes"] = _("A key without scopes can do nothing: choose at least one.")
    else:
        require_scopes(access, set(draft.scopes) - set(before.scopes))
    name = draft.name.strip()
    if (was is None or name != was.name) and (problem := _name_problem(name)):
        problems["name"] = problem
    if draft.expires_at != before.expires_at and (problem := _expiry_problem(draft.expires_at)):
        problems["expires_at"] = problem
    addresses, problem = _networks(draft.allowed_addresses)
    if problem:
        problems["allowed_addresses"] = problem
    bounds = Bounds.of(access.organization)
    limits = {field.name: getattr(bounds, field.name) for field in fields(bounds)}
    for field, most in {**limits, **dict.fromkeys(CAPS, MAX_CAP_CREDITS)}.items():
        value = getattr(draft, field)
        if value is not None and value != getattr(before, field) and not 1 <= value <= most:
            problems[field] = _("A whole number from 1 to %(most)s.") % {"most": most}
    if problems:
        raise Invalid(problems)
    scopes = tuple(scope for scope in SCOPES if scope in draft.scopes)
    return replace(draft, name=name, scopes=scopes, allowed_addresses=addresses)


def require_scopes(access: Access, scopes: Iterable[str]) -> None:
    """Raises InsufficientScope: nobody hands out what they do not have."""
    if not set(scopes) <= access.scopes:
        raise InsufficientScope(param="scopes")


def _name_problem(name: str) -> str:
    if not 1 <= len(name) <= MAX_NAME:
        return _("A name has 1 to %(most)s characters.") % {"most": MAX_NAME}
    if holds_forbidden(name):
        return _("A name is one line, without control characters.")
    return ""


def _expiry_problem(expires_at: datetime.datetime | None) -> str:
    if expires_at is None:
        return ""
    if expires_at <= read_db_now():
        return _("This time has passed. Choose a later one, or none.")
    return _("Choose an earlier time, or none.") if expires_at > LAST_EXPIRY else ""


def _networks(entries: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """In one spelling each, without repetitions; and what is wrong with them."""
    if len(entries) > MAX_ADDRESSES:
        return (), _("At most %(most)s addresses or networks.") % {"most": MAX_ADDRESSES}
    found: dict[str, None] = {}
    for entry in entries:
        try:
            if "%" in entry:  # the zone of a link is a matter of one machine
                raise ValueError
            network = ipaddress.ip_network(entry.strip(), strict=False)
        except ValueError:
            shown = entry if len(entry) <= 60 else f"{entry[:60]}…"
            return (), _("%(text)s is not an address or network.") % {"text": shown}
        found[_spelled(network)] = None
    return tuple(found), ""


def _spelled(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        # As requests are compared: an IPv4 address inside an IPv6 one counts as itself.
        low = int(network.network_address) & 0xFFFF_FFFF
        network = ipaddress.IPv4Network((low, network.prefixlen - 96))
    return str(network.network_address) if network.num_addresses == 1 else str(network)
