"""Automatic top-up, switched on and off by those who handle the money."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import figures
from accounts.access import Access
from accounts.audit import record_by
from accounts.models import AuditAction
from billing import automatic, automatic_limits, automatic_rules, checkout, packs, reads, stripe_gateway
from billing.currencies import decimals, shown
from billing.errors import PaymentsAway
from billing.low_balance import MAX_THRESHOLD_CREDITS
from billing.models import AutoTopUp, CreditPack
from billing.stripe_gateway import credentials
from billing.views.credits import show
from billing.views.shared import ID, count_asking, money_page, payments_page, require_not_suspended

MAX_CAP = 10_000_000  # in whole units of the currency
FIRST_THRESHOLD = 300


class AutomaticForm(forms.Form):
    threshold = forms.IntegerField(
        min_value=1,
        max_value=MAX_THRESHOLD_CREDITS,
        label=gettext_lazy("When fewer credits are left than"),
        error_messages={"invalid": gettext_lazy("A whole number of credits.")},
    )
    pack = forms.ModelChoiceField(
        queryset=CreditPack.objects.none(),
        label=gettext_lazy("Buy"),
        empty_label=None,
        error_messages={"invalid_choice": gettext_lazy("This pack is no longer sold; choose another.")},
    )
    cap = forms.IntegerField(
        min_value=1,
        max_value=MAX_CAP,
        required=False,
        label=gettext_lazy("At most in a month"),
        error_messages={"invalid": gettext_lazy("A whole amount, or nothing for no limit.")},
    )

    def __init__(self, *args: Any, shop_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_tax = credentials.has_tax(shop_id)
        cast("forms.ModelChoiceField[CreditPack]", self.fields["pack"]).queryset = packs.on_sale(shop_id)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.has_tax:
            self.add_error(None, _("This shop has no automatic top-up."))  # the page says why
        pack, cap, threshold = data.get("pack"), data.get("cap"), data.get("threshold")
        if pack is not None and cap is not None and cap * 10 ** decimals(pack.currency) < pack.price_minor:
            self.add_error("cap", _("That is less than one purchase costs."))
        if pack is not None and threshold is not None and threshold > pack.total_credits:
            words = ngettext(
                "That is more than this pack brings, %(count)s credit: it would buy again and again.",
                "That is more than this pack brings, %(count)s credits: it would buy again and again.",
                pack.total_credits,
            )
            self.add_error("threshold", words % {"count": figures.count(pack.total_credits)})
        return data


@require_http_methods(["GET", "HEAD", "POST"])
@payments_page
def automatic_page(request: HttpRequest, access: Access) -> HttpResponse:
    """Switched on with a saved card; without one, Stripe's page saves it first and leads back here."""
    organization = access.organization
    if request.method == "POST":
        require_not_suspended(access)
    count_asking(access)  # a look asks Stripe as well, for the card
    rule = AutoTopUp.objects.select_related("pack").filter(organization=organization).first()
    sent = request.POST if request.method == "POST" else None
    form = AutomaticForm(sent, shop_id=organization.shop_id, initial=_initial(rule))
    card, problem = None, ""
    try:
        with stripe_gateway.line.hastily(), checkout.friendly():
            card = automatic.card_of(organization)
        if form.is_valid():
            return _switch_on(request, access, form, has_card=card is not None)
    except PaymentsAway as error:
        problem = str(error.message)
    context = {
        "access": access,
        "here": "credits",
        "form": form,
        "rule": rule,
        "card": card,
        "balance": reads.balance(organization.pk),
        "currency": organization.shop.currency.upper(),
        "spent": shown(automatic_limits.spent_this_month(organization.pk), organization.shop.currency),
        "payment_problem": problem,
        "has_tax": form.has_tax,
        "per_day": settings.AUTOMATIC_PER_DAY,
    }
    status = 503 if problem else 400 if form.errors else 200
    return render(request, "billing/automatic.html", context, status=status)


def _initial(rule: AutoTopUp | None) -> dict[str, Any]:
    if rule is None:
        return {"threshold": FIRST_THRESHOLD}
    cap = rule.cap_minor
    if cap is not None and rule.pack is not None:
        cap //= 10 ** decimals(rule.pack.currency)
    return {"threshold": rule.threshold, "pack": rule.pack_id, "cap": cap}


def _switch_on(request: HttpRequest, access: Access, form: AutomaticForm, *, has_card: bool) -> HttpResponse:
    pack, cap = form.cleaned_data["pack"], form.cleaned_data["cap"]
    cap_minor = None if cap is None else cap * 10 ** decimals(pack.currency)
    threshold = form.cleaned_data["threshold"]
    with transaction.atomic():
        automatic_rules.switch_on(access, threshold=threshold, pack=pack, cap_minor=cap_minor, is_on=has_card)
        word = "on" if has_card else "waits_for_card"
        record_by(
            access,
            AuditAction.BILLING_CHANGED,
            automatic_top_up=word,
            threshold=threshold,
            pack=pack.pk,
            cap_minor=cap_minor,
        )
    if not has_card:
        return HttpResponseRedirect(checkout.start_setup(access))
    _say_that_it_is_on(request, access)
    return redirect("credits")


def _say_that_it_is_on(request: HttpRequest, access: Access) -> None:
    rule = AutoTopUp.objects.get(organization=access.organization)
    words = _("Automatic top-up is on.")
    organization_id = access.organization.pk
    if reads.balance(organization_id).available < rule.threshold:
        if automatic_limits.has_just_bought(organization_id):
            words += " " + _(
                "You have fewer credits than that now, so the next purchase follows in some minutes."
            )
        else:
            words += " " + _("You have fewer credits than that now, so the first purchase follows at once.")
    messages.success(request, words)


@require_safe
@payments_page
def card_saved(request: HttpRequest, access: Access) -> HttpResponse:
    """Where Stripe's page leads back to. What was asked for before that page was opened is in force then."""
    session_id = request.GET.get("session_id", "")
    saved = checkout.Saved.FOR_ANOTHER
    if ID.fullmatch(session_id):
        count_asking(access)
        try:
            with stripe_gateway.line.hastily(), checkout.friendly():
                saved = checkout.card_was_saved(access.organization, session_id)
        except PaymentsAway:
            problem = _(
                "We cannot see your card yet. Reload this page in a moment; then automatic top-up is on."
            )
            return show(request, access, status=503, payment_problem=problem)
    if saved is checkout.Saved.AND_ON:
        _say_that_it_is_on(request, access)
        return redirect("credits")
    if saved is checkout.Saved.NO_CARD:
        messages.warning(request, _("No card was saved, so automatic top-up stays off."))
        return redirect("credits")
    messages.warning(
        request,
        _(
            "That page does not belong to what is set here now, so nothing was changed. Set it anew if you wish."
        ),
    )
    return redirect("automatic")


@require_POST
@money_page
@transaction.atomic
def automatic_off(request: HttpRequest, access: Access) -> HttpResponse:
    if automatic_rules.switch_off(access.organization.pk):
        record_by(access, AuditAction.BILLING_CHANGED, automatic_top_up="off")
    messages.success(request, _("Automatic top-up is off. Nothing more is charged by itself."))
    return redirect("credits")
