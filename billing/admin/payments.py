"""Purchases as they stand. Nothing changes them but what Stripe says."""

from django.conf import settings
from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import shops
from accounts.desk.lists import BY_ORGANIZATION, Stretch
from accounts.newest_first import OF_ALL
from billing.admin.payment_deeds import PaymentDeeds
from billing.currencies import shown
from billing.models import HandSettlement, Payment
from billing.stripe_gateway import credentials

DASHBOARD = "https://dashboard.stripe.com"


def stripe_link(payment: Payment) -> str:
    """Where an operator sees this payment at Stripe; "" while there is nothing to see."""
    found = credentials.of_account(payment.account)
    if found is not None and found.is_till:
        desk = settings.TILL_URL + till_path(payment.shop_id)
        return f"{desk}#{payment.payment_intent_id}" if payment.payment_intent_id else ""
    mode = "" if payment.livemode else "/test"
    if payment.payment_intent_id:
        return f"{DASHBOARD}{mode}/payments/{payment.payment_intent_id}"
    return f"{DASHBOARD}{mode}/checkout/sessions/{payment.session_id}" if payment.session_id else ""


def till_path(shop_id: int) -> str:
    """Of a shop's own desk at the till."""
    return "/" if shop_id == shops.first_id() else f"/shops/{shop_id}/"


@admin.register(Payment)
class PaymentAdmin(PaymentDeeds):
    shop_path = "shop"
    list_display = ("public_id", "organization", "kind", "amount", "credits", "standing", "created_at")
    list_select_related = ("organization",)
    list_filter = ("status", "kind", Stretch)
    search_by = {
        "cs_": "session_id",
        "pi_": "payment_intent_id",
        "re_": "refunds__refund_id",
        "": "public_id",
    }
    narrow = {BY_ORGANIZATION: OF_ALL}
    search_help_text = gettext_lazy(
        "The id of a payment, ours (pay_…) or Stripe's (cs_…, pi_…, re_…), or an organization's"
    )
    fields = (
        # Ids are long, so each has a line of its own.
        "public_id",
        ("organization", "kind"),
        ("amount", "credits", "credited"),
        ("standing", "at_stripe"),
        "problem",
        ("settlement_shown", "fraud_warned_at"),
        ("charged_shown", "tax_shown", "discount_shown"),
        ("refunded_shown", "disputed_shown", "card"),
        "session_id",
        "payment_intent_id",
        ("created_at", "paid_at", "livemode"),
        "actor",
        "steps_shown",
        "refunds_shown",
        "events_shown",
    )
    readonly_fields = (
        "amount",
        "standing",
        "at_stripe",
        "settlement_shown",
        "charged_shown",
        "tax_shown",
        "discount_shown",
        "refunded_shown",
        "disputed_shown",
        "steps_shown",
        "refunds_shown",
        "events_shown",
    )

    @admin.display(description=gettext_lazy("price"), ordering="amount_minor")
    def amount(self, payment: Payment) -> str:
        return payment.price

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def standing(self, payment: Payment) -> str:
        words = payment.standing
        if payment.problem:
            words.insert(1, _("does not agree"))
        if payment.fraud_warned_at:
            words.append(_("may be fraud"))
        return ", ".join(words)

    @admin.display(description=gettext_lazy("at Stripe"))
    def at_stripe(self, payment: Payment) -> str:
        url = stripe_link(payment)
        return (
            format_html('<a class="underline" href="{}" rel="noreferrer">{}</a>', url, _("Open it"))
            if url
            else "-"
        )

    @admin.display(description=gettext_lazy("settled by hand"))
    def settlement_shown(self, payment: Payment) -> str:
        found = HandSettlement.objects.filter(payment=payment).first()
        return str(found) if found else "-"

    @admin.display(description=gettext_lazy("charged"))
    def charged_shown(self, payment: Payment) -> str:
        return payment.charged

    @admin.display(description=gettext_lazy("tax"))
    def tax_shown(self, payment: Payment) -> str:
        return shown(payment.tax_minor, payment.currency)

    @admin.display(description=gettext_lazy("discount"))
    def discount_shown(self, payment: Payment) -> str:
        return shown(payment.discount_minor, payment.currency)

    @admin.display(description=gettext_lazy("given back"))
    def refunded_shown(self, payment: Payment) -> str:
        return payment.refunded

    @admin.display(description=gettext_lazy("disputed"))
    def disputed_shown(self, payment: Payment) -> str:
        return payment.disputed

    @admin.display(description=gettext_lazy("what it did to the wallet"))
    def steps_shown(self, payment: Payment) -> str:
        lines = [
            (f"{step.created_at:%Y-%m-%d %H:%M:%S}", f"{step.credits:+,}", step.reference)
            for step in payment.steps.order_by("number")
        ]
        return format_html_join("", "<div>{} · {} · {}</div>", lines) or "-"

    @admin.display(description=gettext_lazy("refunds asked for here"))
    def refunds_shown(self, payment: Payment) -> str:
        lines = []
        for row in payment.refunds.order_by("pk"):
            outcome = row.refusal or (_("done") if row.refund_id else _("on its way"))
            lines.append((f"{row.created_at:%Y-%m-%d %H:%M:%S}", row, outcome, row.reason))
        return format_html_join("", "<div>{} · {} · {} · {}</div>", lines) or "-"

    @admin.display(description=gettext_lazy("what Stripe told us"))
    def events_shown(self, payment: Payment) -> str:
        lines = [
            (
                reverse("admin:billing_stripeevent_change", args=[event.pk]),
                event.type,
                f"{event.created:%Y-%m-%d %H:%M:%S}",
            )
            for event in payment.events.order_by("created", "pk")[:50]
        ]
        return format_html_join("", '<div><a class="underline" href="{}">{}</a> · {}</div>', lines) or "-"
