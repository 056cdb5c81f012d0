"""Founding, naming and suspending organizations: each one transaction with its hooks."""

import secrets

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts import hooks
from accounts.access import Access
from accounts.audit import record, record_by
from accounts.clock import db_now
from accounts.errors import DomainError
from accounts.models import AuditAction, Membership, Organization, Role, Shop, ShopStaff, User
from accounts.names import MAX_NAME, clean_name, isolated
from accounts.origin import NOWHERE, Origin
from accounts.roles import Right
from accounts.shops import first_shop, is_paused_now
from accounts.standing import why_paused


class TooManyOrganizations(DomainError):
    type, status = "too_many_organizations", 409

    def __init__(self) -> None:
        words = _("Nobody may own more organizations here than %(count)d.")
        super().__init__(words % {"count": settings.MAX_OWNED_ORGANIZATIONS})


class OwnsSuspended(DomainError):
    type, status = "organization_suspended", 403

    def __init__(self, organization: Organization) -> None:
        super().__init__()
        words = _(
            "Your organization %(name)s is suspended, so you cannot found another. Ask the operator of this shop."
        )
        self.message = words % {"name": isolated(organization.name)}


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
    organization = Organization(
        shop=shop, name=clean_name(name), rate_per_minute=rate_per_minute, burst=burst
    )
    _save_new(organization)
    Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    for hook in hooks.organization_created:
        hook(organization)
    return organization


def _save_new(organization: Organization) -> None:
    """Under a short name that is free: of two who find the same one free at once, the slower looks again."""
    while True:
        organization.slug = free_slug(organization.shop_id, organization.name)
        try:
            with transaction.atomic():
                organization.save(force_insert=True)
        except IntegrityError:
            if not Organization.objects.filter(shop=organization.shop_id, slug=organization.slug).exists():
                raise
        else:
            return


def home_of(user: User) -> Shop:
    """In whose name somebody is told of what concerns all of their account: where they have been for longest, else
    where they work.
    """
    oldest = Membership.objects.filter(user=user).select_related("organization__shop").order_by("pk").first()
    if oldest is not None:
        return oldest.organization.shop
    desk = ShopStaff.objects.filter(user=user).select_related("shop").order_by("pk").first()
    return first_shop() if desk is None else desk.shop


def may_found(user: User, shop_id: int) -> bool:
    """Whether they own fewer organizations of this shop than one may."""
    owned = Membership.objects.filter(
        user=user, role=Role.OWNER, organization__shop=shop_id, organization__closed_at=None
    )
    return owned.count() < settings.MAX_OWNED_ORGANIZATIONS


def suspended_of(owner: User, shop_id: int) -> Organization | None:
    """One of theirs that is suspended: who may not order there shall not go on under another name. What another shop
    thinks of them is no business of this one.
    """
    owned = Organization.objects.filter(
        shop=shop_id, memberships__user=owner, memberships__role=Role.OWNER, closed_at=None
    )
    return owned.filter(suspended_at__isnull=False).order_by("pk").first()


def require_may_own(user: User, shop_id: int) -> None:
    """The same until the transaction ends: the person's row is held. Raises TooManyOrganizations."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not may_found(user, shop_id):
        raise TooManyOrganizations


@transaction.atomic
def found_another(shop: Shop, name: str, founder: User, origin: Origin = NOWHERE) -> Organization:
    """Of those that one may own. Raises ValidationError for an unusable name, TooManyOrganizations, OwnsSuspended,
    ShopSuspended.
    """
    # Read anew: a shop that closes ends when the last organization has.
    if is_paused_now(shop.pk):
        raise why_paused(shop.pk)
    require_may_own(founder, shop.pk)
    suspended = suspended_of(founder, shop.pk)
    if suspended is not None:
        raise OwnsSuspended(suspended)
    organization = create_organization(shop, name, founder)
    record(organization, AuditAction.ORGANIZATION_CREATED, actor=founder.actor, origin=origin)
    return organization


@transaction.atomic
def rename(access: Access, name: str) -> None:
    """Its slug stays. Raises ValidationError for an unusable name."""
    access.require_right(Right.SETTINGS)
    organization, name = access.organization, clean_name(name)
    if Organization.objects.filter(pk=organization.pk).exclude(name=name).update(name=name):
        note = f"{isolated(organization.name)} → {isolated(name)}"
        record_by(access, AuditAction.ORGANIZATION_RENAMED, note=note)


def called_after(email: str) -> str:
    """What stands before the @ may hold next to anything between quotation marks."""
    name = "".join(sign for sign in email.rpartition("@")[0] if sign.isalnum() or sign in "._-+")
    return name[:MAX_NAME] or _("Organization")


def free_slug(shop_id: int, name: str) -> str:
    """Within the shop. That a name is taken at another one is told to nobody."""
    base = slugify(name)[:50].strip("-") or "organization"
    slug = base
    while Organization.objects.filter(shop=shop_id, slug=slug).exists():
        slug = f"{base}-{secrets.token_hex(3)}"
    return slug


def named(text: str) -> "QuerySet[Organization]":
    """Those that an operator may mean, by their short name in any shop, or by `shop/short-name` in one."""
    shop, slash, slug = text.strip().rpartition("/")
    found = Organization.objects.select_related("shop").filter(slug=slug).order_by("pk")
    return found.filter(shop__slug=shop) if slash else found


def full_slug(organization: Organization) -> str:
    """By which `named` finds it alone."""
    return f"{organization.shop.slug}/{organization.slug}"


def shown_slug(organization: Organization) -> str:
    """The short name, with its shop where another shop has the same: for whoever may know of all shops."""
    alone = not Organization.objects.filter(slug=organization.slug).exclude(pk=organization.pk).exists()
    return organization.slug if alone else full_slug(organization)


def set_rate_limits(organization: Organization, **limits: int | None) -> None:
    """`rate_per_minute` and `burst`, None for the settings' own; in force from the next request on."""
    for name, value in limits.items():
        setattr(organization, name, value)
    organization.save(update_fields=list(limits))


@transaction.atomic
def suspend(
    organization: Organization,
    *,
    reason: str = "",
    actor: str = "system",
    origin: Origin = NOWHERE,
    note: str = "",
) -> bool:
    """`reason`: a machine word, "" by an operator, who says why in `note`. False when it was suspended before."""
    found = Organization.objects.filter(pk=organization.pk, suspended_at=None)
    if not found.update(suspended_at=db_now(), suspended_reason=reason):
        return False
    record(organization, AuditAction.SUSPENDED, actor=actor, origin=origin, note=note, **_why(reason))
    return True


@transaction.atomic
def resume(
    organization: Organization, *, actor: str = "system", origin: Origin = NOWHERE, note: str = ""
) -> bool:
    """False when it was not suspended."""
    found = Organization.objects.filter(pk=organization.pk, suspended_at__isnull=False)
    if not found.update(suspended_at=None, suspended_reason="", resumed_at=db_now()):
        return False
    record(organization, AuditAction.RESUMED, actor=actor, origin=origin, note=note)
    return True


def _why(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason else {}
