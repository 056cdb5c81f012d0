"""Whether an organization may have anything new made or bought: it may be suspended, and so may its whole shop."""

from accounts import shops
from accounts.errors import OrganizationSuspended, ShopSuspended
from accounts.models import Organization


def is_suspended(organization: Organization) -> bool:
    return organization.suspended_at is not None or shops.is_paused(organization.shop_id)


def require_running(organization: Organization) -> None:
    """Raises OrganizationSuspended or ShopSuspended."""
    if organization.suspended_at is not None:
        raise OrganizationSuspended
    if shops.is_paused(organization.shop_id):
        raise ShopSuspended
