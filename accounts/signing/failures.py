"""Tries to sign in that failed, in the audit log."""

from django.db import transaction
from django.http import HttpRequest

from accounts.audit import record_of_person
from accounts.models import NOBODY, AuditAction, User
from accounts.origin import origin_of
from accounts.signing import limits


def note(request: HttpRequest, user: User, method: str) -> None:
    """Told of `user`'s account, and as a deed of theirs only when they are signed in and were asked once more: anybody
    who knows an address may try. Of many tries from one address the first is told, and the next after ten minutes.
    """
    actor = user.actor if request.user == user else NOBODY
    if limits.may_note_failure(request, user, actor, method):
        with transaction.atomic():
            record_of_person(
                user, AuditAction.SIGN_IN_FAILED, actor=actor, origin=origin_of(request), method=method
            )
