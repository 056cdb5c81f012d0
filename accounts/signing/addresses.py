"""Whose an e-mail address is: User.email is what a person is known by, allauth's rows say what was confirmed."""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import hooks
from accounts.clock import db_now
from accounts.hosts import shown_host
from accounts.models import Shop, User
from accounts.signing import rules


def ensure(user: User) -> None:
    """People whom an operator entered have no row of allauth's; with what the operator gave them they may sign in.
    Whoever signs up gets theirs at once, unconfirmed.
    """
    if not EmailAddress.objects.filter(user=user).exists():
        EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"primary": True, "verified": True}
        )


def is_taken(email: str, *, but: User | None = None) -> bool:
    """By somebody, or by somebody other than `but`. What waits to be confirmed by others takes nothing."""
    people, rows = User.objects.filter(email=email), EmailAddress.objects.filter(email=email, verified=True)
    if but is not None:
        people, rows = people.exclude(pk=but.pk), rows.exclude(user=but)
    return people.exists() or bool(rows.exists())


def unconfirmed(people: list[int]) -> set[int]:
    """Those who have to confirm their address before they can sign in, of these ids. One query."""
    rows = (
        EmailAddress.objects.filter(user__in=people).order_by("verified").values_list("user_id", "verified")
    )
    return {person for person, verified in dict(rows).items() if not verified}


def confirmed(user: User, client_address: str) -> None:
    """They showed that User.email is theirs; what hangs on the first time is done in the same transaction."""
    with transaction.atomic():
        first = User.objects.filter(pk=user.pk, email_confirmed_at=None).update(email_confirmed_at=db_now())
        if not first:
            User.objects.filter(pk=user.pk).update(email_confirmed_at=db_now())
            return
        user.refresh_from_db(fields=["email_confirmed_at"])
        for hook in hooks.address_confirmed:
            hook(user, client_address)


def refuse_domain(email: str, shop: Shop) -> None:
    """Raises ValidationError for what nobody may open an account with there; says nothing about who has one."""
    domain = email.rpartition("@")[2].lower()
    names = {domain, _as_ascii(domain)}
    allowed = rules.domains_of(shop)
    if allowed and not names & set(allowed):
        listed = ", ".join(shown_host(one) for one in allowed)
        raise ValidationError(
            _("Only addresses of these domains can be used here: %(domains)s.") % {"domains": listed}
        )
    if any(parent in settings.BLOCKED_EMAIL_DOMAINS for name in names for parent in _with_parents(name)):
        raise ValidationError(
            _("Addresses of this provider cannot be used here. Take another one that is yours for longer.")
        )


def _as_ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


def _with_parents(domain: str) -> list[str]:
    parts = domain.split(".")
    return [".".join(parts[start:]) for start in range(len(parts))]
