"""Whether an organization may have anything new made or bought: it may be suspended, and so may its whole shop."""

from accounts import shops
from accounts.errors import OrganizationSuspended, ShopCloses, ShopSuspended
from accounts.models import Organization


def is_suspended(organization: Organization) -> bool:
    return organization.suspended_at is not None or shops.is_paused(organization.shop_id)


def require_running(organization: Organization) -> None:
    """Raises OrganizationSuspended or ShopSuspended."""
    if organization.suspended_at is not None:
        raise OrganizationSuspended
    if shops.is_paused(organization.shop_id):
        raise why_paused(organization.shop_id)


def why_paused(shop_id: int) -> ShopSuspended:
    """To be raised where a shop stands still: it opens again, or it closes."""
    shop = shops.by_id(shop_id)
    until = shop.closes_at
    return ShopSuspended() if until is None else ShopCloses(until, shop.support_email)
