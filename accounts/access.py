"""The only way from a person or a key to an organization, with what they may do there."""

from dataclasses import dataclass, replace
from typing import cast

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from accounts.errors import InsufficientScope, KeyLacksScope, NotFound
from accounts.models import ApiKey, Membership, Organization, User
from accounts.origin import NOWHERE, Origin
from accounts.roles import RIGHTS, Right, roles_with, scopes_of
from accounts.standing import is_suspended

MONEY_ROLES = roles_with(Right.MONEY)
# While its deletion can be undone, an organization is only looked at.
_WHILE_CLOSING = frozenset({Right.READ, Right.AUDIT, Right.OWNERSHIP})
# What operators may do in a member's place.
_WHILE_STANDING_IN = frozenset({Right.READ, Right.AUDIT})


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody acting for an organization. `actor` is how append-only rows name them. Keys have scopes alone; people
    have what their role gives them.
    """

    organization: Organization
    scopes: frozenset[str]
    actor: str
    livemode: bool
    key: ApiKey | None = None
    user: User | None = None
    role: str | None = None
    rights: frozenset[Right] = frozenset()
    origin: Origin = NOWHERE

    def require(self, scope: str) -> None:
        if scope in self.scopes:
            return
        if self.key is None:
            raise InsufficientScope
        raise KeyLacksScope(_("This key lacks the scope %(scope)s") % {"scope": scope})

    def require_right(self, right: Right) -> None:
        if right not in self.rights:
            raise InsufficientScope

    @property
    def handles_money(self) -> bool:
        """May buy, and sees receipts: a matter of people, never of keys."""
        return Right.MONEY in self.rights

    def require_money(self) -> None:
        self.require_right(Right.MONEY)

    @property
    def is_suspended(self) -> bool:
        """It, or its whole shop: nothing new is made or bought."""
        return is_suspended(self.organization)

    @property
    def words(self) -> frozenset[str]:
        """The rights as templates ask for them: `{% if "keys" in access.words %}`."""
        return frozenset(right.value for right in self.rights)


def access_of(request: Request) -> Access:
    """Who is asking, behind accounts.authentication."""
    return cast(Access, request.auth)


def access_of_key(key: ApiKey, origin: Origin = NOWHERE) -> Access:
    return Access(
        organization=key.organization,
        scopes=frozenset(key.scopes),
        actor=key.actor,
        livemode=key.livemode,
        key=key,
        origin=origin,
    )


def organizations_of(user: User, shop_id: int) -> list[Organization]:
    """Those of this shop that somebody may choose among, by name."""
    found = Organization.objects.filter(memberships__user=user, shop=shop_id, closed_at=None)
    return list(found.order_by("name", "pk"))


def held(access: Access) -> Access:
    """What the person may do now, read anew while the organization's row is held until the transaction ends: of two who
    change its people at once, the second sees what the first has done. Raises NotFound when they are out of it
    meanwhile, and InsufficientScope for a key, and for an operator in their place.
    """
    if access.user is None or access.actor != access.user.actor:
        raise InsufficientScope
    hold(access.organization)
    organization = access.organization
    return access_of_user(access.user, organization.shop_id, organization.slug, origin=access.origin)


def only_looking(access: Access, actor: str) -> Access:
    """The same for an operator in this person's place: to be seen, and no more."""
    rights, scopes = access.rights & _WHILE_STANDING_IN, access.scopes & {"read"}
    return replace(access, rights=rights, scopes=scopes, actor=actor)


def hold(organization: Organization) -> None:
    """Until the transaction ends. Orders and whatever else refers to the row go on meanwhile."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def access_of_user(user: User, shop_id: int, slug: str | None = None, *, origin: Origin = NOWHERE) -> Access:
    """The named organization of this person in this shop, else their oldest. Raises NotFound for every other, and
    closed ones.
    """
    memberships = Membership.objects.select_related("organization__shop").filter(
        user=user, organization__shop=shop_id, organization__closed_at=None
    )
    if slug is not None:
        memberships = memberships.filter(organization__slug=slug)
    membership = memberships.order_by("pk").first()
    if membership is None:
        raise NotFound
    rights, scopes = RIGHTS[membership.role], scopes_of(membership.role)
    if membership.organization.closing_at is not None:
        rights, scopes = rights & _WHILE_CLOSING, scopes & {"read"}
    return Access(
        organization=membership.organization,
        scopes=scopes,
        actor=user.actor,
        livemode=True,
        user=user,
        role=membership.role,
        rights=rights,
        origin=origin,
    )
