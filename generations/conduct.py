"""Organizations whose orders upstreams keep refusing: they would cost the shop its account there, so they pause."""

import datetime
import logging

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.clock import db_now
from accounts.mail import alerts
from accounts.models import AlertKind
from accounts.names import isolated
from accounts.organizations import full_slug, suspend
from generations.models import Generation, Upstream

logger = logging.getLogger(__name__)

WINDOW = datetime.timedelta(hours=1)
LATEST = 2000  # orders of an organization that are looked at
REASON = "refusals"


def note_refusal(generation: Generation) -> bool:
    """After an upstream refused one for its content; True when the organization was paused for that now."""
    limit = settings.REFUSALS_BEFORE_PAUSE
    if not limit or not generation.livemode:
        return False
    organization = generation.organization
    latest = Generation.objects.filter(organization=organization, livemode=True).newest_first()
    refused = Generation.objects.filter(
        pk__in=latest.values("pk")[:LATEST],
        error_type="content_rejected",
        finished_at__gt=db_now() - WINDOW,
    )
    if organization.resumed_at is not None:  # by somebody who has looked at the older ones
        refused = refused.filter(finished_at__gt=organization.resumed_at)
    if refused.count() < limit:
        return False
    if Upstream.objects.filter(wholesale=organization, enabled=True).exists():
        return False  # a shop with many customers, of whom it pauses by itself those that are meant
    with transaction.atomic():
        if not suspend(organization, reason=REASON):
            return False
        alerts.raise_alert(
            organization.shop_id,
            AlertKind.CONDUCT,
            _("%(name)s was paused: its prompts are refused") % {"name": isolated(organization.name)},
            _(
                "Upstreams refused %(count)d orders of %(name)s within an hour for their content, which can cost the "
                "shop its account there. The organization cannot order until it is resumed: in the admin, or with"
                " manage.py resume_organization %(slug)s"
            )
            % {"count": limit, "name": isolated(organization.name), "slug": full_slug(organization)},
        )
    logger.warning("%s was paused: upstreams refused %d of its orders", organization.slug, limit)
    return True
