"""The desk's page of a shop's account at Stripe: which key it has, another one, and whether Stripe takes it."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import site
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from accounts import sealing, shops
from accounts.desk.pages import DeskPage, pages
from accounts.desk.scope import shop_of_desk
from accounts.models import Shop
from billing import connecting, stripe_gateway, unfinished
from billing.inbox import PATH
from billing.stripe_events import HANDLED
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import KeyRefused, StripeAway, StripeRefused

RIGHT = "billing.change_stripeaccount"


def _secret_field(label: Any, help_text: Any) -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}, render_value=False)
    return forms.CharField(label=label, required=False, max_length=1000, widget=widget, help_text=help_text)


class StripeForm(forms.Form):
    """What was entered before is never shown again; nothing keeps it."""

    key = _secret_field(
        gettext_lazy("Secret or restricted key"),
        gettext_lazy("Such as rk_live_…. Empty: the one that is there stays."),
    )
    signers = _secret_field(
        gettext_lazy("Signing secret of the webhook endpoint"),
        gettext_lazy(
            "Such as whsec_…; while one is replaced, both with a comma between. Empty: what is there stays."
        ),
    )
    tax = forms.BooleanField(
        label=gettext_lazy("Charge tax"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("As set up at Stripe. There is no automatic top-up then."),
    )
    promotion_codes = forms.BooleanField(
        label=gettext_lazy("Take promotion codes"), required=False, widget=UnfoldBooleanSwitchWidget
    )


def stripe_view(request: HttpRequest) -> HttpResponse:
    """GET shows how it stands; POST enters a key, tries the one that is there, or takes it away."""
    shop = shop_of_desk(request)
    is_first = shop.pk == shops.first_id()
    account = connecting.connected(shop.pk)
    initial = {} if account is None else {"tax": account.tax, "promotion_codes": account.promotion_codes}
    action = request.POST.get("action") if request.method == "POST" else None
    form = StripeForm(request.POST if action == "save" else None, initial=initial)
    if action == "check":
        _tell_whether_it_is_taken(request, shop)
        return _back()
    if action == "disconnect" and not is_first:
        _disconnect(request, shop)
        return _back()
    if action == "save" and not is_first and form.is_valid() and _save(request, shop, form):
        _tell_whether_it_is_taken(request, shop)
        return _back()
    found = credentials.of_shop(shop.pk)
    context = {
        **site.each_context(request),
        "title": _("Stripe"),
        "shop": shop,
        "is_first": is_first,
        "is_till": found is not None and found.is_till,
        "found": found,
        "tail": connecting.tail_of_key(shop.pk),
        "is_entered": account is not None,
        "unfinished": unfinished.words(shop, livemode=account.livemode) if account else [],
        "is_readable": account is None or sealing.is_readable(account.sealed_key),
        "entered_at": None if account is None else sealing.sealed_at(account.sealed_key),
        "webhook_url": f"{shops.address_of(shop.pk)}{PATH}",
        "events": HANDLED,
        "is_demo": settings.DEMO,
        "form": form,
    }
    return TemplateResponse(request, "billing/admin/stripe.html", context, status=400 if form.errors else 200)


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:billing_stripe"))


def _save(request: HttpRequest, shop: Shop, form: StripeForm) -> bool:
    fields = form.cleaned_data
    try:
        account = connecting.connect(
            shop,
            key=fields["key"],
            signers=fields["signers"],
            tax=fields["tax"],
            promotion_codes=fields["promotion_codes"],
        )
    except ValidationError as error:
        form.add_error(None, error)  # by field
        return False
    _log(request, shop, f"Stripe: a {'live' if account.livemode else 'test'} key is set.")
    return True


def _disconnect(request: HttpRequest, shop: Shop) -> None:
    account = connecting.connected(shop.pk)
    if account is None:
        return
    waiting = unfinished.words(shop, livemode=account.livemode)
    try:
        if not connecting.disconnect(shop, even_so="even_so" in request.POST):
            return
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return
    with override(settings.LANGUAGE_CODE):
        left = "; ".join(unfinished.words(shop, livemode=account.livemode))
    _log(request, shop, f"Stripe: the key was taken away.{f' Left: {left}.' if left else ''}")
    messages.success(request, _("The key is gone. Nobody can buy here until another is entered."))
    if waiting:
        words = _("%(waiting)s. This goes on once a key of the same account is entered here again.")
        messages.warning(request, words % {"waiting": "; ".join(waiting)})


def _log(request: HttpRequest, shop: Shop, said: str) -> None:
    site.get_model_admin(Shop).log_change(request, shop, said)


def _tell_whether_it_is_taken(request: HttpRequest, shop: Shop) -> None:
    """In no transaction: it asks Stripe."""
    if credentials.of_shop(shop.pk) is None:
        messages.warning(request, _("There is no key yet."))
        return
    try:
        with stripe_gateway.line.hastily():
            stripe_gateway.looking.try_key(credentials.account_of(shop.pk))
    except KeyRefused as error:
        messages.error(request, _("Stripe refuses this key: %(why)s") % {"why": error})
    except StripeRefused as error:
        messages.error(
            request, _("Stripe knows this key, but it may not do what is needed: %(why)s") % {"why": error}
        )
    except StripeAway:
        messages.warning(request, _("Stripe does not answer at the moment. Try the key again later."))
    else:
        messages.success(request, _("Stripe takes this key."))


pages.append(
    DeskPage("money", gettext_lazy("Stripe"), "credit_card", "billing_stripe", "stripe/", stripe_view, RIGHT)
)
