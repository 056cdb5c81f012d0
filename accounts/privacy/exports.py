"""Exports: all that an organization has here, as one archive for its owners and admins.

A row is asked for and is the queue; a worker that sees it due makes the archive, and one that dies over it leaves it to
the next, which begins anew. Every try writes into a folder of its own.
"""

import datetime
import logging
import re
import secrets
import time
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import hooks
from accounts.access import Access
from accounts.audit import record_by
from accounts.clock import db_now, read_db_now
from accounts.connections import let_go
from accounts.errors import DomainError, NotFound
from accounts.mail import outbox
from accounts.models import AuditAction, DataExport, ExportState, Membership, Organization
from accounts.privacy import archive, export_rows
from accounts.retries import claim
from accounts.roles import Right, roles_with

logger = logging.getLogger(__name__)

KEPT_FOR = datetime.timedelta(days=7)
MAX_PER_DAY = 3
MAX_TRIES = 5
HOLD_S = 120  # by whoever makes it, renewed on the way
RENEW_EVERY_S = 15.0
AT_ONCE = 20
EXPIRED_AT_ONCE = 500
# Of images; rows are exported whatever they come to. What is beyond is named in the archive.
MAX_FILES = 50_000
MAX_FILE_BYTES = 8 * 1024**3
_ID = re.compile(r"exp_[0-9a-f]{24}")


class ExportUnderWay(DomainError):
    type, status = "export_under_way", 409
    message = _("An export is being made already. You get a mail when it is ready.")


class TooManyExports(DomainError):
    type, status = "rate_limited", 429
    message = _("That was the last export for today. Fetch an earlier one, or ask again tomorrow.")


class _Lost(Exception):
    """Another worker has taken it over, or it is not wanted any more."""


def ask(access: Access) -> DataExport:
    """Raises InsufficientScope, ExportUnderWay or TooManyExports."""
    access.require_right(Right.SETTINGS)
    exports = DataExport.objects.filter(organization=access.organization)
    try:
        with transaction.atomic():
            if exports.filter(state=ExportState.WAITING).exists():
                raise ExportUnderWay
            if exports.filter(created_at__gt=db_now() - datetime.timedelta(days=1)).count() >= MAX_PER_DAY:
                raise TooManyExports
            export = DataExport.objects.create(organization=access.organization, asked_by=access.user)
            record_by(access, AuditAction.EXPORT_ASKED, subject=export.public_id)
    except IntegrityError as error:  # two at the same moment: the constraint judges
        raise ExportUnderWay from error
    return export


def find(access: Access, public_id: str) -> DataExport:
    """One that can be fetched. Raises NotFound, also for another organization's, InsufficientScope."""
    access.require_right(Right.SETTINGS)
    if not _ID.fullmatch(public_id):  # a NUL or a novel never reaches the database
        raise NotFound
    found = DataExport.objects.filter(organization=access.organization, public_id=public_id)
    export = found.filter(state=ExportState.READY, expires_at__gt=db_now()).first()
    if export is None:
        raise NotFound
    return export


# --- Making -------------------------------------------------------------------------------------


def make_due() -> int:
    """How many became ready. Any number of workers at once take different ones."""
    waiting = DataExport.objects.filter(state=ExportState.WAITING)
    due = waiting.filter(due_at__lte=db_now()).select_related("organization__shop", "asked_by")
    made = 0
    for export in due.order_by("due_at")[:AT_ONCE]:
        if claim(waiting, export, first_s=HOLD_S, longest_s=HOLD_S):
            export.tries += 1
            made += _make(export)
    return made


def _ours(export: DataExport) -> "QuerySet[DataExport]":
    return DataExport.objects.filter(pk=export.pk, state=ExportState.WAITING, tries=export.tries)


def _make(export: DataExport) -> bool:
    try:
        archive.remove(export.folder)  # what an earlier try left
        if export.tries > MAX_TRIES:
            _give_up(export)
            return False
        folder = f"exports/{secrets.token_hex(24)}"
        if not _ours(export).update(folder=folder):
            return False
        export.folder = folder
        parts = archive.PartWriter(folder)
        with archive.Archive(parts) as target:
            _write(export, target)
        return _finish(export, parts)
    except _Lost:
        _remove_quietly(export)
    except Exception:  # it is due again; whatever it was must not stop the others
        logger.exception("%s could not be made", export.public_id)
    return False


def _write(export: DataExport, target: archive.Archive) -> None:
    renewal = _Renewal(export)
    fill(target, export.organization, renewal, most_files=MAX_FILES, most_bytes=MAX_FILE_BYTES)
    renewal.renew(at_once=True)


