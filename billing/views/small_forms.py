"""The small forms of the page of credits: a voucher, and mail when credits run low."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import Access
from accounts.audit import record_by
from accounts.errors import DomainError, RateLimited, Unavailable
from accounts.models import AuditAction
from billing import low_balance, vouchers
from billing.errors import VoucherRefused
from billing.views.credits import show
from billing.views.shared import money_page, number_in


@require_POST
@money_page
def redeem(request: HttpRequest, access: Access) -> HttpResponse:
    code = request.POST.get("code", "")[:200]
    if access.user is None:
        raise TypeError("People redeem vouchers.")
    try:
        credits = vouchers.redeem(access.organization, access.user, code, origin=access.origin)
    except VoucherRefused as error:
        return _refused(request, access, code, error, 400)
    except RateLimited as error:
        return _refused(request, access, code, error, 429)
    except Unavailable as error:
        return _refused(request, access, code, error, 503)
    words = ngettext(
        "The voucher brought %(count)d credit.", "The voucher brought %(count)d credits.", credits
    )
    messages.success(request, words % {"count": credits})
    return redirect("credits")


def _refused(
    request: HttpRequest, access: Access, code: str, error: DomainError, status: int
) -> HttpResponse:
    response = show(request, access, status=status, voucher_problem=error.message, voucher_code=code)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


@require_POST
@money_page
def low_balance_mail(request: HttpRequest, access: Access) -> HttpResponse:
    """`threshold` empty: no mail."""
    text = request.POST.get("threshold", "").strip()
    credits = number_in(text)
    if text and (credits is None or not 1 <= credits <= low_balance.MAX_THRESHOLD_CREDITS):
        problem = _("A whole number of credits, or nothing for no mail.")
        return show(request, access, status=400, threshold_problem=problem, threshold_text=text[:20])
    with transaction.atomic():
        if credits != low_balance.threshold(access.organization.pk):
            low_balance.set_threshold(access.organization.pk, credits)
            record_by(access, AuditAction.BILLING_CHANGED, low_balance_mail_below=credits)
    words = (
        _("You get a mail when few credits are left.") if credits else _("No more mails about low balance.")
    )
    messages.success(request, words)
    return redirect("credits")
