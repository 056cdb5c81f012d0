"""From a pack to the page where it is paid, and back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Access
from accounts.errors import NotFound
from billing import checkout, packs, payments, reads, reconciling, stripe_gateway
from billing.errors import PaymentsAway
from billing.models import CreditPack, Payment, PaymentKind, PaymentStatus
from billing.stripe_gateway.errors import StripeAway, StripeRefused
from billing.views.credits import show
from billing.views.shared import (
    count_asking,
    may_look_at,
    money_page,
    number_in,
    payment_of,
    payments_page,
    require_not_suspended,
)

# What somebody who comes back finds, by how it stands.
HEADINGS = {
    "added": gettext_lazy("Thank you"),
    "given_back": gettext_lazy("This payment was given back"),
    "disputed": gettext_lazy("This payment is disputed"),
    "problem": gettext_lazy("Somebody has to look at your payment"),
    "unseen": gettext_lazy("We cannot see your payment yet"),
    PaymentStatus.PROCESSING.value: gettext_lazy("Your payment is on its way"),
    PaymentStatus.OPEN.value: gettext_lazy("Not paid yet"),
    PaymentStatus.FAILED.value: gettext_lazy("The payment did not go through"),
    PaymentStatus.EXPIRED.value: gettext_lazy("This checkout has ended"),
    PaymentStatus.SETTLED.value: gettext_lazy("The operator has settled this payment"),
}


@require_POST
@payments_page
def buy(request: HttpRequest, access: Access) -> HttpResponse:
    """Leads to the page where the pack is paid; shows it anew when it is not what the person saw any more."""
    require_not_suspended(access)
    pack = _pack(access, request.POST.get("pack", ""))
    if request.POST.get("offer") != pack.offer:
        problem = _(
            "%(pack)s has changed since you opened the page, so nothing was bought. Please look at it again below."
        )
        return show(request, access, status=409, payment_problem=problem % {"pack": pack.name})
    count_asking(access)
    try:
        started = checkout.start(access, pack)
    except PaymentsAway as error:
        return show(request, access, status=503, payment_problem=error.message)
    return HttpResponseRedirect(started.url)


def _pack(access: Access, sent: str) -> CreditPack:
    number = number_in(sent)
    pack = packs.on_sale(access.organization.shop_id).filter(pk=number).first() if number else None
    if pack is None:
        raise NotFound
    return pack


@require_safe
@payments_page
def go_on_paying(request: HttpRequest, access: Access, payment_id: str) -> HttpResponse:
    """To the page of a checkout that was left without paying; one that has ended says so."""
    payment = payment_of(access, public_id=payment_id)
    if payment.kind != PaymentKind.CHECKOUT or not payment.session_id:
        raise NotFound
    count_asking(access)
    try:
        with stripe_gateway.line.hastily(), checkout.friendly():
            url = stripe_gateway.selling.checkout_url(payment.account, payment.session_id)
    except PaymentsAway as error:
        return show(request, access, status=503, payment_problem=error.message)
    if url:  # what is paid already is shown whatever happened since
        require_not_suspended(access)
    back = f"{reverse('checkout_return')}?{urlencode({'session_id': payment.session_id})}"
    return HttpResponseRedirect(url or back)


@require_safe
@money_page
def checkout_return(request: HttpRequest, access: Access) -> HttpResponse:
    """Where Stripe's page leads back to: the credits are there when this page is."""
    payment = payment_of(access, session_id=request.GET.get("session_id", ""))
    was_seen = True
    # What was credited or settled needs no look: whoever reloads must not make us ask Stripe without end.
    is_known = payment.credited or payment.refunded_minor or payment.disputed_minor
    if not is_known and payment.status != PaymentStatus.SETTLED:
        payment, was_seen = _look_at(payment)
    outcome = _outcome(payment, was_seen=was_seen)
    context = {
        "access": access,
        "here": "credits",
        "payment": payment,
        "outcome": outcome,
        "heading": HEADINGS[outcome],
        "balance": reads.balance(access.organization.pk),
    }
    return render(request, "billing/return.html", context)


def _look_at(payment: Payment) -> tuple[Payment, bool]:
    """The payment, and whether Stripe was seen."""
    if not may_look_at(payment):
        return payment, False
    try:
        with stripe_gateway.line.hastily():
            return payments.sync_payment(payment.pk), True
    except (StripeAway, StripeRefused):
        return payment, False


def _outcome(payment: Payment, *, was_seen: bool) -> str:
    if payment.problem:
        return "problem"
    if payment.status == PaymentStatus.PAID:
        if payment.credited:
            return "added"
        return "disputed" if payment.disputed_minor else "given_back"
    return payment.status if was_seen else "unseen"


@require_POST
@payments_page
def look_again(request: HttpRequest, access: Access) -> HttpResponse:
    """ "I paid but see no credits"."""
    count_asking(access)
    try:
        found = reconciling.look_for(access)
    except PaymentsAway:
        problem = _(
            "Stripe does not answer at the moment. Nothing is lost: credits that were paid for appear by themselves as"
            " soon as it does. Do not pay again."
        )
        return show(request, access, status=503, payment_problem=problem)
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
@payments_page
def receipt(request: HttpRequest, access: Access, payment_id: str) -> HttpResponse:
    """Stripe's own, as a file or page; its addresses do not last, so they are asked for each time."""
    payment = payment_of(access, public_id=payment_id)
    if payment.status != PaymentStatus.PAID:
        raise NotFound
    count_asking(access)
    try:
        with stripe_gateway.line.hastily(), checkout.friendly():
            url = stripe_gateway.selling.receipt_url(payment)
    except PaymentsAway:
        problem = _("The receipt cannot be fetched at the moment; please try again shortly.")
        return show(request, access, status=503, payment_problem=problem)
    if not url:
        problem = _("Stripe has no receipt for this purchase yet; please try again in some minutes.")
        return show(request, access, status=404, payment_problem=problem)
    return HttpResponseRedirect(url)


@require_POST
@payments_page
def portal(request: HttpRequest, access: Access) -> HttpResponse:
    """Leads to where cards, the billing address and invoices are kept."""
    count_asking(access)
    try:
        return HttpResponseRedirect(checkout.portal_url(access))
    except PaymentsAway:
        problem = _("That page cannot be opened at the moment; please try again shortly.")
        return show(request, access, status=503, payment_problem=problem)
