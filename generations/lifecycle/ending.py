"""Ends that come from outside: the customer's, and the clock's."""

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.clock import db_now, read_db_now
from generations.errors import AlreadyEnded, TooLateToCancel
from generations.lifecycle.attempts import leave_attempts
from generations.lifecycle.parts import deliver, drop_parts, end_with_parts
from generations.lifecycle.shared import end, settle
from generations.models import OPEN, Attempt, Generation, PaidCancels, Status
from generations.providers import UPSTREAMS


def cancel(generation: Generation, *, at_shops_expense: bool = False) -> None:
    """Ends an open generation at once and frees its hold; a late image is discarded unshown, as are those of several
    that were made already. `generation` then bears the claim under which the last file may have been stored.

    Raises AlreadyEnded; TooLateToCancel when its upstream goes on making it at the shop's expense, or has made some of
    it, and the organization has had settings.MAX_PAID_CANCELS of those today. Racing a success, exactly one of the two
    wins. `at_shops_expense`: by an operator; it counts against nobody.
    """
    with transaction.atomic():
        open_row = Generation.objects.filter(pk=generation.pk, status__in=OPEN)
        if not end(open_row, Status.CANCELED, error_type="canceled"):
            raise AlreadyEnded
        at_upstreams = Attempt.objects.filter(generation=generation, outcome="", upstream__isnull=False)
        is_paid_for = any(_is_paid_for(attempt) for attempt in at_upstreams)
        if generation.n > 1:
            is_paid_for = drop_parts(generation) or is_paid_for
            generation.refresh_from_db(fields=["claim"])
        if is_paid_for and not at_shops_expense:
            _count_paid_cancel(generation.organization_id)
        at_upstreams.filter(accepted_at__isnull=False).update(poll_at=db_now())  # to stop it there
        leave_attempts(generation)
        settle(generation, Status.CANCELED, consumed=0)


def _is_paid_for(attempt: Attempt) -> bool:
    adapter = UPSTREAMS.get(attempt.provider)
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
    """Fails an open generation whose deadline has passed, or ends it with what is there; False when it ended
    meanwhile.
    """
    with transaction.atomic():
        late = Generation.objects.filter(pk=generation.pk, status__in=OPEN, deadline_at__lte=db_now())
        parts = end_with_parts(late, generation, "timeout")
        if parts is None:
            return False
        leave_attempts(generation)
        deliver(generation, parts)
    return True
