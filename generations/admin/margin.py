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
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget

from accounts import desk_scope
from accounts.desk import ReadOnlyAdmin
from accounts.shops import first_shop
from generations import between_shops, leakage, margin
from generations.leakage import Leak
from generations.margin import MarginRow, Window
from generations.models import BilledDay, Upstream

SHOWN_DAYS = datetime.timedelta(days=29)
MOST_ROWS = 500


class DayInput(forms.DateInput):
    input_type = "date"


class WindowForm(forms.Form):
    """Without anything sent, the last thirty days."""

    start = forms.DateField(label=gettext_lazy("From"), required=False, widget=DayInput)
    end = forms.DateField(label=gettext_lazy("To, days in UTC"), required=False, widget=DayInput)
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
        label=gettext_lazy("Upstream"),
        queryset=Upstream.objects.order_by("name"),
        widget=UnfoldAdminSelectWidget,
    )
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV with a day (UTC) and an amount in the shop's currency on each line, such as 2026-11-28,12.50. Days"
            " that are there already are replaced."
        ),
    )

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
    return f"{Decimal(micros) / margin.MICROS:,.4f}"


@admin.register(BilledDay)
class BilledDayAdmin(ReadOnlyAdmin):
    time_field = "day"
    list_display = ("upstream", "day", "amount")
    list_filter = ("upstream",)
    list_select_related = ("upstream",)
    ordering = ("-day", "upstream")
    fields = ("upstream", "day", "amount")
    readonly_fields = ("amount",)

    @admin.display(description=gettext_lazy("amount"), ordering="amount_micros")
    def amount(self, row: BilledDay) -> str:
        return _shown(row.amount_micros)

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
        window, by = form.window, form.cleaned_data["by"]
        if "file" in request.GET:
            return _file(margin.as_csv(window, by), f"margin-{by}-{window.start}-{window.end}.csv")
        rows: list[MarginRow]
        further = ""
        if by == "task":
            found = margin.tasks(window, before=_place(request.GET.get("before", "")))
            rows = [row for row, _place_of_it in found]
            if len(found) == margin.PAGE:
                moment, pk = found[-1][1]
                further = urlencode({"before": f"{moment.isoformat()}_{pk}"})
        else:
            rows = margin.grouped(window, by)
        sums = None if by == "task" else margin.total(rows)
        return self._page(
            request,
            "margin",
            _("Margin"),
            form,
            by=by,
            rows=[_words(row) for row in rows[:MOST_ROWS]],
            sums=_words(sums) if sums else None,
            further=further,
            is_cut=len(rows) > MOST_ROWS,
            between=_between(window) if desk_scope.scope_of(request) is None else [],
        )

    def leakage_view(self, request: HttpRequest) -> HttpResponse:
        form = self._window(request)
        if not form.is_valid():
            return self._page(request, "leakage", _("Leakage"), form, status=400)
        if "file" in request.GET:
            return _file(leakage.as_csv(form.window), f"leakage-{form.window.start}-{form.window.end}.csv")
        return self._page(
            request, "leakage", _("Leakage"), form, leaks=[_leak(one) for one in leakage.report(form.window)]
        )

    def bill_view(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD", "POST"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if not self.may(request, "add"):
            raise PermissionDenied
        form = BillForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            upstream, days = form.cleaned_data["upstream"], form.cleaned_data["days"]
            leakage.keep_bill(upstream, days)
            self.log_change(request, upstream, f"Entered its bill of {len(days)} days.")
            words = ngettext("%(count)d day was entered.", "%(count)d days were entered.", len(days))
            self.message_user(request, words % {"count": len(days)}, messages.SUCCESS)
            query = urlencode({"start": min(days), "end": min(max(days), min(days) + SHOWN_DAYS)})
            return HttpResponseRedirect(f"{reverse('admin:generations_leakage')}?{query}")
        return self.page(request, "generations/admin/bill.html", _("Enter a bill"), form=form)

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
        shown = {name: value for name, value in form.cleaned_data.items() if value}
        context |= {
            "form": form,
            "shown": shown,
            "query": form.query if status == 200 else "",
            "groupings": margin.GROUPINGS.items(),
            "currency": first_shop().currency.upper(),
            "may_enter": self.may(request, "add"),
        }
        response = self.page(request, f"generations/admin/{name}.html", title, **context)
        response.status_code = status
        return response


def _words(row: MarginRow) -> dict[str, Any]:
    return {
        "name": row.name or "–",
        "more": row.more,
        "orders": row.orders,
        "amounts": [_shown(micros) for micros in (row.income_micros, row.cost_micros, row.margin_micros)],
        "loses": row.margin_micros < 0,
    }


def _between(window: Window) -> list[str]:
    paid = between_shops.paid(window)
    return [f"{_shown(micros)} {currency.upper()}" for currency, micros in sorted(paid.items())]


def _leak(leak: Leak) -> dict[str, Any]:
    return {
        "name": leak.name,
        "attempts": leak.attempts,
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
    return found if found[0].tzinfo is not None and 0 < found[1] < 2**63 else None
