"""How much and how fast automatic top-up may buy, and what people are told when it has to wait."""

import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum

from accounts.clock import db_now, read_db_now
from billing.currencies import shown_lazily
from billing.models import (
    UNDECIDED,
    AutoTopUp,
    CreditPack,
    Payment,
    PaymentKind,
    PaymentStatus,
    StoppedReason,
)
from billing.news import tell_money_people

# After the first and the second failure in a row; the third switches it off.
PAUSES = (datetime.timedelta(hours=1), datetime.timedelta(hours=24))
# After a purchase, also where one brings fewer credits than the threshold.
BETWEEN_PURCHASES = datetime.timedelta(minutes=10)


def purchases(organization_id: int) -> QuerySet[Payment]:
    return Payment.objects.filter(organization_id=organization_id, kind=PaymentKind.AUTOMATIC)


def spent_this_month(organization_id: int) -> int:
    """What automatic top-ups have charged or may still charge in this calendar month (UTC), in the smallest unit."""
    counted = _counted(organization_id, _midnight().replace(day=1))
    return counted.aggregate(sum=Sum("amount_minor"))["sum"] or 0


def bought_today(organization_id: int) -> int:
    """How many purchases have been or may still be charged on this day (UTC)."""
    return _counted(organization_id, _midnight()).count()


def has_just_bought(organization_id: int) -> bool:
    paid = purchases(organization_id).filter(status=PaymentStatus.PAID)
    return paid.filter(paid_at__gt=db_now() - BETWEEN_PURCHASES).exists()


def _counted(organization_id: int, since: datetime.datetime) -> QuerySet[Payment]:
    settled = Q(status=PaymentStatus.SETTLED, paid_at__isnull=False)
    counted = Q(status=PaymentStatus.PAID) | Q(status__in=UNDECIDED) | settled
    return purchases(organization_id).filter(counted, created_at__gte=since)


def _midnight() -> datetime.datetime:
    return read_db_now().replace(hour=0, minute=0, second=0, microsecond=0)


def has_to_wait(rule: AutoTopUp) -> bool:
    """After a purchase, and after failures; the first look at one tells people of it, that at the third stops it."""
    # By the version and not by the time: those from before it was switched on do not count.
    ordered = purchases(rule.organization_id).filter(rule_version=rule.version)
    paid = ordered.filter(status=PaymentStatus.PAID).order_by("-pk")
    last_paid = paid.values_list("pk", flat=True).first() or 0
    failed = ordered.filter(status=PaymentStatus.FAILED, pk__gt=last_paid)
    in_a_row = list(failed.order_by("-pk")[: len(PAUSES) + 1])
    if in_a_row:
        is_over = len(in_a_row) > len(PAUSES)
        _tell_of_failure(rule, in_a_row[0], is_over)
        if is_over or read_db_now() < in_a_row[0].created_at + PAUSES[len(in_a_row) - 1]:
            return True
    return has_just_bought(rule.organization_id)


def is_used_up(rule: AutoTopUp, pack: CreditPack) -> bool:
    """Whether one more purchase would pass the day's number or the month's amount; tells people of it."""
    bought, spent = bought_today(rule.organization_id), spent_this_month(rule.organization_id)
    if bought >= settings.AUTOMATIC_PER_DAY:
        _tell_of_day(rule, bought)
        return True
    if rule.cap_minor is not None and spent + pack.price_minor > rule.cap_minor:
        _tell_of_cap(rule, spent, pack)
        return True
    return False


def is_passed(rule: AutoTopUp) -> bool:
    """The same of a purchase whose row is in already, also by what others have bought since we looked."""
    organization_id = rule.organization_id
    is_over_cap = rule.cap_minor is not None and spent_this_month(organization_id) > rule.cap_minor
    is_over_day = bought_today(organization_id) > settings.AUTOMATIC_PER_DAY
    return is_over_cap or is_over_day or has_just_bought(organization_id)


# --- What people are told -----------------------------------------------------------------------


@transaction.atomic
def _tell_of_failure(rule: AutoTopUp, payment: Payment, is_over: bool) -> None:
    untold = Q(told_payment=None) | Q(told_payment__lt=payment.pk)
    changes: dict[str, Any] = {"told_payment": payment.pk}
    if is_over:
        changes |= {"is_on": False, "stopped_reason": StoppedReason.DECLINED}
    if AutoTopUp.objects.filter(untold, pk=rule.pk, version=rule.version).update(**changes):
        context = {
            "needs_you": payment.failure == "authentication_required",
            "is_over": is_over,
            "price": shown_lazily(payment.amount_minor, payment.currency),
        }
        tell_money_people(rule.organization, "automatic_failed", context)


@transaction.atomic
def _tell_of_day(rule: AutoTopUp, bought: int) -> None:
    today = read_db_now().date()
    untold = ~Q(told_day=today) | Q(told_day=None)
    if AutoTopUp.objects.filter(untold, pk=rule.pk).update(told_day=today):
        tell_money_people(rule.organization, "automatic_paused", {"count": bought})


@transaction.atomic
def _tell_of_cap(rule: AutoTopUp, spent: int, pack: CreditPack) -> None:
    month = read_db_now().date().replace(day=1)
    untold = ~Q(told_month=month) | Q(told_month=None)
    if AutoTopUp.objects.filter(untold, pk=rule.pk).update(told_month=month):
        context = {
            "cap": shown_lazily(rule.cap_minor or 0, pack.currency),
            "spent": shown_lazily(spent, pack.currency),
        }
        tell_money_people(rule.organization, "automatic_capped", context)
