"""Roles at a shop's desk: given, changed and ended, each with a reason, in the desk's log of that shop."""

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from accounts.desk.deeds import Refused
from accounts.mail import outbox
from accounts.models import DoneFor, Membership, Shop, ShopStaff, StaffRole, User
from accounts.shops import address_of
from accounts.signing.language import of_reader


class NobodyThere(Refused):
    message = gettext_lazy(
        "Nobody who belongs to this shop has this address. Let them sign up here first, and confirm their address."
    )


def candidate(shop: Shop, email: str, *, of_all: bool) -> User:
    """Whom a role may be given to. `of_all`: among all accounts; else among those of the shop's customers and staff, so
    that nobody learns who has an account because of another shop. Raises NobodyThere.
    """
    found = User.objects.filter(
        email=User.objects.clean_email(email),
        is_active=True,
        erased_at=None,
        email_confirmed_at__isnull=False,
    ).first()
    if found is None or not (of_all or _belongs(found, shop)):
        raise NobodyThere
    return found


def _belongs(user: User, shop: Shop) -> bool:
    is_member = Membership.objects.filter(user=user, organization__shop=shop).exists()
    return is_member or ShopStaff.objects.filter(user=user, shop=shop).exists()


@transaction.atomic
def give(shop: Shop, user: User, role: StaffRole, *, by: User, reason: str) -> bool:
    """In place of the role that they had; False when they have it already. They are told by mail."""
    row, is_new = ShopStaff.objects.get_or_create(shop=shop, user=user, defaults={"role": role})
    if not is_new:
        others = ShopStaff.objects.filter(pk=row.pk).exclude(role=role)
        if not others.update(role=role):
            return False
    _note(shop, user, f"{shop.slug}: {role.value}", by, reason)
    news = gettext_lazy("You work at the desk of %(shop)s now, as %(role)s: %(address)s/admin/")
    _tell(shop, user, news, role=role.label, address=address_of(shop.pk))
    return True


@transaction.atomic
def end(shop: Shop, user: User, *, by: User, reason: str) -> bool:
    """Their desk there is closed with their next request. False when they had none."""
    if not ShopStaff.objects.filter(shop=shop, user=user).delete()[0]:
        return False
    _note(shop, user, f"{shop.slug}: no role", by, reason)
    _tell(shop, user, gettext_lazy("You do not work at the desk of %(shop)s any more."))
    return True


def _note(shop: Shop, user: User, what: str, by: User, reason: str) -> None:
    entry = LogEntry.objects.log_actions(
        user_id=by.pk,
        queryset=[user],
        action_flag=CHANGE,
        change_message=f"{what}: {reason}",
        single_object=True,
    )
    DoneFor.objects.create(entry=entry, shop=shop)


def _tell(shop: Shop, user: User, news: Any, **facts: Any) -> None:
    """In the language of whoever reads it, and not of who did it."""
    facts["shop"] = shop.name
    with override(of_reader(shop, user)):
        subject, body = _("Your work at the desk of %(shop)s") % facts, f"{news % facts}\n"
    outbox.queue(shop.pk, user.email, subject, body, template="staff")
