"""Automatic top-up, low balance and vouchers: the small forms of the page of credits."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Access
from accounts.errors import DomainError
from billing import automatic, checkout, low_balance, packs, stripe_gateway, vouchers
from billing.currencies import decimals, shown
from billing.errors import PaymentsAway, VoucherRefused
from billing.models import AutoTopUp, CreditPack
from billing.views.credits import show
from billing.views.shared import count_asking, money_page

MAX_CREDITS = 1_000_000_000
MAX_CAP = 10_000_000


class AutomaticForm(forms.Form):
    threshold = forms.IntegerField(
        min_value=1, max_value=MAX_CREDITS, label=gettext_lazy("When fewer credits are left than")
    )
    pack = forms.ModelChoiceField(
        queryset=CreditPack.objects.none(), label=gettext_lazy("Buy"), empty_label=None
    )
    cap = forms.IntegerField(
        min_value=1, max_value=MAX_CAP, required=False, label=gettext_lazy("At most in a month")
    )

    def __init__(self, *args: Any, shop_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[CreditPack]", self.fields["pack"]).queryset = packs.on_sale(shop_id)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        pack, cap = data.get("pack"), data.get("cap")
        if pack is not None and cap is not None and cap * 10 ** decimals(pack.currency) < pack.price_minor:
            self.add_error("cap", _("That is less than one purchase costs."))
        return data


@require_http_methods(["GET", "HEAD", "POST"])
@money_page
def automatic_page(request: HttpRequest, access: Access) -> HttpResponse:
    """Switched on with a saved card; without one, Stripe's page saves it first and leads back here."""
    shop_id = access.organization.shop_id
    rule = AutoTopUp.objects.select_related("pack").filter(organization=access.organization).first()
    form = AutomaticForm(request.POST or None, shop_id=shop_id, initial=_initial(rule))
    card, problem = None, ""
    if request.method == "POST":
        count_asking(access)
    try:
        with stripe_gateway.line.hastily(), checkout.friendly():
            card = automatic.card_of(access.organization)
        if request.method == "POST" and form.is_valid():
            return _switch_on(request, access, form, has_card=card is not None)
    except PaymentsAway as error:
        problem = str(error.message)
    context = {
        "access": access,
        "here": "credits",
        "form": form,
        "rule": rule,
        "card": card,
        "currency": access.organization.shop.currency.upper(),
        "spent": _spent(access),
        "payment_problem": problem,
    }
    status = 503 if problem else 400 if form.errors else 200
    return render(request, "billing/automatic.html", context, status=status)


def _initial(rule: AutoTopUp | None) -> dict[str, Any]:
    if rule is None:
        return {"threshold": 300}
    cap = rule.cap_minor
    if cap is not None and rule.pack is not None:
        cap //= 10 ** decimals(rule.pack.currency)
    return {"threshold": rule.threshold, "pack": rule.pack_id, "cap": cap}


def _spent(access: Access) -> str:
    return shown(automatic.spent_this_month(access.organization.pk), access.organization.shop.currency)


def _switch_on(request: HttpRequest, access: Access, form: AutomaticForm, *, has_card: bool) -> HttpResponse:
    pack, cap = form.cleaned_data["pack"], form.cleaned_data["cap"]
    cap_minor = None if cap is None else cap * 10 ** decimals(pack.currency)
    automatic.switch_on(
        access, threshold=form.cleaned_data["threshold"], pack=pack, cap_minor=cap_minor, is_on=has_card
    )
    if not has_card:
        return HttpResponseRedirect(checkout.start_setup(access))
    messages.success(request, _("Automatic top-up is on."))
    return redirect("credits")


@require_safe
@money_page
def card_saved(request: HttpRequest, access: Access) -> HttpResponse:
    """Where Stripe's page leads back to. What was asked for before is in force once there is a card."""
    if automatic.waits_for_card(access.organization.pk):
        count_asking(access)
        with stripe_gateway.line.hastily(), checkout.friendly():
            has_card = automatic.card_of(access.organization) is not None
        if has_card and automatic.switch_on_with_card(access.organization.pk):
            messages.success(request, _("The card is saved, and automatic top-up is on."))
        else:
            messages.info(request, _("No card was saved, so automatic top-up stays off."))
    return redirect("credits")


@require_POST
@money_page
def automatic_off(request: HttpRequest, access: Access) -> HttpResponse:
    automatic.switch_off(access.organization.pk)
    messages.success(request, _("Automatic top-up is off. Nothing more is charged by itself."))
    return redirect("credits")


@require_POST
@money_page
def redeem(request: HttpRequest, access: Access) -> HttpResponse:
    code = request.POST.get("code", "")[:200]
    if access.user is None:
        raise TypeError("People redeem vouchers.")
    try:
        credits = vouchers.redeem(access.organization, access.user, code)
    except VoucherRefused as error:
        return show(request, access, status=400, voucher_problem=error.message, voucher_code=code)
    except DomainError as error:
        if error.status != 429:
            raise
        return show(request, access, status=429, voucher_problem=error.message, voucher_code=code)
    words = ngettext(
        "The voucher brought %(count)d credit.", "The voucher brought %(count)d credits.", credits
    )
    messages.success(request, words % {"count": credits})
    return redirect("credits")


@require_POST
@money_page
def low_balance_mail(request: HttpRequest, access: Access) -> HttpResponse:
    """`threshold` empty: no mail."""
    text = request.POST.get("threshold", "").strip()
    is_number = text.isascii() and text.isdigit() and 1 <= len(text) <= 10 and 1 <= int(text) <= MAX_CREDITS
    if text and not is_number:
        problem = _("A whole number of credits, or nothing for no mail.")
        return show(request, access, status=400, threshold_problem=problem, threshold_text=text[:20])
    low_balance.set_threshold(access.organization.pk, int(text) if text else None)
    messages.success(request, _("Saved.") if text else _("No more mails about a low balance."))
    return redirect("credits")
