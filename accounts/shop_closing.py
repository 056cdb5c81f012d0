"""How a shop ends. Once that is begun nothing new is made or bought there; for UNDO_FOR its members may look at what is
theirs and fetch it, and it can be taken back; then config/shop_end.py exports it and closes its organizations, one by
one.
"""

from collections.abc import Iterator

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import hooks, shops
from accounts.audit import record_of_shop
from accounts.clock import db_now, read_db_now
from accounts.errors import DomainError
from accounts.mail import circulars
from accounts.models import (
    AuditAction,
    AuditEvent,
    Organization,
    Shop,
    ShopDomain,
    ShopLogo,
    ShopStaff,
)
from accounts.origin import NOWHERE, Origin
from accounts.shop_standing import refuse_first


class ClosesAlready(DomainError):
    type, status = "shop_closes", 409

    def __init__(self) -> None:
        super().__init__(
            _("Its export is written, so its organizations are being closed: this goes to its end.")
        )


@transaction.atomic
def begin(shop: Shop, *, actor: str = "system", origin: Origin = NOWHERE, note: str = "") -> bool:
    """Tells every member by mail until when they can fetch what is theirs. False when it was begun before. Raises
    FirstShop.
    """
    refuse_first(shop)
    if not Shop.objects.filter(pk=shop.pk, closing_at=None).update(closing_at=db_now()):
        return False
    shop.closing_at = read_db_now()
    for hook in hooks.shop_paused:
        hook(shop)
    record_of_shop(shop, AuditAction.SHOP_CLOSING, actor=actor, origin=origin, note=note)
    circulars.begin(shop, "shop_closing")
    transaction.on_commit(shops.forget)
    return True


@transaction.atomic
def take_back(shop: Shop, *, actor: str = "system", origin: Origin = NOWHERE, note: str = "") -> bool:
    """False when nobody had begun. Raises ClosesAlready."""
    list(Shop.objects.select_for_update(no_key=True).filter(pk=shop.pk))
    if digest_of_export(shop):
        raise ClosesAlready
    closing = Shop.objects.filter(pk=shop.pk, closing_at__isnull=False, closed_at=None)
    if not closing.update(closing_at=None):
        return False
    shop.closing_at = None
    record_of_shop(shop, AuditAction.SHOP_KEPT, actor=actor, origin=origin, note=note)
    circulars.begin(shop, "shop_kept")
    transaction.on_commit(shops.forget)
    return True


def organizations_of(shop: Shop) -> QuerySet[Organization]:
    """Those that are not closed yet."""
    return Organization.objects.filter(shop=shop, closed_at=None).select_related("shop").order_by("pk")


# --- Its export is written ------------------------------------------------------------------------


@transaction.atomic
def note_export(shop: Shop, digest: str) -> bool:
    """From here on it goes to its end. False when it was taken back meanwhile."""
    if not list(Shop.objects.select_for_update(no_key=True).filter(pk=shop.pk, closing_at__isnull=False)):
        return False
    record_of_shop(shop, AuditAction.SHOP_EXPORTED, actor="system", sha256=digest)
    return True


def digest_of_export(shop: Shop) -> str:
    """Of the manifest of its export; "" while there is none. An index has the few events of no organization."""
    events = AuditEvent.objects.filter(organization=None, shop=shop, action=AuditAction.SHOP_EXPORTED)
    last = events.order_by("-pk").first()
    return str(last.details["sha256"]) if last is not None else ""


@transaction.atomic
def finish(shop: Shop) -> bool:
    """Once none of its organizations is left: its hosts lead nowhere, its staff lose the desk, and what could be used
    in its name is forgotten: also the sender of its mails, whose domain may be another shop's tomorrow. False while
    some are left.
    """
    list(Shop.objects.select_for_update().filter(pk=shop.pk))
    if organizations_of(shop).exists():
        return False
    if Shop.objects.filter(pk=shop.pk, closing_at__isnull=False, closed_at=None).update(
        closed_at=db_now(), sender_email=""
    ):
        for hook in hooks.shop_closed:
            hook(shop)
        ShopStaff.objects.filter(shop=shop).delete()
        ShopDomain.objects.filter(shop=shop).delete()
        ShopLogo.objects.filter(shop=shop).delete()
        record_of_shop(shop, AuditAction.SHOP_CLOSED, actor="system")
        transaction.on_commit(shops.forget)
    return True


def sections(shop: Shop) -> Iterator[tuple[str, object]]:
    """What its export holds of the shop itself, by name."""
    settings = {
        field.attname: getattr(shop, field.attname)
        for field in Shop._meta.concrete_fields
        if field.attname != "logo"
    }
    yield "shop", settings
    domains = ShopDomain.objects.filter(shop=shop).order_by("pk")
    yield "domains", list(domains.values("host", "is_primary", "active", "created_at"))
    staff = ShopStaff.objects.filter(shop=shop).select_related("user").order_by("pk")
    yield "staff", [{"email": one.user.email, "role": one.role, "since": one.created_at} for one in staff]
    for hook in hooks.shop_sections:
        yield from hook(shop).items()
