"""Home: what there is to spend, what was made, and what to do first."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import figures
from accounts.access import Access
from accounts.clock import read_db_now
from accounts.pages import member_page
from billing import reads
from generations import catalogue
from generations.charts import bars
from generations.models import Generation
from generations.views.pictures import latest
from generations.views.usage import each_day, success_percent

SHOWN_DAYS, COUNTED_DAYS = 28, 31  # no month has more
LATEST, LATEST_AMONG = 6, 100
FEW_IMAGES = 10  # fewer than this many can be bought: a warning


@dataclass(frozen=True, slots=True)
class Step:
    """`path` leads to where it is done."""

    text: str
    path: str
    is_done: bool


@require_safe
@member_page
def home(request: HttpRequest, access: Access) -> HttpResponse:
    today = read_db_now().date()
    days, total = each_day(access, today - datetime.timedelta(days=COUNTED_DAYS - 1), today)
    shown = days[-SHOWN_DAYS:]
    balance = reads.balance(access.organization.pk)
    price = catalogue.usual_price(access.organization.shop_id)  # 0 where nothing is on sale
    steps = _first_steps(access)
    context: dict[str, Any] = {
        "access": access,
        "here": "home",
        "balance": balance,
        "price": price,
        "is_low": balance.available < FEW_IMAGES * price,
        "today": days[-1],
        "month": sum(day.succeeded for day in days if day.start >= today.replace(day=1)),
        "total": total,
        "rate": total and success_percent(total),
        "chart": bars([(figures.day(day.start), day.succeeded) for day in shown]),
        "shown_days": SHOWN_DAYS,
        "latest": latest(access, LATEST, among=LATEST_AMONG),
        "steps": [] if all(step.is_done for step in steps) else steps,
        "may_order": "generate" in access.scopes and not access.is_suspended,
    }
    return render(request, "generations/home.html", context)


def _first_steps(access: Access) -> list[Step]:
    """What this member's role lets them do; nothing while nothing can be done."""
    steps: list[Step] = []
    if access.is_suspended:
        return steps
    if "generate" in access.scopes:
        has_ordered = Generation.objects.filter(organization=access.organization).exists()
        steps.append(Step(_("Make an image in the playground"), reverse("playground"), has_ordered))
    if access.handles_money:
        steps.append(Step(_("Buy credits"), reverse("credits"), reads.has_bought(access.organization.pk)))
    if "keys" in access.words:
        keys = access.organization.api_keys.all()
        steps.append(Step(_("Make an API key"), reverse("keys"), keys.exists()))
        used = keys.filter(last_used_at__isnull=False).exists()
        steps.append(Step(_("Call the API with it"), reverse("keys"), used))
    return steps