class Pace:
    """For whoever fills an archive that nobody else would take over."""

    def renew(self, *, at_once: bool = False) -> None:
        """On the way."""

    def during(self, rows: Iterable[Any]) -> Iterable[Any]:
        return rows


def fill(
    target: archive.Archive, organization: Organization, pace: Pace, *, most_files: float, most_bytes: float
) -> None:
    """With all that an organization has here; `contents.json`, which comes last, names what that is."""
    counts: dict[str, int] = {}
    files, left_out, gone, byte_size = 0, 0, 0, 0
    for section in (export_rows.sections, *hooks.export_sections):
        for item in section(organization):
            if isinstance(item, hooks.ExportDocument):
                counts[item.name] = target.add_document(item.name, pace.during(item.rows))
                continue
            pace.renew()
            if files >= most_files or byte_size + item.byte_size > most_bytes:
                left_out += 1
                continue
            let_go()  # storages are slow, and the database's connections few
            try:
                data = item.read()
            except FileNotFoundError:
                gone += 1
                continue
            target.add_file(item.name, data)
            files, byte_size = files + 1, byte_size + len(data)
    contents = {
        "about": f"All data of {organization.name} at {organization.shop.name}. Times are UTC.",
        "made_at": read_db_now(),
        "documents": counts,
        "files": files,
        "files_left_out_since_the_archive_would_be_too_large": left_out,
        "files_deleted_meanwhile": gone,
    }
    target.add_object("contents.json", contents)


class _Renewal(Pace):
    """Keeps others away while it is being made."""

    def __init__(self, export: DataExport) -> None:
        self._export = export
        self._next = time.monotonic() + RENEW_EVERY_S

    def renew(self, *, at_once: bool = False) -> None:
        """Raises _Lost."""
        if not at_once and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + RENEW_EVERY_S
        if not _ours(self._export).update(due_at=db_now() + datetime.timedelta(seconds=HOLD_S)):
            raise _Lost

    def during(self, rows: Iterable[Any]) -> Iterable[Any]:
        for row in rows:
            self.renew()
            yield row


def _finish(export: DataExport, parts: archive.PartWriter) -> bool:
    with transaction.atomic():
        is_ours = _ours(export).update(
            state=ExportState.READY,
            due_at=None,
            part_count=parts.count,
            byte_size=parts.byte_size,
            ready_at=db_now(),
            expires_at=db_now() + KEPT_FOR,
        )
        if not is_ours:
            raise _Lost
        _tell(export, "export_ready")
    return True


def _give_up(export: DataExport) -> None:
    with transaction.atomic():
        if _ours(export).update(state=ExportState.FAILED, due_at=None, folder=""):
            _tell(export, "export_failed")
    logger.error("%s was given up after %d tries", export.public_id, MAX_TRIES)


def _tell(export: DataExport, template: str) -> None:
    """Whoever asked for it, if they may still fetch it."""
    person = export.asked_by
    may_fetch = Membership.objects.filter(
        organization=export.organization_id,
        user=person,
        user__is_active=True,
        role__in=roles_with(Right.SETTINGS),
    )
    if person is not None and may_fetch.exists():
        context = {"organization": export.organization, "days": KEPT_FOR.days}
        outbox.queue_template(export.organization.shop, person, template, context)


def _remove_quietly(export: DataExport) -> None:
    try:
        archive.remove(export.folder)
    except OSError as error:
        logger.warning("%s: what is left of a try could not be removed: %s", export.public_id, error)


# --- Deleting -----------------------------------------------------------------------------------


def expire() -> int:
    """Deletes those that were kept for long enough; the files go first, so that a crash leaves none behind."""
    old = DataExport.objects.filter(state=ExportState.READY, expires_at__lte=db_now()).order_by("expires_at")
    return sum(_expire(export) for export in old[:EXPIRED_AT_ONCE])


def _expire(export: DataExport) -> bool:
    try:
        archive.remove(export.folder)
    except OSError as error:
        logger.warning("%s could not be deleted, it is tried again: %s", export.public_id, error)
        return False
    rows = DataExport.objects.filter(pk=export.pk, state=ExportState.READY)
    return bool(rows.update(state=ExportState.GONE, folder="", part_count=0))


def delete_all(organization: Organization) -> None:
    """Of an organization that closes. Raises OSError: what is left is deleted the next time."""
    for export in DataExport.objects.filter(organization=organization):
        archive.remove(export.folder)
        export.delete()
