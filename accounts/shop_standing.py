"""Suspending a shop as a whole, and opening it again: nothing new is made or bought meanwhile; what is under way ends,
and what is there can be looked at.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import hooks, shops
from accounts.audit import record_of_shop
from accounts.clock import db_now
from accounts.errors import DomainError
from accounts.models import AuditAction, Shop
from accounts.origin import NOWHERE, Origin


class FirstShop(DomainError):
    """The others stand on it: they buy from it, and its staff look after them."""

    type, status = "first_shop", 409

    def __init__(self) -> None:
        super().__init__(_("The first shop is the platform itself: it can be neither suspended nor closed."))


def refuse_first(shop: Shop) -> None:
    """Raises FirstShop."""
    if shop.pk == shops.first_shop().pk:
        raise FirstShop


@transaction.atomic
def suspend(shop: Shop, *, actor: str = "system", origin: Origin = NOWHERE, note: str = "") -> bool:
    """In force within a second, in every process. False when it was suspended before. Raises FirstShop."""
    refuse_first(shop)
    if not Shop.objects.filter(pk=shop.pk, suspended_at=None, closed_at=None).update(suspended_at=db_now()):
        return False
    for hook in hooks.shop_paused:
        hook(shop)
    record_of_shop(shop, AuditAction.SHOP_SUSPENDED, actor=actor, origin=origin, note=note)
    transaction.on_commit(shops.forget)
    return True


@transaction.atomic
def resume(shop: Shop, *, actor: str = "system", origin: Origin = NOWHERE, note: str = "") -> bool:
    """False when it was not suspended."""
    suspended = Shop.objects.filter(pk=shop.pk, suspended_at__isnull=False, closed_at=None)
    if not suspended.update(suspended_at=None):
        return False
    record_of_shop(shop, AuditAction.SHOP_RESUMED, actor=actor, origin=origin, note=note)
    transaction.on_commit(shops.forget)
    return True
