"""Margin, leakage and the bills of upstreams."""

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import figures
from accounts.desk.base import FORM_METHODS, ReadOnlyAdmin
from accounts.desk.rows import Chosen
from accounts.desk.scope import scope_of, shop_of_desk
from accounts.models import Shop
from generations import between_shops, leakage, margin, wholesale
from generations.forms import DayField
from generations.leakage import Leak
from generations.margin import MarginRow, Window
from generations.models import BilledDay, Upstream

SHOWN_DAYS = datetime.timedelta(days=29)
MOST_ROWS = 500
MOST_BY_HAND = 20


class DayInput(forms.DateInput):
    input_type = "date"


class WindowForm(forms.Form):
    """Without anything sent, the last thirty days."""

    start = DayField(label=gettext_lazy("From"), widget=DayInput)
    end = DayField(label=gettext_lazy("To, days in UTC"), widget=DayInput)
    by = forms.ChoiceField(
        label=gettext_lazy("By"), required=False, choices=list(margin.GROUPINGS.items()), initial="day"
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        end = found.get("end") or leakage.today()
        start = found.get("start") or end - SHOWN_DAYS
        if start > end:
            raise forms.ValidationError(_("The first day comes after the last."))
        if (end - start).days >= margin.MOST_DAYS:
            raise forms.ValidationError(_("At most %(days)d days at once.") % {"days": margin.MOST_DAYS})
        return {"start": start, "end": end, "by": found.get("by") or "day"}

    @property
    def window(self) -> Window:
        return Window(self.cleaned_data["start"], self.cleaned_data["end"])

    @property
    def query(self) -> str:
        return urlencode({name: str(value) for name, value in self.cleaned_data.items()})


class BillForm(forms.Form):
    upstream = forms.ModelChoiceField(
        label=gettext_lazy("Upstream"), queryset=Upstream.objects.none(), widget=UnfoldAdminSelectWidget
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV with a day (UTC) and an amount in the shop's currency on each line, such as 2026-11-28,12.50. Days"
            " that are there already are replaced."
        ),
    )

    def __init__(self, shop: Shop, *args: Any) -> None:
        super().__init__(*args)
        chosen: Any = self.fields["upstream"]
        chosen.queryset = Upstream.objects.filter(shop=shop).order_by("name")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if "file" in found:
            try:
                found["days"] = leakage.read_bill(found["file"].read(leakage.MOST_BYTES + 1), leakage.today())
            except leakage.BadBill as error:
                raise forms.ValidationError({"file": error.problems}) from None
        return found


def _shown(micros: int) -> str:
    """Down to a hundredth of a cent; the file has all digits."""
    return number_format(f"{Decimal(micros) / margin.MICROS:.4f}", use_l10n=True, force_grouping=True)


