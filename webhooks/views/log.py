"""The pages of the log: what was sent, what was answered, and sending it again."""

import datetime
import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Access
from accounts.clock import read_db_now
from webhooks import service
from webhooks.errands import body_of
from webhooks.forms import LogForm, SinceForm
from webhooks.views.guards import REFUSALS, webhooks_manager

PAGE = 50
ATTEMPTS_SHOWN = 50


@require_safe
@webhooks_manager
def deliveries_page(request: HttpRequest, access: Access) -> HttpResponse:
    """`?status=`, `?endpoint=we_…`; `?after=`: the id of the last one of the page before."""
    form = LogForm(request.GET)
    rows = service.deliveries_of(access)
    status = form.cleaned_data["status"] if form.is_valid() else ""
    if status:
        rows = rows.filter(status=status)
    endpoint_id = request.GET.get("endpoint", "")
    endpoint = service.find_endpoint(access, endpoint_id) if endpoint_id else None
    if endpoint is not None:
        rows = rows.filter(endpoint=endpoint)
    after = request.GET.get("after", "")
    before = service.find_delivery(access, after).pk if after else None
    found = list(rows.newest_first(before)[: PAGE + 1])
    context = {
        "access": access,
        "here": "webhooks",
        "form": form,
        "since_form": SinceForm(),
        "endpoint": endpoint,
        "status": status,
        "latest": found[:PAGE],
        "is_first": not after,
        "next_after": found[PAGE - 1].public_id if len(found) > PAGE else None,
    }
    return render(request, "webhooks/deliveries.html", context)


@require_safe
@webhooks_manager
def delivery_page(request: HttpRequest, access: Access, delivery_id: str) -> HttpResponse:
    delivery = service.find_delivery(access, delivery_id)
    body = body_of(delivery)
    context = {
        "access": access,
        "here": "webhooks",
        "delivery": delivery,
        "attempts": delivery.attempts.order_by("-number")[:ATTEMPTS_SHOWN],
        "body": body and json.dumps(json.loads(body), indent=2, ensure_ascii=False),
        "may_replay": delivery.endpoint is None or delivery.endpoint.enabled,
    }
    return render(request, "webhooks/delivery.html", context)


@require_POST
@webhooks_manager
def replay(request: HttpRequest, access: Access, delivery_id: str) -> HttpResponse:
    delivery = service.find_delivery(access, delivery_id)
    try:
        service.replay(access, delivery)
    except REFUSALS as error:
        messages.error(request, f"{error.in_short}.")
    else:
        messages.success(request, _("It is sent again. Reload this page to see what was answered."))
    return redirect("delivery", delivery_id=delivery_id)


@require_POST
@webhooks_manager
def replay_failed(request: HttpRequest, access: Access) -> HttpResponse:
    """`hours` back; `endpoint`: of that one alone."""
    form = SinceForm(request.POST)
    endpoint_id = request.POST.get("endpoint", "")
    endpoint = service.find_endpoint(access, endpoint_id) if endpoint_id else None
    if not form.is_valid():
        messages.error(request, _("Choose how far back, then try again."))
    else:
        since = read_db_now() - datetime.timedelta(hours=form.cleaned_data["hours"])
        try:
            count = service.replay_failed(access, since, endpoint=endpoint)
        except REFUSALS as error:
            messages.error(request, f"{error.in_short}.")
        else:
            words = ngettext("%(count)d is sent again.", "%(count)d are sent again.", count)
            messages.success(request, words % {"count": count} if count else _("None of those failed."))
    return redirect("endpoint", endpoint_id=endpoint_id) if endpoint else redirect("deliveries")
