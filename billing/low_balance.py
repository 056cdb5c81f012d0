"""Mail when few credits are left: once for each time that the balance falls below what the organization set."""

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from accounts.clock import db_now
from billing.models import BalanceNotice, Wallet
from billing.news import tell_money_people
from webhooks.event_types import CREDITS_LOW
from webhooks.publishing import publish

MAX_THRESHOLD_CREDITS = 1_000_000_000
AT_ONCE = 500


def set_threshold(organization_id: int, credits: int | None) -> None:
    """Below how many available credits its owners, admins and billing members get mail; None: never.

    Raises ValueError for what is not 1 to MAX_THRESHOLD_CREDITS.
    """
    if credits is None:
        BalanceNotice.objects.filter(organization_id=organization_id).delete()
        return
    if not 1 <= credits <= MAX_THRESHOLD_CREDITS:
        raise ValueError(f"a threshold is 1 to {MAX_THRESHOLD_CREDITS} credits, not {credits}")
    BalanceNotice.objects.update_or_create(
        organization_id=organization_id, defaults={"threshold_credits": credits}
    )


def threshold(organization_id: int) -> int | None:
    notices = BalanceNotice.objects.filter(organization_id=organization_id)
    return notices.values_list("threshold_credits", flat=True).first()


def look() -> int:
    """How many organizations have fallen below their threshold since the last look, of any process."""
    _that_are(low=False).filter(low_since__isnull=False).update(low_since=None)
    fallen = _that_are(low=True).filter(low_since=None)
    return sum(
        _tell(organization_id) for organization_id in list(fallen.values_list("pk", flat=True)[:AT_ONCE])
    )


def _that_are(*, low: bool) -> QuerySet[BalanceNotice]:
    # Not by a join: an update would then ask for `low_since` in a subquery, which PostgreSQL does not look at again
    # once it has waited for another look at the same row.
    wallet = Wallet.objects.filter(organization_id=OuterRef("organization_id"))
    is_low = Exists(wallet.filter(available__lt=OuterRef("threshold_credits")))
    return BalanceNotice.objects.filter(is_low if low else ~is_low)


@transaction.atomic
def _tell(organization_id: int) -> bool:
    """False when another look was quicker, or credits came meanwhile."""
    mine = _that_are(low=True).filter(pk=organization_id, low_since=None)
    if not mine.update(low_since=db_now()):
        return False
    notice = (
        BalanceNotice.objects.select_related("organization__shop")
        .annotate(available=F("organization__wallet__available"))
        .get(pk=organization_id)
    )
    context = {"available": notice.available, "threshold": notice.threshold_credits}
    tell_money_people(notice.organization, "low_balance", context)
    publish(organization_id, CREDITS_LOW, livemode=True, data=context)
    return True
