"""What was used: by day, by key and by model, and as a file."""

import csv
import datetime
import io
from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts import figures
from accounts.access import Access
from accounts.clock import read_db_now
from accounts.pages import member_page
from generations import reports
from generations.charts import bars
from generations.forms import DayField

USUAL_DAYS, MOST_DAYS = 28, 366
COLUMNS = ("day", "key", "model", "succeeded", "failed", "credits", "p50_seconds", "p95_seconds")


class PeriodForm(forms.Form):
    """Days in UTC, both included; without any, the last USUAL_DAYS."""

    start = DayField(label=_("From"))
    end = DayField(label=_("To"))

    def __init__(self, *args: Any, today: datetime.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        end = asked.get("end") or self._today
        start = asked.get("start") or end - datetime.timedelta(days=USUAL_DAYS - 1)
        if not self.errors and start > end:
            raise forms.ValidationError(_("The first day comes after the last one."))
        if not self.errors and (end - start).days >= MOST_DAYS:
            raise forms.ValidationError(_("At most %(days)d days at a time.") % {"days": MOST_DAYS})
        return {"start": start, "end": end}


@require_safe
@member_page
def usage_page(request: HttpRequest, access: Access) -> HttpResponse:
    form = PeriodForm(request.GET, today=read_db_now().date())
    context: dict[str, Any] = {"access": access, "here": "usage", "form": form}
    if not form.is_valid():
        return render(request, "generations/usage.html", context, status=400)
    start, end = form.cleaned_data["start"], form.cleaned_data["end"]
    days, total = each_day(access, start, end)
    context |= {
        "start": start,
        "end": end,
        "chart": bars([(figures.day(day.start), day.succeeded) for day in days]),
        "credits_chart": bars([(figures.day(day.start), day.credits) for day in days]),
        "days": [day for day in reversed(days) if day.succeeded or day.failed],
        "total": total,
        "rate": total and success_percent(total),
        "keys": _grouped(access, start, end, "key"),
        "models": _grouped(access, start, end, "model"),
        "filters": urlencode({"start": start, "end": end}),
    }
    return render(request, "generations/usage.html", context)


@require_safe
@member_page
def usage_file(request: HttpRequest, access: Access) -> HttpResponse:
    """CSV with a row for each day, key and model."""
    form = PeriodForm(request.GET, today=read_db_now().date())
    if not form.is_valid():
        context = {"access": access, "here": "usage", "form": form}
        return render(request, "generations/usage.html", context, status=400)
    start, end = form.cleaned_data["start"], form.cleaned_data["end"]
    rows = reports.usage(access.organization, livemode=True, start=start, end=end, by=reports.GROUPS)
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    name = f"usage-{access.organization.slug}-{start}-{end}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response  # type: ignore[return-value]  # as Django's own views do


def _lines(rows: list[reports.UsageRow]) -> Iterator[str]:
    for values in (COLUMNS, *(_values(row) for row in rows)):
        line = io.StringIO()
        csv.writer(line).writerow(values)
        yield line.getvalue()


def _values(row: reports.UsageRow) -> tuple[object, ...]:
    return (
        row.start,
        row.key or "",
        row.model or "",
        row.succeeded,
        row.failed,
        row.credits,
        row.p50_seconds,
        row.p95_seconds,
    )


def each_day(
    access: Access, start: datetime.date, end: datetime.date
) -> tuple[list[reports.UsageRow], reports.UsageRow | None]:
    """One for each day of the period, also for those on which nothing was made, oldest first; and all of them together,
    None for nothing.
    """
    rows, total = reports.by_day_and_in_all(access.organization, livemode=True, start=start, end=end)
    found = {row.start: row for row in rows}
    days = [start + datetime.timedelta(days=number) for number in range((end - start).days + 1)]
    filled = [found.get(day) or reports.UsageRow(day, None, None, 0, 0, 0, None, None) for day in days]
    return filled, total


def success_percent(row: reports.UsageRow) -> float | None:
    """Of those that succeeded or failed; canceled ones are neither."""
    ended = row.succeeded + row.failed
    return 100 * row.succeeded / ended if ended else None


def _grouped(access: Access, start: datetime.date, end: datetime.date, by: str) -> list[reports.UsageRow]:
    rows = reports.usage(access.organization, livemode=True, start=start, end=end, by=frozenset({by}))
    return sorted(rows, key=lambda row: -row.credits)
