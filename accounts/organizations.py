"""Opening shops, founding and suspending organizations: each one transaction with its hooks."""

import secrets

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import hooks
from accounts.clock import db_now
from accounts.models import Membership, Organization, Role, Shop, User

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
