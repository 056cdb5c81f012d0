"""What operators do for and to people: shut somebody out, let them in again, take lost second factors away."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import record_of_person
from accounts.desk.deeds import Deed, Doer, Refused, deed_of
from accounts.models import AuditAction, User
from accounts.signing import second_factor, sessions


class PersonDeed(Deed[User]):
    permission = "accounts.help_user"
    platform_alone = True  # an account may belong to organizations of several shops

    def hindrance(self, person: User) -> str:
        return _("This person was erased.") if person.erased_at is not None else ""

    def do(self, request: HttpRequest, person: User, doer: Doer, form: Any) -> str:
        if person.is_staff and not doer.user.is_superuser:
            raise Refused(_("This is an operator: only who may do everything can do that."))
        if person == doer.user:
            raise Refused(_("This is you. Somebody else has to do it."))
        with transaction.atomic():
            return self.help(person, doer)

    def help(self, person: User, doer: Doer) -> str:
        raise NotImplementedError

    def note(self, person: User, action: AuditAction, doer: Doer) -> None:
        """In the audit log of each of their organizations; the reason is for operators."""
        record_of_person(person, action, actor=doer.actor, origin=doer.origin, note=doer.reason)


@deed_of(User)
class ShutOut(PersonDeed):
    name = "shut-out"
    title = gettext_lazy("Shut them out")
    hint = gettext_lazy("They are signed out everywhere, and cannot sign in.")
    done_before = gettext_lazy("They are shut out already.")

    def is_done(self, person: User) -> bool:
        return not person.is_active

    def says(self, person: User) -> list[str]:
        return [
            _("%(person)s is signed out everywhere at once, and cannot sign in until you let them in again.")
            % {"person": person.email},
            _("Their organizations and keys go on: suspend the organization if these are to stop."),
        ]

    def help(self, person: User, doer: Doer) -> str:
        if not User.objects.filter(pk=person.pk, is_active=True).update(is_active=False):
            raise Refused(str(self.done_before))
        self.note(person, AuditAction.PERSON_SHUT_OUT, doer)
        sessions.end_all(person)
        return _("%(person)s is shut out.") % {"person": person.email}


@deed_of(User)
class LetIn(PersonDeed):
    name = "let-in"
    title = gettext_lazy("Let them in again")
    hint = gettext_lazy("They may sign in again.")
    done_before = gettext_lazy("They are not shut out.")

    def is_done(self, person: User) -> bool:
        return person.is_active

    def says(self, person: User) -> list[str]:
        return [_("%(person)s may sign in again, as before.") % {"person": person.email}]

    def help(self, person: User, doer: Doer) -> str:
        if not User.objects.filter(pk=person.pk, is_active=False, erased_at=None).update(is_active=True):
            raise Refused(str(self.done_before))
        self.note(person, AuditAction.PERSON_LET_IN, doer)
        return _("%(person)s may sign in again.") % {"person": person.email}


@deed_of(User)
class ResetSecondFactor(PersonDeed):
    name = "reset-second-factor"
    title = gettext_lazy("Take their second factors away")
    hint = gettext_lazy("For who lost phone, passkeys and recovery codes.")
    done_before = gettext_lazy("They have none.")

    def is_done(self, person: User) -> bool:
        return not second_factor.has_one(person)

    def says(self, person: User) -> list[str]:
        return [
            _(
                "Apps, recovery codes and passkeys of %(person)s go, their sessions end, and they are told by mail."
            )
            % {"person": person.email},
            _("Be sure that it is them who asked. Say below how you know."),
        ]

    def help(self, person: User, doer: Doer) -> str:
        if not second_factor.reset(person, reason=doer.reason, actor=doer.actor):
            raise Refused(str(self.done_before))
        return _("%(person)s signs in with the password alone until they set one up.") % {
            "person": person.email
        }
