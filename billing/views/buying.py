"""From a pack to the page where it is paid, and back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Access
from accounts.errors import NotFound
from accounts.pages import member_page
from billing import checkout, payments, reads, reconciling, stripe_gateway
from billing.errors import PaymentsAway
from billing.models import CreditPack, Payment, PaymentStatus
from billing.stripe_gateway.errors import StripeAway, StripeRefused
from billing.views.credits import show
from billing.views.shared import count_asking, money_page

MAX_ID_DIGITS = 18


@require_POST
@money_page
def buy(request: HttpRequest, access: Access) -> HttpResponse:
    """Leads to the page where the pack is paid."""
    count_asking(access)
    pack = _pack(access, request.POST.get("pack", ""))
    try:
        started = checkout.start(access, pack)
    except PaymentsAway as error:
        return show(request, access, status=503, payment_problem=error.message)
    return HttpResponseRedirect(started.url)


def _pack(access: Access, number: str) -> CreditPack:
    if not (number.isascii() and number.isdigit() and len(number) <= MAX_ID_DIGITS):
        raise NotFound
    pack = CreditPack.objects.filter(
        pk=int(number), shop_id=access.organization.shop_id, is_active=True
    ).first()
    if pack is None:
        raise NotFound
    return pack


@require_safe
@member_page
def checkout_return(request: HttpRequest, access: Access) -> HttpResponse:
    """Where Stripe's page leads back to: the credits are there when this page is."""
    payment = Payment.objects.filter(
        session_id=request.GET.get("session_id") or None, organization=access.organization
    ).first()
    if payment is None or not payment.session_id:
        raise NotFound
    is_away = False
    # What was credited needs no look: whoever reloads must not make us ask Stripe without end.
    if payment.credited == 0 and payment.refunded_minor + payment.disputed_minor == 0:
        try:
            with stripe_gateway.line.hastily():
                payment = payments.sync_payment(payment.pk)
        except (StripeAway, StripeRefused):
            is_away = True
    context = {
        "access": access,
        "here": "credits",
        "payment": payment,
        "is_paid": payment.status == PaymentStatus.PAID and not payment.problem,
        "is_away": is_away,
        "balance": reads.balance(access.organization.pk),
    }
    return render(request, "billing/return.html", context)


@require_POST
@money_page
def look_again(request: HttpRequest, access: Access) -> HttpResponse:
    """ "I paid but see no credits"."""
    count_asking(access)
    try:
        found = reconciling.look_for(access)
    except PaymentsAway as error:
        return show(request, access, status=503, payment_problem=error.message)
    credits = sum(payment.credited for payment in found)
    if credits:
        words = ngettext(
            "Found: %(count)d credit was added.", "Found: %(count)d credits were added.", credits
        )
        messages.success(request, words % {"count": credits})
    else:
        messages.info(
            request,
            _(
                "Stripe knows of no payment whose credits are missing here. A bank transfer may take days; if you paid"
                " with a card, send the operator the time and the amount."
            ),
        )
    return redirect("credits")


@require_safe
@money_page
def receipt(request: HttpRequest, access: Access, payment_id: str) -> HttpResponse:
    """Stripe's own, as a file or page; its addresses do not last, so they are asked for each time."""
    payment = Payment.objects.filter(
        public_id=payment_id, organization=access.organization, status=PaymentStatus.PAID
    ).first()
    if payment is None:
        raise NotFound
    count_asking(access)
    with stripe_gateway.line.hastily(), checkout.friendly():
        url = stripe_gateway.selling.receipt_url(payment)
    if not url:
        raise NotFound
    return HttpResponseRedirect(url)


@require_POST
@money_page
def portal(request: HttpRequest, access: Access) -> HttpResponse:
    """Leads to where cards, the billing address and invoices are kept."""
    count_asking(access)
    try:
        return HttpResponseRedirect(checkout.portal_url(access))
    except PaymentsAway as error:
        return show(request, access, status=503, payment_problem=error.message)
