"""Opening shops, founding organizations, issuing keys: each one transaction with its hooks."""

import datetime
import ipaddress
import secrets
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import hooks, keys
from accounts.clock import db_now
from accounts.models import SCOPES, ApiKey, Membership, Organization, Role, Shop, User

FIRST_SHOP_SLUG = "shop"


def first_shop() -> Shop:
    """The shop of an installation that has one; made at the first call, also by several processes at once."""
    shop = Shop.objects.order_by("pk").first()
    if shop is None:
        with transaction.atomic():
            shop, created = Shop.objects.get_or_create(slug=FIRST_SHOP_SLUG)
            if created:
                for hook in hooks.shop_opened:
                    hook(shop)
    return shop


def person(email: str) -> User:
    """The person with this e-mail, made without a password when new. Raises ValidationError."""
    clean = User.objects.clean_email(email)
    User(email=clean).clean_fields(exclude=["password"])
    user, _created = User.objects.get_or_create(email=clean, defaults={"password": "!"})
    return user


@transaction.atomic
def create_organization(
    shop: Shop, name: str, owner: User, *, rate_per_minute: int | None = None, burst: int | None = None
) -> Organization:
    """Founds an organization with its owner; raises ValidationError for an unusable name."""
    name = name.strip()
    if not name or len(name) > 80 or "\x00" in name:
        raise ValidationError(_("The name of an organization has 1 to 80 characters."))
    organization = Organization.objects.create(
        shop=shop, name=name, slug=_free_slug(name), rate_per_minute=rate_per_minute, burst=burst
    )
    Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    for hook in hooks.organization_created:
        hook(organization)
    return organization


def _free_slug(name: str) -> str:
    base = slugify(name)[:50].strip("-") or "organization"
    slug = base
    while Organization.objects.filter(slug=slug).exists():
        slug = f"{base}-{secrets.token_hex(3)}"
    return slug


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


def set_rate_limits(organization: Organization, **limits: int | None) -> None:
    """`rate_per_minute` and `burst`, None for the settings' own; in force from the next request on."""
    for name, value in limits.items():
        setattr(organization, name, value)
    organization.save(update_fields=list(limits))


def suspend(organization: Organization, *, reason: str = "") -> bool:
    """`reason`: a machine word, "" by an operator. False when it was suspended before."""
    found = Organization.objects.filter(pk=organization.pk, suspended_at=None)
    return bool(found.update(suspended_at=db_now(), suspended_reason=reason))


def resume(organization: Organization) -> bool:
    found = Organization.objects.filter(pk=organization.pk, suspended_at__isnull=False)
    return bool(found.update(suspended_at=None, suspended_reason="", resumed_at=db_now()))
