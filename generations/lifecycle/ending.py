"""Ends that come from outside: the customer's, and the clock's."""

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.clock import db_now, read_db_now
from generations.errors import AlreadyEnded, TooLateToCancel
from generations.lifecycle.attempts import leave_attempts
from generations.lifecycle.shared import end, settle
from generations.models import OPEN, Attempt, Generation, PaidCancels, Status
from generations.providers import ADAPTERS


def cancel(generation: Generation) -> None:
    """Ends an open generation at once and frees its hold; a late image is discarded unshown.

    Raises AlreadyEnded; TooLateToCancel when its upstream goes on making it at the shop's expense, and the
    organization has had settings.MAX_PAID_CANCELS of those today. Racing a success, exactly one of the two wins.
    """
    with transaction.atomic():
        open_row = Generation.objects.filter(pk=generation.pk, status__in=OPEN)
        if not end(open_row, Status.CANCELED, error_type="canceled"):
            raise AlreadyEnded
        at_upstreams = Attempt.objects.filter(generation=generation, outcome="", upstream__isnull=False)
        if any(_is_paid_for(attempt) for attempt in at_upstreams):
            _count_paid_cancel(generation.organization_id)
        at_upstreams.filter(accepted_at__isnull=False).update(poll_at=db_now())  # to stop it there
        leave_attempts(generation)
        settle(generation, Status.CANCELED, consumed=0)


def _is_paid_for(attempt: Attempt) -> bool:
    adapter = ADAPTERS.get(attempt.provider)
    return attempt.possible_cost_micros > 0 and not (adapter is not None and adapter.can_stop)


def _count_paid_cancel(organization_id: int) -> None:
    today = read_db_now().date()
    counts = PaidCancels.objects.filter(organization_id=organization_id, on=today)
    if not counts.exists():
        PaidCancels.objects.bulk_create(
            [PaidCancels(organization_id=organization_id, on=today)], ignore_conflicts=True
        )
    # Counted by the update itself: of many at once, only so many get through.
    if not counts.filter(count__lt=settings.MAX_PAID_CANCELS).update(count=F("count") + 1):
        raise TooLateToCancel


def expire(generation: Generation) -> bool:
    """Fails an open generation whose deadline has passed; False when it ended meanwhile."""
    with transaction.atomic():
        late = Generation.objects.filter(pk=generation.pk, status__in=OPEN, deadline_at__lte=db_now())
        if not end(late, Status.FAILED, error_type="timeout"):
            return False
        leave_attempts(generation)
        settle(generation, Status.FAILED, consumed=0)
    return True
