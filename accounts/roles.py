"""What each role may do: the one table, which pages, API and docs read."""

from collections.abc import Mapping
from types import MappingProxyType

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Role


class Right(models.TextChoices):
    READ = "read", _("See images, tasks, balance and usage")
    GENERATE = "generate", _("Make images")
    KEYS = "keys", _("Make, change and revoke API keys")
    WEBHOOKS = "webhooks", _("Set up webhooks")
    MONEY = "money", _("Buy credits; see payments, invoices and receipts")
    MEMBERS = "members", _("Invite and remove people; give them roles")
    AUDIT = "audit", _("Read the audit log")
    SETTINGS = "settings", _("Rename the organization, change its settings, export its data")
    OWNERSHIP = "ownership", _("Make others owners; delete the organization")


RIGHTS: Mapping[str, frozenset[Right]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Right),
        Role.ADMIN: frozenset(Right) - {Right.OWNERSHIP},
        Role.DEVELOPER: frozenset({Right.READ, Right.GENERATE, Right.KEYS, Right.WEBHOOKS}),
        Role.BILLING: frozenset({Right.READ, Right.MONEY}),
        Role.VIEWER: frozenset({Right.READ}),
    }
)
# What keys may be given, by whom: a key never may do more than its maker. `admin` manages by API what pages manage.
_RIGHT_BEHIND_SCOPE = {"read": Right.READ, "generate": Right.GENERATE, "admin": Right.SETTINGS}


def scopes_of(role: str) -> frozenset[str]:
    return frozenset(scope for scope, right in _RIGHT_BEHIND_SCOPE.items() if right in RIGHTS[role])


def roles_with(right: Right) -> frozenset[str]:
    return frozenset(role for role, rights in RIGHTS.items() if right in rights)


def table() -> list[tuple[Right, list[bool]]]:
    """Each right, and whether each role has it, in the order of Role."""
    return [(right, [right in RIGHTS[role] for role in Role]) for right in Right]


def may_give(giver: str, role: str) -> bool:
    """Whether a member with the role `giver` may give `role` to others, and take it from them."""
    needed = Right.OWNERSHIP if role == Role.OWNER else Right.MEMBERS
    return needed in RIGHTS[giver]
