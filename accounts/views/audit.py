"""The audit log, for those who may read it: in pages, and as a file."""

from typing import cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts import audit_log
from accounts.access import Access
from accounts.audit import record_by
from accounts.forms.team import WantedForm
from accounts.members import members_of
from accounts.models import AuditAction
from accounts.pages import member_page
from accounts.roles import Right

MAX_NUMBER_DIGITS = 18


@require_safe
@member_page
def audit_page(request: HttpRequest, access: Access) -> HttpResponse:
    access.require_right(Right.AUDIT)
    form = WantedForm(request.GET, members=members_of(access.organization))
    if not form.is_valid():
        return _show(request, access, form, status=400)
    before = _number_in(request.GET.get("before", ""))
    lines, next_before = audit_log.page(access.organization, form.wanted(), before)
    return _show(request, access, form, lines=lines, next_before=next_before, is_first=before is None)


@require_safe
@member_page
def audit_file(request: HttpRequest, access: Access) -> HttpResponse:
    """All that the filters let through, as CSV. That it was fetched is in the log as well."""
    access.require_right(Right.AUDIT)
    form = WantedForm(request.GET, members=members_of(access.organization))
    if not form.is_valid():
        return _show(request, access, form, status=400)
    if request.method == "GET":
        record_by(access, AuditAction.EXPORT_FETCHED, what="audit_log")
    parts = audit_log.as_csv(access.organization, form.wanted())
    response = StreamingHttpResponse(parts, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{access.organization.slug}.csv"'
    return cast(HttpResponse, response)


def _show(
    request: HttpRequest, access: Access, form: WantedForm, *, status: int = 200, **more: object
) -> HttpResponse:
    kept = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    context = {
        "access": access,
        "here": "audit",
        "form": form,
        "filters": urlencode(kept),
        "is_filtered": bool(kept),
        **more,
    }
    return render(request, "accounts/audit.html", context, status=status)


def _number_in(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_NUMBER_DIGITS
    return int(text) if is_number else None
