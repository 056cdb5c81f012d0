"""The only way from a person or a key to an organization, with what they may do there."""

from dataclasses import dataclass
from typing import cast

from rest_framework.request import Request

from accounts.errors import InsufficientScope, NotFound
from accounts.models import ApiKey, Membership, Organization, Role, User

ROLE_SCOPES: dict[str, frozenset[str]] = {
    Role.OWNER: frozenset({"generate", "read", "admin"}),
    Role.ADMIN: frozenset({"generate", "read", "admin"}),
    Role.DEVELOPER: frozenset({"generate", "read"}),
    Role.BILLING: frozenset({"read"}),
    Role.VIEWER: frozenset({"read"}),
}
MONEY_ROLES = frozenset({Role.OWNER, Role.ADMIN, Role.BILLING})


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody acting for an organization. `actor` is how append-only rows name them."""

    organization: Organization
    scopes: frozenset[str]
    actor: str
    livemode: bool
    key: ApiKey | None = None
    user: User | None = None
    role: str | None = None

    def require(self, scope: str) -> None:
        if scope not in self.scopes:
            raise InsufficientScope

    @property
    def handles_money(self) -> bool:
        """May buy, and sees receipts: a matter of people, never of keys."""
        return self.role in MONEY_ROLES

    def require_money(self) -> None:
        if not self.handles_money:
            raise InsufficientScope


def access_of(request: Request) -> Access:
    """Who is asking, behind accounts.authentication."""
    return cast(Access, request.auth)


def access_of_key(key: ApiKey) -> Access:
    return Access(
        organization=key.organization,
        scopes=frozenset(key.scopes),
        actor=key.actor,
        livemode=key.livemode,
        key=key,
    )


def access_of_user(user: User, slug: str | None = None) -> Access:
    """The named organization of this person, else their oldest. Raises NotFound for every other."""
    memberships = Membership.objects.select_related("organization__shop").filter(user=user)
    if slug is not None:
        memberships = memberships.filter(organization__slug=slug)
    membership = memberships.order_by("pk").first()
    if membership is None:
        raise NotFound
    return Access(
        organization=membership.organization,
        scopes=ROLE_SCOPES[membership.role],
        actor=f"user:{user.uuid}",
        livemode=True,
        user=user,
        role=membership.role,
    )
