"""Codes that bring credits: redeemed as often as they may be, also when everybody tries at once.

The voucher's row is locked by the update that counts the redemption, and only then are those of this organization and
person counted; unique numbers stand behind that. Locks: voucher, redemption, wallet.
"""

import datetime
import re
import secrets

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.clock import db_now, read_db_now
from accounts.errors import RateLimited
from accounts.gcra import Ask, Bucket, Rate
from accounts.models import AuditAction, Organization, User
from accounts.origin import NOWHERE, Origin
from accounts.standing import require_running
from accounts.throttling import limiter
from billing import ledger
from billing.errors import (
    UnknownVoucher,
    VoucherAlreadyUsed,
    VoucherAlreadyUsedTogether,
    VoucherExpired,
    VoucherNotYetValid,
    VoucherRefused,
    VoucherUsedUp,
)
from billing.models import Redemption, Voucher
from billing.models.gifts import CODE
from billing.news import tell_of_added

# Good tries count as well. One person needs three years for all codes of four signs.
PERSON_RATE = Rate("voucher", per_minute=1, burst=5)
ORGANIZATION_RATE = Rate("voucher", per_minute=2, burst=10)
SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_code() -> str:
    """One that nobody guesses, of signs that nobody mistakes for each other."""
    return "-".join("".join(secrets.choice(SIGNS) for _sign in range(4)) for _group in range(3))


def clean_code(text: str) -> str:
    """As it is stored: upper case without spaces; "" when no code looks like that."""
    code = "".join(text[:200].split()).upper()
    return code if re.fullmatch(CODE, code) else ""


def redeem(organization: Organization, user: User, code: str, *, origin: Origin = NOWHERE) -> int:
    """The credits that it brought. Raises VoucherRefused, RateLimited, Unavailable while tries cannot be counted, and
    OrganizationSuspended or ShopSuspended.
    """
    require_running(organization)
    _count_try(organization, user)  # before the transaction: it may ask Redis
    with transaction.atomic():
        wanted = Voucher.objects.filter(shop_id=organization.shop_id, code=clean_code(code), active=True)
        voucher = wanted.first()
        if voucher is None:
            raise UnknownVoucher
        is_taken = _open(wanted).update(redeemed=F("redeemed") + 1)
        # Nobody else redeems it from here on, until this transaction ends.
        voucher.refresh_from_db()
        if not is_taken:
            raise _why_closed(voucher, organization, user)
        redemption = Redemption.objects.create(
            voucher=voucher,
            organization=organization,
            user=user.uuid,
            credits=voucher.credits,
            **_numbers(voucher, organization, user),
        )
        ledger.grant(
            organization.pk,
            redemption.credits,
            reference=redemption.reference,
            actor=f"user:{user.uuid}",
            note=f"Voucher {voucher.code}",
        )
        record(
            organization,
            AuditAction.BILLING_CHANGED,
            actor=user.actor,
            subject=redemption.reference,
            origin=origin,
            credits=redemption.credits,
        )
        tell_of_added(organization.pk, redemption.credits, kind="voucher", reference=redemption.reference)
    return redemption.credits


def _count_try(organization: Organization, user: User) -> None:
    buckets = (
        Bucket(f"user:{user.uuid}", PERSON_RATE),
        Bucket(f"organization:{organization.pk}", ORGANIZATION_RATE, "organization"),
    )
    decision = limiter().take(Ask(buckets), refuse_uncounted=True)
    if not decision.allowed:
        raise RateLimited(
            _("Too many vouchers were tried. Wait a moment, then try again."),
            retry_after=decision.retry_after_s,
            limit_source=decision.bucket.source,
        )


def _open(vouchers: QuerySet[Voucher]) -> QuerySet[Voucher]:
    return vouchers.filter(
        Q(starts_at=None) | Q(starts_at__lte=db_now()),
        Q(expires_at=None) | Q(expires_at__gt=db_now()),
        Q(total_limit=None) | Q(redeemed__lt=F("total_limit")),
    )


def _numbers(voucher: Voucher, organization: Organization, user: User) -> dict[str, int]:
    """Of the redemption that would come next. Raises VoucherAlreadyUsed."""
    by_person = voucher.redemptions.filter(user=user.uuid).count()
    if by_person >= voucher.per_person_limit:
        raise VoucherAlreadyUsed
    by_organization = voucher.redemptions.filter(organization=organization).count()
    if by_organization >= voucher.per_organization_limit:
        raise VoucherAlreadyUsedTogether
    return {"person_number": by_person + 1, "organization_number": by_organization + 1}


def _why_closed(voucher: Voucher, organization: Organization, user: User) -> VoucherRefused:
    now = read_db_now()
    if not voucher.active:  # since a moment ago
        return UnknownVoucher()
    if voucher.starts_at is not None and voucher.starts_at > now:
        return VoucherNotYetValid(
            _("This voucher is valid from %(day)s on.") % {"day": _day(voucher.starts_at)}
        )
    if voucher.expires_at is not None and voucher.expires_at <= now:
        return VoucherExpired(_("This voucher has expired on %(day)s.") % {"day": _day(voucher.expires_at)})
    try:
        _numbers(voucher, organization, user)
    except VoucherAlreadyUsed as error:
        return error
    return VoucherUsedUp()


def _day(time: datetime.datetime) -> str:
    return date_format(localtime(time), "DATE_FORMAT")
