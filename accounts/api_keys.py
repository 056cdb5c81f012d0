"""Issuing and revoking the keys of organizations."""

import datetime
import ipaddress
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import keys
from accounts.clock import db_now
from accounts.models import SCOPES, ApiKey, Organization, User


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
        name=name.strip(),
        livemode=livemode,
        prefix=text[: keys.SHOWN_LENGTH],
        digest=keys.digest(text),
        scopes=[scope for scope in SCOPES if scope in scopes],
        expires_at=expires_at,
        allowed_addresses=list(allowed_addresses),
        rate_per_minute=rate_per_minute,
        burst=burst,
    )
    row.full_clean()
    row.save()
    return row, text


def revoke_api_key(key: ApiKey) -> bool:
    """False when it was revoked before; takes effect with the next request in every process."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=db_now()))
