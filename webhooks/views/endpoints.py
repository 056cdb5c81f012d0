"""The pages of endpoints: where to, of what, signed with which secret.

Secrets are in the answer to the form that asked for them, and nowhere else; that answer is not stored by browsers.
"""

import re
import secrets as chance
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Access
from accounts.errors import DomainError, InvalidField
from webhooks import service
from webhooks.forms import EndpointForm, SinceForm
from webhooks.models import WebhookEndpoint, WebhookFeed
from webhooks.views.guards import REFUSALS, webhooks_manager

LATEST = 10
_FORM_ID = re.compile(r"[0-9a-f]{24}")


@require_safe
@webhooks_manager
def webhooks_page(request: HttpRequest, access: Access) -> HttpResponse:
    feed = WebhookFeed.objects.filter(pk=access.organization.pk).first()
    context = {
        "access": access,
        "here": "webhooks",
        "endpoints": service.endpoints_of(access).order_by("-pk"),
        "feed": feed,
        "latest": service.deliveries_of(access).newest_first()[:LATEST],
    }
    return render(request, "webhooks/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@webhooks_manager
def new_endpoint(request: HttpRequest, access: Access) -> HttpResponse:
    form_id = request.POST.get("form_id", "")
    if not _FORM_ID.fullmatch(form_id):
        form_id = chance.token_hex(12)
    form = EndpointForm(request.POST if request.method == "POST" else None)
    problem: Any = ""
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                endpoint, _made = service.create(
                    access,
                    url=form.cleaned_data["url"],
                    events=form.cleaned_data["events"],
                    livemode=form.cleaned_data["livemode"] != "test",
                    public_id=f"we_{form_id}",
                )
            except InvalidField as error:
                _blame(form, error)
            except REFUSALS as error:
                problem, status = error.in_short, error.status
            else:
                messages.success(request, _("Made. Send it a test event to see that it arrives."))
                return redirect("endpoint", endpoint_id=endpoint.public_id)
    context = {"access": access, "here": "webhooks", "form": form, "form_id": form_id, "problem": problem}
    return render(request, "webhooks/new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@webhooks_manager
def endpoint_page(request: HttpRequest, access: Access, endpoint_id: str) -> HttpResponse:
    endpoint = service.find_endpoint(access, endpoint_id)
    if request.method != "POST":
        return _endpoint(request, access, endpoint)
    form = EndpointForm(request.POST)
    problem: Any = ""
    status = 400
    if form.is_valid():
        try:
            service.change(
                access, endpoint, {"url": form.cleaned_data["url"], "events": form.cleaned_data["events"]}
            )
        except InvalidField as error:
            _blame(form, error)
        except REFUSALS as error:
            problem, status = error.in_short, error.status
        else:
            messages.success(request, _("Saved. It counts from the next try on."))
            return redirect("endpoint", endpoint_id=endpoint_id)
    return _endpoint(request, access, endpoint, form=form, problem=problem, status=status)


@require_POST
@webhooks_manager
def secret(request: HttpRequest, access: Access, endpoint_id: str) -> HttpResponse:
    endpoint = service.find_endpoint(access, endpoint_id)
    try:
        return _shown(request, access, service.reveal(access, endpoint), endpoint)
    except DomainError as error:
        return _endpoint(request, access, endpoint, problem=error.in_short, status=error.status)


@require_POST
@webhooks_manager
def rotate(request: HttpRequest, access: Access, endpoint_id: str) -> HttpResponse:
    endpoint = service.find_endpoint(access, endpoint_id)
    made = service.rotate(access, endpoint)
    return _shown(request, access, made, endpoint, is_new=True)


@require_POST
@webhooks_manager
def default_secret(request: HttpRequest, access: Access) -> HttpResponse:
    return _shown(request, access, service.reveal(access, None), None)


@require_POST
@webhooks_manager
def rotate_default(request: HttpRequest, access: Access) -> HttpResponse:
    return _shown(request, access, service.rotate_default(access), None, is_new=True)


@require_POST
@webhooks_manager
def switch(request: HttpRequest, access: Access, endpoint_id: str) -> HttpResponse:
    endpoint = service.find_endpoint(access, endpoint_id)
    enabled = request.POST.get("enabled") == "yes"
    try:
        service.change(access, endpoint, {"enabled": enabled})
    except REFUSALS as error:
        return _endpoint(request, access, endpoint, problem=error.in_short, status=error.status)
    told = (
        _("Enabled. Events from now on are sent.")
        if enabled
        else _("Switched off. Nothing more is sent to it.")
    )
    messages.success(request, told)
    return redirect("endpoint", endpoint_id=endpoint_id)


@require_POST
@webhooks_manager
def send_test(request: HttpRequest, access: Access, endpoint_id: str) -> HttpResponse:
    endpoint = service.find_endpoint(access, endpoint_id)
    try:
        delivery = service.send_test(access, endpoint)
    except REFUSALS as error:
        return _endpoint(request, access, endpoint, problem=error.in_short, status=error.status)
    messages.success(request, _("A test event is on its way. Reload this page to see what was answered."))
    return redirect("delivery", delivery_id=delivery.public_id)


@require_POST
@webhooks_manager
def delete(request: HttpRequest, access: Access, endpoint_id: str) -> HttpResponse:
    service.delete(access, service.find_endpoint(access, endpoint_id))
    messages.success(request, _("Deleted. Nothing more is sent to it."))
    return redirect("webhooks")


def _endpoint(
    request: HttpRequest,
    access: Access,
    endpoint: WebhookEndpoint,
    *,
    form: EndpointForm | None = None,
    problem: Any = "",
    status: int = 200,
) -> HttpResponse:
    deliveries = service.deliveries_of(access).filter(endpoint=endpoint).newest_first()
    context = {
        "access": access,
        "here": "webhooks",
        "endpoint": endpoint,
        "form": form or EndpointForm(initial={"url": endpoint.url, "events": endpoint.events}),
        "since_form": SinceForm(),
        "latest": deliveries[:LATEST],
        "problem": problem,
    }
    return render(request, "webhooks/endpoint.html", context, status=status)


def _shown(
    request: HttpRequest,
    access: Access,
    shown: str,
    endpoint: WebhookEndpoint | None,
    *,
    is_new: bool = False,
) -> HttpResponse:
    context = {"access": access, "here": "webhooks", "secret": shown, "endpoint": endpoint, "is_new": is_new}
    return render(request, "webhooks/secret.html", context)


def _blame(form: EndpointForm, error: InvalidField) -> None:
    form.add_error(error.param if error.param in form.fields else None, str(error.message))
