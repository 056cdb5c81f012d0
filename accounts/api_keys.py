"""Issuing, rotating, revoking and freezing the keys of organizations."""

import datetime
import ipaddress
import re
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import keys
from accounts.clock import db_now, read_db_now
from accounts.errors import DomainError
from accounts.models import SCOPES, ApiKey, Membership, Organization, User, new_key_id

KEY_ID = re.compile(r"key_[0-9a-f]{24}")
MAX_LIVE_KEYS = 100
USUAL_OVERLAP = datetime.timedelta(hours=24)
LONGEST_OVERLAP = datetime.timedelta(days=7)
LEAKED = "leaked"


class KeyEnded(DomainError):
    """It was revoked, has expired or was replaced."""

    type, status, message = "already_ended", 409, gettext_lazy("This key has ended and cannot be changed")


class KeyFrozen(DomainError):
    type, status = "key_frozen", 409
    message = gettext_lazy("This key is frozen: it can be replaced or revoked, but not changed")


class TooManyKeys(DomainError):
    type, status = "too_many_keys", 409
    message = gettext_lazy(
        "Your organization has as many keys as it may have. Revoke one that you do not need"
    )


class MadeAlready(DomainError):
    """A second sending of the same form."""

    type, status, message = "already_made", 409, gettext_lazy("This key was made already")


def create_api_key(
    organization: Organization,
    *,
    livemode: bool,
    name: str = "",
    scopes: Sequence[str] = ("generate", "read"),
    expires_at: datetime.datetime | None = None,
    allowed_addresses: Sequence[str] = (),
    rate_per_minute: int | None = None,
    burst: int | None = None,
    created_by: User | None = None,
    public_id: str | None = None,
    family_id: int | None = None,
) -> tuple[ApiKey, str]:
    """The row and the secret, which is not to be had again. Raises ValidationError."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise ValidationError(_("Scopes are %(known)s.") % {"known": ", ".join(SCOPES)})
    for address in allowed_addresses:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError:
            raise ValidationError(_("%(text)s is not an address or network.") % {"text": address}) from None
    text = keys.mint(livemode=livemode)
    row = ApiKey(
        organization=organization,
        created_by=created_by,
        public_id=public_id or new_key_id(),
        name=name.strip(),
        livemode=livemode,
        prefix=text[: keys.SHOWN_LENGTH],
        digest=keys.digest(text),
        scopes=[scope for scope in SCOPES if scope in scopes],
        expires_at=expires_at,
        allowed_addresses=list(allowed_addresses),
        rate_per_minute=rate_per_minute,
        burst=burst,
        family_id=family_id,
    )
    row.full_clean()
    row.save()
    return row, text


def live_keys(organization: Organization) -> QuerySet[ApiKey]:
    """Neither revoked nor expired; frozen ones wait for somebody to replace them."""
    unexpired = Q(expires_at=None) | Q(expires_at__gt=db_now())
    return organization.api_keys.filter(unexpired, revoked_at=None)


def made_by(membership: Membership) -> QuerySet[ApiKey]:
    """The live keys of this organization that this member has made, the newest first."""
    return live_keys(membership.organization).filter(created_by=membership.user_id).order_by("-pk")


def prefix_for(user: User | None, organization: Organization, *, livemode: bool) -> str:
    """How a key begins that this reader could put into a program: their own newest one, else the organization's newest;
    "" without any. Keys themselves are nowhere to be had.
    """
    usable = live_keys(organization).filter(livemode=livemode, frozen_at=None)
    own_first = Case(When(created_by=user, then=0), default=1) if user is not None else Value(1)
    return usable.order_by(own_first, "-pk").values_list("prefix", flat=True).first() or ""


def ended_keys(organization: Organization) -> QuerySet[ApiKey]:
    return organization.api_keys.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=db_now()))


def lock_keys_of(organization: Organization) -> Organization:
    """The row as it is now. So that of several who make keys at once each counts those of the others; before any key of
    it is locked.
    """
    return Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def require_room(organization: Organization) -> None:
    """Raises TooManyKeys. Under lock_keys_of."""
    if live_keys(organization).count() >= MAX_LIVE_KEYS:
        raise TooManyKeys


def lock_unended(key: ApiKey) -> ApiKey:
    """The row as it is now, locked. Raises KeyEnded."""
    row = ApiKey.objects.select_for_update(no_key=True).get(pk=key.pk)
    row.organization = key.organization
    if row.revoked_at is not None:
        raise KeyEnded(_("This key was revoked"))
    if row.replaced_by_id is not None:
        raise KeyEnded(_("This key was replaced; change its replacement, or revoke it"))
    # It is no longer counted, so it must not come back beside as many as there may be.
    if row.expires_at is not None and row.expires_at <= read_db_now():
        raise KeyEnded(_("This key has expired. Make a new one"))
    return row


@transaction.atomic
def rotate_api_key(
    key: ApiKey, *, overlap: datetime.timedelta, created_by: User | None = None
) -> tuple[ApiKey, str]:
    """A new key that may what this one may, under the same caps and with what was spent against them; this one works
    on for `overlap`, 0 to LONGEST_OVERLAP. Raises KeyEnded, TooManyKeys.

    A frozen key does not work anyway, and is replaced however many keys there are.
    """
    if not datetime.timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ValueError(f"an overlap of {overlap}")
    lock_keys_of(key.organization)
    old, now = lock_unended(key), read_db_now()
    if old.frozen_at is not None:
        overlap = datetime.timedelta(0)
    if overlap:
        require_room(key.organization)
    made = create_api_key(
        key.organization,
        livemode=old.livemode,
        name=old.name,
        scopes=old.scopes,
        expires_at=old.expires_at,
        allowed_addresses=old.allowed_addresses,
        rate_per_minute=old.rate_per_minute,
        burst=old.burst,
        created_by=created_by,
        family_id=old.family_key_id,
    )
    ends = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
    ApiKey.objects.filter(pk=old.pk).update(replaced_by=made[0], expires_at=ends)
    return made


def revoke_api_key(key: ApiKey) -> bool:
    """False when it was revoked before; takes effect with the next request in every process."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=db_now()))


def freeze_api_key(key: ApiKey, reason: str) -> bool:
    """`reason`: a machine word. False when it is frozen or revoked already."""
    working = ApiKey.objects.filter(pk=key.pk, revoked_at=None, frozen_at=None)
    return bool(working.update(frozen_at=db_now(), frozen_reason=reason))


def thaw_api_key(key: ApiKey) -> bool:
    """By operators alone. False when it is not frozen."""
    frozen = ApiKey.objects.filter(pk=key.pk, frozen_at__isnull=False)
    return bool(frozen.update(frozen_at=None, frozen_reason=""))