@admin.register(BilledDay)
class BilledDayAdmin(ReadOnlyAdmin):
    shop_path = "upstream__shop"
    time_field = "day"
    list_display = ("upstream", "day", "amount")
    list_filter = (("upstream", Chosen),)
    list_select_related = ("upstream__shop",)
    ordering = ("-day", "upstream")
    fields = ("upstream", "day", "amount")
    readonly_fields = ("amount",)

    @admin.display(description=gettext_lazy("amount"), ordering="amount_micros")
    def amount(self, row: BilledDay) -> str:
        return f"{_shown(row.amount_micros)} {row.upstream.shop.currency.upper()}"

    def get_urls(self) -> list[URLPattern]:
        pages = {"margin": self.margin_view, "leakage": self.leakage_view, "bill": self.bill_view}
        own = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"generations_{name}")
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def margin_view(self, request: HttpRequest) -> HttpResponse:
        """GET with a window and a grouping; `file`: the same as CSV, with all rows; `before`: further tasks."""
        form = self._window(request)
        if not form.is_valid():
            return self._page(request, "margin", _("Margin"), form, status=400)
        window, by, scope = form.window, form.cleaned_data["by"], scope_of(request)
        if "file" in request.GET:
            return _file(margin.as_csv(window, by, scope), f"margin-{by}-{window.start}-{window.end}.csv")
        rows: list[MarginRow]
        further = ""
        if by == "task":
            found = margin.tasks(window, before=_place(request.GET.get("before", "")), shop_id=scope)
            rows = [row for row, _place_of_it in found]
            if len(found) == margin.PAGE:
                moment, pk = found[-1][1]
                further = urlencode({"before": f"{moment.isoformat()}_{pk}"})
        else:
            rows = margin.grouped(window, by, scope)
        sums = [] if by == "task" else margin.totals(rows)
        return self._page(
            request,
            "margin",
            _("Margin"),
            form,
            by=by,
            rows=[_words(row) for row in rows[:MOST_ROWS]],
            sums=[_words(row) for row in sums],
            currencies={row.currency for row in rows},
            further=further,
            is_cut=len(rows) > MOST_ROWS,
            between=_between(window) if scope is None else [],
            by_hand=_by_hand(scope),
        )

    def leakage_view(self, request: HttpRequest) -> HttpResponse:
        form = self._window(request)
        if not form.is_valid():
            return self._page(request, "leakage", _("Leakage"), form, status=400)
        scope = scope_of(request)
        if "file" in request.GET:
            name = f"leakage-{form.window.start}-{form.window.end}.csv"
            return _file(leakage.as_csv(form.window, scope), name)
        found = leakage.report(form.window, scope)
        currencies = {leak.currency for leak in found}
        return self._page(
            request, "leakage", _("Leakage"), form, leaks=[_leak(one) for one in found], currencies=currencies
        )

    def bill_view(self, request: HttpRequest) -> HttpResponse:
        if request.method not in FORM_METHODS:
            return HttpResponseNotAllowed(FORM_METHODS)
        if not self.may(request, "add"):
            raise PermissionDenied
        shop = shop_of_desk(request)
        form = BillForm(shop, request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            upstream, days = form.cleaned_data["upstream"], form.cleaned_data["days"]
            leakage.keep_bill(upstream, days)
            self.log_change(request, upstream, f"Entered its bill; days: {len(days)}.")
            words = ngettext("%(count)d day was entered.", "%(count)d days were entered.", len(days))
            self.message_user(request, words % {"count": len(days)}, messages.SUCCESS)
            query = urlencode({"start": min(days), "end": min(max(days), min(days) + SHOWN_DAYS)})
            return HttpResponseRedirect(f"{reverse('admin:generations_leakage')}?{query}")
        return self.page(request, "generations/admin/bill.html", _("Enter a bill"), form=form, added_to=shop)

    def _window(self, request: HttpRequest) -> WindowForm:
        if not self.may(request, "view"):
            raise PermissionDenied
        return WindowForm(request.GET)

    def _page(
        self,
        request: HttpRequest,
        name: str,
        title: str,
        form: WindowForm,
        status: int = 200,
        **context: Any,
    ) -> HttpResponse:
        currencies = context.pop("currencies", None) or {shop_of_desk(request).currency}
        shown = {name: value for name, value in form.cleaned_data.items() if value}
        context |= {
            "form": form,
            "shown": shown,
            "query": form.query if status == 200 else "",
            "groupings": margin.GROUPINGS.items(),
            "currency": ", ".join(sorted(currencies)).upper(),
            "several": len(currencies) > 1,
            "may_enter": self.may(request, "add"),
        }
        response = self.page(request, f"generations/admin/{name}.html", title, **context)
        response.status_code = status
        return response


def _words(row: MarginRow) -> dict[str, Any]:
    return {
        "name": row.name or "–",
        "more": row.more,
        "orders": figures.count(row.orders),
        "amounts": [_shown(micros) for micros in (row.income_micros, row.cost_micros, row.margin_micros)],
        "loses": row.margin_micros < 0,
        "currency": row.currency.upper(),
    }


def _between(window: Window) -> list[str]:
    paid = between_shops.paid(window)
    return [f"{_shown(micros)} {currency.upper()}" for currency, micros in sorted(paid.items())]


def _by_hand(shop_id: int | None) -> list[tuple[str, str, bool]]:
    """Name, words, and whether nothing was entered. Each is called after its seller at first, so several shops may call
    theirs the same.
    """
    found = wholesale.counts_otherwise()
    if shop_id is not None:
        found = found.filter(shop=shop_id)
    return [
        (
            one.name if shop_id is not None else f"{one.shop.slug}: {one.name}",
            wholesale.cost_by_hand(one),
            one.cost_micros == 0,
        )
        for one in found[:MOST_BY_HAND]
    ]


def _leak(leak: Leak) -> dict[str, Any]:
    return {
        "name": leak.name,
        "currency": leak.currency.upper(),
        "attempts": figures.count(leak.attempts),
        "booked": _shown(leak.booked_micros),
        "lost": _shown(leak.lost_micros),
        "reasons": [
            (leakage.REASONS.get(reason, reason), _shown(micros))
            for reason, micros in leak.lost.most_common()
        ],
        "billed": _shown(leak.billed_micros) if leak.billed_on else "",
        "gap": _shown(leak.gap_micros) if leak.billed_on else "",
        "days": [(day, *map(_shown, amounts)) for day, *amounts in leak.days()],
    }


def _file(parts: Iterator[str], name: str) -> HttpResponse:
    response = StreamingHttpResponse(parts, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, response)


def _place(text: str) -> tuple[datetime.datetime, int] | None:
    """None for none, and for what is no place."""
    moment, _, pk = text.rpartition("_")
    try:
        found = datetime.datetime.fromisoformat(moment), int(pk)
    except ValueError:
        return None
    is_day = DayField.FIRST <= found[0].date() <= DayField.LAST
    return found if is_day and found[0].tzinfo is not None and 0 < found[1] < 2**63 else None
