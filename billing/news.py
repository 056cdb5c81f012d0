"""What an organization's people hear of its money, by mail."""

from typing import Any

from django.conf import settings

from accounts import outbox
from accounts.access import MONEY_ROLES
from accounts.models import Membership, Organization
from billing.errors import CREDITS_PATH


def tell_money_people(organization: Organization, template: str, context: dict[str, Any]) -> int:
    """Queues `templates/emails/<template>.txt` for who handles the money there; part of the caller's transaction."""
    members = Membership.objects.filter(
        organization=organization, role__in=MONEY_ROLES, user__is_active=True
    ).select_related("user")
    context = {
        **context,
        "organization": organization,
        "credits_url": f"{settings.PUBLIC_URL}{CREDITS_PATH}",
    }
    for member in members:
        outbox.queue_template(organization.shop, member.user.email, template, context)
    return len(members)
