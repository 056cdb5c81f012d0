"""Purchases as they stand, and giving money back. Nothing else changes them but what Stripe says."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.desk import ReadOnlyAdmin, actor_of
from billing import payments, refunds
from billing.currencies import parse, plain, shown
from billing.models import Payment, PaymentStatus

DASHBOARD = "https://dashboard.stripe.com"


def stripe_link(payment: Payment) -> str:
    """Where an operator sees this payment at Stripe; "" while there is nothing to see."""
    if settings.TILL:
        return str(settings.TILL_URL)
    mode = "" if payment.livemode else "/test"
    if payment.payment_intent_id:
        return f"{DASHBOARD}{mode}/payments/{payment.payment_intent_id}"
    return f"{DASHBOARD}{mode}/checkout/sessions/{payment.session_id}" if payment.session_id else ""


class RefundForm(forms.Form):
    amount = forms.CharField(
        label=gettext_lazy("Amount"),
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=gettext_lazy("For operators alone."),
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        self.fields["amount"].help_text = currency.upper()

    def clean_amount(self) -> int:
        """In the currency's smallest unit."""
        amount_minor = parse(self.cleaned_data["amount"], self.currency)
        if amount_minor is None or amount_minor < 1:
            raise ValidationError(
                _("An amount such as %(example)s.") % {"example": plain(1250, self.currency)}
            )
        return amount_minor


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("public_id", "organization", "kind", "amount", "credits", "standing", "created_at")
    list_select_related = ("organization",)
    list_filter = ("status", "kind")
    search_fields = ("public_id__exact", "session_id__exact", "payment_intent_id__exact")
    search_help_text = gettext_lazy("The id of a payment, ours (pay_…) or Stripe's (cs_…, pi_…)")
    ordering = ("-pk",)
    list_per_page = 50
    fields = (
        ("public_id", "organization", "kind"),
        ("amount", "credits", "credited"),
        ("standing", "at_stripe"),
        "problem",
        ("charged_shown", "tax_shown", "discount_shown"),
        ("refunded_shown", "disputed_shown", "card"),
        ("session_id", "payment_intent_id", "livemode"),
        ("created_at", "paid_at", "actor"),
        "steps_shown",
        "refunds_shown",
        "events_shown",
    )
    readonly_fields = (
        "amount",
        "standing",
        "at_stripe",
        "charged_shown",
        "tax_shown",
        "discount_shown",
        "refunded_shown",
        "disputed_shown",
        "steps_shown",
        "refunds_shown",
        "events_shown",
    )
    actions = ("look_at_stripe",)
    change_form_before_template = "billing/admin/payment_actions.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Payment], search_term: str
    ) -> tuple[QuerySet[Payment], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(Q(public_id=term) | Q(session_id=term) | Q(payment_intent_id=term)), False

    @admin.display(description=gettext_lazy("price"), ordering="amount_minor")
    def amount(self, payment: Payment) -> str:
        return payment.price

    @admin.display(description=gettext_lazy("state"), ordering="status")
    def standing(self, payment: Payment) -> str:
        words = [str(PaymentStatus(payment.status).label)]
        if payment.problem:
            words.append(_("does not agree"))
        if payment.refunded_minor:
            words.append(_("%(amount)s given back") % {"amount": payment.refunded})
        if payment.disputed_minor:
            words.append(_("%(amount)s disputed") % {"amount": payment.disputed})
        return ", ".join(words)

    @admin.display(description=gettext_lazy("at Stripe"))
    def at_stripe(self, payment: Payment) -> str:
        url = stripe_link(payment)
        return format_html('<a href="{}" rel="noreferrer">{}</a>', url, _("Open")) if url else "-"

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
        return format_html_join("", '<div><a href="{}">{}</a> · {}</div>', lines) or "-"

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    @admin.action(description=gettext_lazy("Look at Stripe again"), permissions=["steer"])
    def look_at_stripe(self, request: HttpRequest, chosen: QuerySet[Payment]) -> None:
        done = sum(payments.try_sync(payment) for payment in chosen[:50])
        words = ngettext(
            "%(count)d payment agrees with Stripe now.", "%(count)d payments agree with Stripe now.", done
        )
        self.message_user(request, words % {"count": done}, messages.SUCCESS if done else messages.ERROR)

    # --- Giving back ----------------------------------------------------------------------------

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {}
        payment = self.get_object(request, object_id) if object_id else None
        if payment is not None and self.has_steer_permission(request) and payment.refundable_minor:
            context["refund_path"] = reverse("admin:billing_payment_refund", args=[payment.pk])
        return super().changeform_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.refund_view)
        return [path("<int:payment_id>/refund/", view, name="billing_payment_refund"), *super().get_urls()]

    def refund_view(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        """GET asks how much and why, POST asks Stripe and brings the wallet in line."""
        payment = Payment.objects.select_related("organization").filter(pk=payment_id).first()
        if payment is None:
            raise Http404
        if not self.has_steer_permission(request):
            raise PermissionDenied
        initial = {"amount": plain(payment.refundable_minor, payment.currency)}
        form = RefundForm(request.POST or None, currency=payment.currency, initial=initial)
        if request.method == "POST" and form.is_valid() and self._refund(request, payment, form):
            return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment_id]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Give money back"),
            "opts": self.opts,
            "payment": payment,
            "most": shown(payment.refundable_minor, payment.currency),
            "form": form,
        }
        return TemplateResponse(request, "billing/admin/refund.html", context)

    def _refund(self, request: HttpRequest, payment: Payment, form: RefundForm) -> bool:
        try:
            made = refunds.refund(
                payment.pk,
                form.cleaned_data["amount"],
                actor=actor_of(request),
                reason=form.cleaned_data["reason"],
            )
        except ValidationError as error:
            form.add_error("amount", error)
            return False
        self.log_change(request, payment, f"Refund {made.pk}: {made}.")
        if made.refusal:
            text = _("Stripe refused: %(why)s") % {"why": made.refusal}
            self.message_user(request, text, messages.ERROR)
        elif made.refund_id is None:
            self.message_user(
                request, _("Stripe is away; the refund is asked for again by itself."), messages.WARNING
            )
        else:
            self.message_user(request, _("Given back; the credits it bought are taken."), messages.SUCCESS)
        return True
