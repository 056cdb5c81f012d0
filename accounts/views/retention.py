"""How long an organization wants its images and prompts to be kept."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.access import Access
from accounts.forms.privacy import RetentionForm
from accounts.models import AuditAction, Organization
from accounts.pages import member_page
from accounts.roles import Right


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def retention_page(request: HttpRequest, access: Access) -> HttpResponse:
    access.require_right(Right.SETTINGS)
    own = access.organization.retention_days
    sent = request.POST if request.method == "POST" else None
    form = RetentionForm(sent, initial={"days": own})
    if form.is_valid():
        _set(access, form.cleaned_data["days"])
        messages.success(request, _("Saved. What is older than that is deleted within the hour."))
        return redirect("retention")
    context = {
        "access": access,
        "here": "settings",
        "form": form,
        "most": settings.RETENTION_DAYS,
        "prompt_days": settings.PROMPT_RETENTION_DAYS,
    }
    return render(request, "accounts/retention.html", context, status=400 if form.errors else 200)


def _set(access: Access, days: int | None) -> None:
    before = access.organization.retention_days
    if days == before:
        return
    change: dict[str, Any] = {"setting": "retention_days", "from": before, "to": days}
    with transaction.atomic():
        Organization.objects.filter(pk=access.organization.pk).update(retention_days=days)
        audit.record_by(access, AuditAction.SETTINGS_CHANGED, **change)
