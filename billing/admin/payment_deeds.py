"""What operators do with purchases: look at Stripe again, give money back, settle by hand what does not agree."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.desk.base import FORM_METHODS, ReadOnlyAdmin, ReasonForm, actor_of, reason_field
from accounts.names import isolated
from accounts.origin import origin_of
from billing import payments, refunds, stripe_gateway
from billing.currencies import parse, plain, shown
from billing.models import Payment, PaymentStatus, Refund
from billing.stripe_gateway.errors import StripeAway, StripeRefused

AT_ONCE = 20  # somebody waits for the page


class RefundForm(forms.Form):
    """`number` says which of the payment's refunds it is, so that a form that is sent twice gives back once."""

    number = forms.IntegerField(widget=forms.HiddenInput)
    amount = forms.CharField(
        label=gettext_lazy("Amount"),
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
    )
    reason = reason_field()

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


class PaymentDeeds(ReadOnlyAdmin):
    actions = ("look_at_them",)
    change_form_outer_before_template = "billing/admin/payment_actions.html"

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    @admin.action(description=gettext_lazy("Look at Stripe again"), permissions=["steer"])
    def look_at_them(self, request: HttpRequest, chosen: QuerySet[Payment]) -> None:
        self._look(request, list(chosen.order_by("pk").values_list("pk", flat=True)))

    def _look(self, request: HttpRequest, wanted: list[int]) -> None:
        looked = self._look_at(request, wanted[:AT_ONCE])
        for payment_id in wanted[len(looked) :]:
            payments.want_sync(payment_id)
        seen = Payment.objects.filter(pk__in=looked)
        at_odds = seen.exclude(problem="").count()
        settled = seen.filter(status=PaymentStatus.SETTLED).count()
        agree = len(looked) - at_odds - settled
        if agree:
            words = ngettext(
                "%(count)d payment agrees with Stripe now.",
                "%(count)d payments agree with Stripe now.",
                agree,
            )
            self.message_user(request, words % {"count": agree}, messages.SUCCESS)
        if at_odds:
            words = ngettext(
                "%(count)d payment does not: it says why.",
                "%(count)d payments do not: they say why.",
                at_odds,
            )
            self.message_user(request, words % {"count": at_odds}, messages.ERROR)
        if settled:
            words = ngettext(
                "%(count)d payment was settled by hand, and stays as it is.",
                "%(count)d payments were settled by hand, and stay as they are.",
                settled,
            )
            self.message_user(request, words % {"count": settled}, messages.WARNING)
        if len(looked) < len(wanted):
            words = ngettext(
                "%(count)d payment is looked at by itself, as soon as possible.",
                "%(count)d payments are looked at by themselves, as soon as possible.",
                len(wanted) - len(looked),
            )
            self.message_user(request, words % {"count": len(wanted) - len(looked)}, messages.WARNING)

    def _look_at(self, request: HttpRequest, wanted: list[int]) -> list[int]:
        """Those that Stripe was asked about, until it gives no answer."""
        looked = []
        with stripe_gateway.line.hastily():
            for payment_id in wanted:
                try:
                    payments.sync_payment(payment_id)
                except (StripeAway, StripeRefused) as error:
                    self.message_user(request, _("Stripe: %(why)s") % {"why": error}, messages.ERROR)
                    break
                looked.append(payment_id)
        return looked

    def beside(self, request: HttpRequest, row: Payment | None) -> dict[str, Any]:
        context = super().beside(request, row)
        if row is not None and self.has_steer_permission(request):
            context["look_path"] = reverse("admin:billing_payment_look", args=[row.pk])
            if row.problem:
                context["settle_path"] = reverse("admin:billing_payment_settle", args=[row.pk])
        if row is not None and self.may(request, "refund") and refunds.left_minor(row):
            context["refund_path"] = reverse("admin:billing_payment_refund", args=[row.pk])
        if row is not None and self.may(request, "refund") and _promised(row).exists():
            context["owe_path"] = reverse("admin:billing_payment_owe", args=[row.pk])
        return context

    def get_urls(self) -> list[URLPattern]:
        deeds = {
            "look": self.look_view,
            "refund": self.refund_view,
            "settle": self.settle_view,
            "owe": self.owe_view,
        }
        own = [
            path(
                f"<int:payment_id>/{name}/", self.admin_site.admin_view(view), name=f"billing_payment_{name}"
            )
            for name, view in deeds.items()
        ]
        return [*own, *super().get_urls()]

    def _payment(self, request: HttpRequest, payment_id: int, action: str = "change") -> Payment:
        """One that this operator may do this with."""
        found = self.get_queryset(request).select_related("organization").filter(pk=payment_id)
        payment: Payment | None = found.first()
        if payment is None:
            raise Http404
        if not self.may(request, action):
            raise PermissionDenied
        return payment

    def look_view(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        payment = self._payment(request, payment_id)
        self._look(request, [payment.pk])
        return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment_id]))

    def refund_view(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        """GET asks how much and why, POST asks Stripe and brings the wallet in line."""
        if request.method not in FORM_METHODS:
            return HttpResponseNotAllowed(FORM_METHODS)
        payment = self._payment(request, payment_id, "refund")
        left_minor = refunds.left_minor(payment)
        initial = {"amount": plain(left_minor, payment.currency), "number": refunds.next_number(payment)}
        sent = request.POST if request.method == "POST" else None
        form = RefundForm(sent, currency=payment.currency, initial=initial)
        if form.is_valid() and self._refund(request, payment, form):
            return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment_id]))
        return self.page(
            request,
            "billing/admin/refund.html",
            _("Give money back"),
            payment=payment,
            most=shown(left_minor, payment.currency),
            is_possible=left_minor > 0,
            form=form,
        )

    def _refund(self, request: HttpRequest, payment: Payment, form: RefundForm) -> bool:
        """Whether there is nothing more to ask."""
        try:
            made = refunds.refund(
                payment.pk,
                form.cleaned_data["amount"],
                actor=actor_of(request),
                reason=form.cleaned_data["reason"],
                number=form.cleaned_data["number"],
                origin=origin_of(request),
            )
        except refunds.Stale as error:
            self.message_user(request, error.message, messages.ERROR)
            return True
        except ValidationError as error:
            form.add_error("amount", error)
            return False
        self.log_change(request, payment, f"Refund {made.pk}: {made}.")
        if made.refusal:
            text = _("Stripe refused: %(why)s") % {"why": made.refusal}
            self.message_user(request, text, messages.ERROR)
        elif made.refund_id is None:
            text = _("Stripe does not answer; the refund is asked for again by itself.")
            self.message_user(request, text, messages.WARNING)
        else:
            text = _("%(amount)s was given back; the credits that it bought are taken.") % {"amount": made}
            self.message_user(request, text, messages.SUCCESS)
        return True

    def settle_view(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        """GET asks what was done about it, POST ends it."""
        if request.method not in FORM_METHODS:
            return HttpResponseNotAllowed(FORM_METHODS)
        payment = self._payment(request, payment_id)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            self._settle(request, payment, form.cleaned_data["reason"])
            return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment_id]))
        title = _("Settle by hand")
        return self.page(request, "billing/admin/settle.html", title, payment=payment, form=form)

    def _settle(self, request: HttpRequest, payment: Payment, reason: str) -> None:
        try:
            payments.settle_by_hand(
                payment.pk, actor=actor_of(request), reason=reason, origin=origin_of(request)
            )
        except ValidationError as error:
            self.message_user(request, error.message, messages.ERROR)
            return
        self.log_change(request, payment, f"Settled by hand: {payment.problem}")
        self.message_user(request, _("It is settled; no look at Stripe changes it now."), messages.SUCCESS)

    def owe_view(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        """GET says what was promised and Stripe has not given, POST ends that: it is owed from then on."""
        if request.method not in FORM_METHODS:
            return HttpResponseNotAllowed(FORM_METHODS)
        payment = self._payment(request, payment_id, "refund")
        promised = list(_promised(payment))
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            for row in promised:
                self._owe(request, payment, row, form.cleaned_data["reason"])
            return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment_id]))
        title = _("End a refund by hand")
        return self.page(
            request, "billing/admin/owe.html", title, payment=payment, promised=promised, form=form
        )

    def _owe(self, request: HttpRequest, payment: Payment, row: Refund, reason: str) -> None:
        """In no transaction: it asks Stripe once more."""
        try:
            with stripe_gateway.line.hastily():
                is_owed = refunds.end_by_hand(
                    row, actor=actor_of(request), reason=reason, origin=origin_of(request)
                )
        except ValidationError as error:
            self.message_user(request, error.message, messages.ERROR)
            return
        if is_owed:
            self.log_change(request, payment, f"Refund {row.pk}: {row}, ended by hand.")
            words = _("%(amount)s is owed to %(name)s from now on: Stripe is not asked for it any more.")
            facts = {"amount": row, "name": isolated(payment.organization.name)}
            self.message_user(request, words % facts, messages.WARNING)
        else:
            self.message_user(request, _("Stripe has answered: look at what became of it."), messages.SUCCESS)


def _promised(payment: Payment) -> QuerySet[Refund]:
    """What Stripe has not answered for."""
    found = payment.refunds.filter(due_at__isnull=False)
    return found.select_related("payment__account", "payment__organization").order_by("pk")
