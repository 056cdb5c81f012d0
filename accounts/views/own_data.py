"""A person's own data: a copy of it, and its end."""

import json
from typing import Any

from django.contrib.auth import logout
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms.privacy import DeleteOwnAccountForm
from accounts.gcra import Ask, Bucket, Rate
from accounts.models import User
from accounts.privacy import erasing, own_data
from accounts.throttling import limiter
from accounts.views.gates import asked_first
from accounts.views.organizations import person_page

# Whoever finds a browser signed in must not try passwords there.
TRIES = Rate("own_password", per_minute=5, burst=5)


@require_http_methods(["GET", "HEAD", "POST"])
@person_page
def account_export(request: HttpRequest, user: User) -> HttpResponse:
    if request.method != "POST":
        return render(request, "accounts/account_export.html")
    text = json.dumps(own_data.copy_of(user), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    response = HttpResponse(
        text.encode("utf-8", "backslashreplace"), content_type="application/json; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@person_page
def account_delete(request: HttpRequest, user: User) -> HttpResponse:
    """Raises Unavailable while tries cannot be counted."""
    if not user.has_usable_password():
        asked = asked_first(request)
        if asked is not None:
            return asked
    stranded = erasing.only_owner_of(user)
    if request.method != "POST":
        return _page(request, DeleteOwnAccountForm(user=user), stranded)
    wait_s = _seconds_to_wait(user)
    if wait_s:
        words = ngettext(
            "Too many tries. Try again in %(count)d second.",
            "Too many tries. Try again in %(count)d seconds.",
            wait_s,
        )
        form = DeleteOwnAccountForm(user=user)
        response = _page(request, form, stranded, problem=words % {"count": wait_s}, status=429)
        response["Retry-After"] = str(wait_s)
        return response
    form = DeleteOwnAccountForm(request.POST, user=user)
    if stranded or not form.is_valid():
        return _page(request, form, stranded, status=409 if stranded else 400)
    try:
        erasing.erase(user)
    except erasing.OnlyOwner as error:  # another owner left at this very moment
        return _page(request, form, error.organizations, status=409)
    logout(request)
    return render(request, "accounts/account_deleted.html")


def _page(
    request: HttpRequest,
    form: DeleteOwnAccountForm,
    stranded: list[Any],
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "stranded": stranded, "problem": problem}
    return render(request, "accounts/account_delete.html", context, status=status)


def _seconds_to_wait(user: User) -> int:
    """0 when this try may be made."""
    bucket = Bucket(f"user:{user.uuid}", TRIES)
    decision = limiter().take(Ask((bucket,)), refuse_uncounted=True)
    return 0 if decision.allowed else decision.retry_after_s
