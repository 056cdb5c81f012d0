"""How an organization ends. Its deletion is asked for; for UNDO_FOR it is only looked at, its keys have stopped, and an
owner can take it back; then what names people or shows what they made is blanked, and ids and amounts stay.

What is under way is ended step by step, each in a transaction of its own: one for all of it would lock wallet and
generations in every order. Whatever breaks off, the next round of `close_due` goes on with.
"""

import logging
import secrets

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Coalesce

from accounts import audit, hooks
from accounts.access import Access
from accounts.clock import db_now, read_db_now
from accounts.mail import outbox
from accounts.models import ApiKey, AuditAction, AuditOrigin, Invitation, Membership, Organization
from accounts.models.tenancy import UNDO_FOR
from accounts.privacy import exports
from accounts.roles import Right

logger = logging.getLogger(__name__)

SYSTEM = "system"
AT_ONCE = 500
PORTION = 500


def ask(access: Access) -> bool:
    """False when it was asked for before. Raises InsufficientScope. Not inside a transaction."""
    access.require_right(Right.OWNERSHIP)
    organization = access.organization
    with transaction.atomic():
        open_one = Organization.objects.filter(pk=organization.pk, closing_at=None)
        if not open_one.update(closing_at=db_now()):
            return False
        organization.closing_at = read_db_now()
        audit.record_by(access, AuditAction.DELETION_ASKED)
        _tell_members(organization, "closing_asked")
    try:
        _end_what_is_under_way(organization)
    except Exception:  # it is asked for all the same, and the next round makes up for it
        logger.exception("%s: what is under way could not be ended yet", organization.slug)
    return True


def undo(access: Access) -> bool:
    """False when it was too late, or nobody had asked. Keys work again; what was switched off stays off."""
    access.require_right(Right.OWNERSHIP)
    with transaction.atomic():
        # Locked first: only a statement that begins after that sees whether closing has begun.
        locked = Organization.objects.select_for_update(no_key=True).filter(pk=access.organization.pk)
        if not list(locked) or not _is_member(access):
            return False
        closing = Organization.objects.filter(
            pk=access.organization.pk, closed_at=None, closing_at__gt=db_now() - UNDO_FOR
        )
        if not closing.update(closing_at=None):
            return False
        access.organization.closing_at = None
        audit.record_by(access, AuditAction.DELETION_UNDONE)
        _tell_members(access.organization, "closing_undone")
    return True


def _is_member(access: Access) -> bool:
    return Membership.objects.filter(organization=access.organization, user=access.user).exists()


def losses(organization: Organization) -> list[str]:
    """What its deletion would lose, in words for people."""
    return [words for hook in hooks.closing_losses for words in hook(organization)]


def _tell_members(organization: Organization, template: str) -> None:
    members = Membership.objects.filter(organization=organization, user__is_active=True)
    context = {"organization": organization, "until": organization.closes_at}
    for member in members.select_related("user").order_by("pk"):
        outbox.queue_template(organization.shop, member.user, template, context)


# --- Round after round --------------------------------------------------------------------------


def close_due() -> int:
    """How many were closed. Ends what is under way in all that are closing, due or not."""
    is_due = ExpressionWrapper(Q(closing_at__lte=db_now() - UNDO_FOR), BooleanField())
    closing = Organization.objects.filter(closing_at__isnull=False, closed_at=None).annotate(is_due=is_due)
    closed = 0
    for organization in closing.select_related("shop").order_by("closing_at")[:AT_ONCE]:
        try:
            is_quiet = _end_what_is_under_way(organization)
            closed += organization.is_due and is_quiet and close(organization)
        except (OperationalError, InterfaceError):
            raise  # each would wait for the database anew
        except Exception:
            logger.exception("%s could not be closed, it is tried again", organization.slug)
    return closed


def _end_what_is_under_way(organization: Organization) -> bool:
    """Whether nothing is any more."""
    are_done = [hook(organization) for hook in hooks.organization_closing]  # each, whatever the others say
    return all(are_done)


def end(organization: Organization) -> bool:
    """Of a shop that ends: its members were told with the shop's own. Whether it is closed now; what it waits for, such
    as a payment that is on its way, may take days, and then it is asked for again.
    """
    with transaction.atomic():
        if Organization.objects.filter(pk=organization.pk, closing_at=None).update(closing_at=db_now()):
            audit.record(organization, AuditAction.DELETION_ASKED, actor=SYSTEM)
    return _end_what_is_under_way(organization) and close(organization, at_once=True)


def close(organization: Organization, *, at_once: bool = False) -> bool:
    """False when somebody else was faster. May break off anywhere and be repeated. `at_once`: also before UNDO_FOR."""
    if not _part_with_people(organization, at_once=at_once):
        return False
    for hook in hooks.organization_blanked:
        for _portion in hook(organization):
            pass
    exports.delete_all(organization)
    _erase_origins(organization)
    return _blank(organization)


@transaction.atomic
def _part_with_people(organization: Organization, *, at_once: bool) -> bool:
    """From here on nobody can take it back: nobody belongs to it."""
    until = db_now() if at_once else db_now() - UNDO_FOR
    due = Organization.objects.filter(pk=organization.pk, closed_at=None, closing_at__lte=until)
    if not list(due.select_for_update(no_key=True)):
        return False
    Membership.objects.filter(organization=organization).delete()
    Invitation.objects.filter(organization=organization).delete()
    ApiKey.objects.filter(organization=organization).update(
        name="",
        allowed_addresses=[],
        last_used_address=None,
        created_by=None,
        revoked_at=Coalesce("revoked_at", db_now()),
    )
    return True


def _erase_origins(organization: Organization) -> None:
    """The events stay: they hold ids alone."""
    origins = AuditOrigin.objects.filter(event__organization=organization)
    while portion := list(origins.values_list("pk", flat=True)[:PORTION]):
        AuditOrigin.objects.filter(pk__in=portion).delete()


@transaction.atomic
def _blank(organization: Organization) -> bool:
    name = f"Deleted organization {secrets.token_hex(2)}"
    unclosed = Organization.objects.filter(pk=organization.pk, closed_at=None)
    if not unclosed.update(
        name=name, slug=f"deleted-{secrets.token_hex(8)}", retention_days=None, closed_at=db_now()
    ):
        return False
    _forget_in_the_desks_log(organization, name)
    audit.record(organization, AuditAction.ORGANIZATION_CLOSED, actor=SYSTEM)
    return True


def _forget_in_the_desks_log(organization: Organization, name: str) -> None:
    """What operators did to it was written down under its name."""
    kind = ContentType.objects.get_for_model(Organization)
    LogEntry.objects.filter(content_type=kind, object_id=str(organization.pk)).update(object_repr=name)
