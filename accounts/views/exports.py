"""The export of an organization's data: asked for, watched, fetched."""

import threading
from collections.abc import Iterator

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit
from accounts.access import Access
from accounts.connections import let_go
from accounts.errors import Unavailable
from accounts.models import AuditAction, DataExport, ExportState
from accounts.pages import way_out
from accounts.privacy import archive, exports
from accounts.roles import Right
from accounts.views.gates import asked_first

SHOWN = 10
RETRY_S = 30
# Each is sent by a thread for as long as its reader takes.
_sending = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 4))


@require_http_methods(["GET", "HEAD", "POST"])
@way_out
def export_page(request: HttpRequest, access: Access) -> HttpResponse:
    access.require_right(Right.SETTINGS)
    if request.method != "POST":
        return _page(request, access)
    asked = asked_first(request)
    if asked is not None:
        return asked
    try:
        exports.ask(access)
    except (exports.ExportUnderWay, exports.TooManyExports) as error:
        return _page(request, access, problem=str(error.message), status=error.status)
    messages.success(request, _("The export is being made. You get a mail when it is ready."))
    return redirect("export")


def _page(request: HttpRequest, access: Access, *, problem: str = "", status: int = 200) -> HttpResponse:
    found = list(DataExport.objects.filter(organization=access.organization).order_by("-pk")[:SHOWN])
    context = {
        "access": access,
        "here": "settings",
        "exports": found,
        "is_being_made": any(export.state == ExportState.WAITING for export in found),
        "days": exports.KEPT_FOR.days,
        "per_day": exports.MAX_PER_DAY,
        "problem": problem,
    }
    return render(request, "accounts/export.html", context, status=status)


@require_safe
@way_out
def download(request: HttpRequest, access: Access, export_id: str) -> HttpResponse:
    """The archive, for those who may export. Raises NotFound also for another organization's; Unavailable while the
    storage is away or too many are fetched at once.
    """
    export = exports.find(access, export_id)
    asked = asked_first(request, back_to=reverse("export"))
    if asked is not None:
        return asked
    name = f"{access.organization.slug}-{export.created_at:%Y-%m-%d}.zip"
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(content_type="application/zip")
    else:
        response = StreamingHttpResponse(_begun(access, export), content_type="application/zip")
    response["Content-Length"] = str(export.byte_size)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response  # type: ignore[return-value]  # pages answer at once but for this one


def _begun(access: Access, export: DataExport) -> "_Sending":
    sending = _Sending(export)
    try:
        audit.record_by(access, AuditAction.EXPORT_FETCHED, subject=export.public_id)
    except BaseException:
        sending.close()
        raise
    let_go()  # sending takes as long as the reader likes, and needs no database
    return sending


class _Sending:
    """Raises Unavailable at once, rather than in the middle."""

    def __init__(self, export: DataExport) -> None:
        self._held = _sending.acquire(blocking=False)
        if not self._held:
            raise Unavailable(retry_after=RETRY_S)
        try:
            self._reader = archive.Reader(export.folder, export.part_count)
        except OSError as error:
            self._give_back()
            raise Unavailable(retry_after=RETRY_S) from error

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._reader)

    def close(self) -> None:
        """Called by Django in every case, also when the reader left."""
        self._give_back()

    def _give_back(self) -> None:
        held, self._held = self._held, False
        if held:
            _sending.release()
