"""What an organization hears of its money: its people by mail, its programs by webhooks."""

from typing import Any

from accounts.access import MONEY_ROLES
from accounts.mail import outbox
from accounts.models import Membership, Organization
from accounts.shops import address_of
from billing import reads
from billing.errors import CREDITS_PATH
from webhooks.event_types import CREDITS_ADDED
from webhooks.publishing import publish


def tell_of_added(organization_id: int, credits: int, *, kind: str, reference: str) -> None:
    """To webhooks, in the transaction that wrote the entry. `kind`: purchase, voucher, welcome or grant."""
    data = reads.added(organization_id, credits, kind=kind, reference=reference)
    publish(organization_id, CREDITS_ADDED, livemode=True, data=data)


def tell_money_people(organization: Organization, template: str, context: dict[str, Any]) -> int:
    """Queues `templates/emails/<template>.txt` for who handles the money there; part of the caller's transaction."""
    members = Membership.objects.filter(
        organization=organization, role__in=MONEY_ROLES, user__is_active=True
    ).select_related("user")
    context = {
        **context,
        "organization": organization,
        "credits_url": f"{address_of(organization.shop_id)}{CREDITS_PATH}",
    }
    for member in members:
        outbox.queue_template(organization.shop, member.user, template, context)
    return len(members)
