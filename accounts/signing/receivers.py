"""What allauth tells of people's accounts: written down in the audit log, and what follows from it.

The only place where its signals are heard. Each receiver is part of the transaction of the page that caused it
(accounts/views/gates.py), except for a sign-in, which is written down right after it.
"""

from typing import Any

from allauth.account import signals as of_accounts
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa import signals as of_factors
from allauth.mfa.models import Authenticator
from allauth.socialaccount import signals as of_social
from django.db import transaction
from django.http import HttpRequest

from accounts import hooks
from accounts.addresses import client_address
from accounts.audit import record_of_person
from accounts.models import AuditAction, User
from accounts.origin import origin_of
from accounts.shops import shop_id_of
from accounts.signing import addresses, failures, second_factor, sessions, unproven

TYPE = Authenticator.Type
REMOVED = {TYPE.TOTP: AuditAction.SECOND_FACTOR_OFF, TYPE.WEBAUTHN: AuditAction.PASSKEY_REMOVED}


def connect() -> None:
    """Called once, when all apps are loaded."""
    for signal, receiver in {
        of_accounts.user_logged_in: signed_in,
        of_accounts.email_confirmed: address_confirmed,
        of_accounts.email_changed: address_changed,
        of_accounts.password_changed: password_changed,
        of_accounts.password_set: password_changed,
        of_accounts.password_reset: password_reset,
        of_factors.authenticator_added: passkey_added,
        of_factors.authenticator_removed: factor_removed,
        of_factors.authentication_failed: factor_failed,
        of_social.social_account_added: social_added,
        of_social.social_account_removed: social_removed,
    }.items():
        signal.connect(receiver, dispatch_uid="accounts.signing")


def signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    """`methods`: what they showed, such as ["password", "totp"]. It opens nothing in other shops, so their
    organizations are not told.
    """
    records = get_authentication_records(request, user)
    methods = [
        str(entry.get("type") or entry.get("provider") or entry["method"])
        for entry in records
        if not entry.get("reauthenticated")
    ]
    with transaction.atomic():
        _note(request, user, AuditAction.SIGNED_IN, shop_id=shop_id_of(request), methods=methods)
    for hook in hooks.signed_in:
        hook(user, client_address(request))


def address_confirmed(request: HttpRequest, email_address: EmailAddress, **_: Any) -> None:
    addresses.confirmed(email_address.user, client_address(request))


def address_changed(
    request: HttpRequest, user: User, from_email_address: EmailAddress | None, **_: Any
) -> None:
    if from_email_address is None:  # the first one of a new account
        return
    sessions.end_others(request, user)
    _note(request, user, AuditAction.EMAIL_CHANGED)


def password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    """Other sessions are bound to the old one, so they have ended."""
    _note(request, user, AuditAction.PASSWORD_CHANGED, by="password")


def password_reset(request: HttpRequest, user: User, **_: Any) -> None:
    """Whoever followed the link has read the mail of that address. Who had signed up with it need not have."""
    if unproven.is_unproven(user):
        unproven.start_anew(user)
    address = EmailAddress.objects.filter(user=user, email=user.email).first()
    if address is not None and not (address.verified and address.primary):
        address.set_verified()
        address.set_as_primary()
    if user.email_confirmed_at is None:
        addresses.confirmed(user, client_address(request))
    _note(request, user, AuditAction.PASSWORD_CHANGED, by="mail")


def passkey_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type == TYPE.WEBAUTHN:
        sessions.end_others(request, user)
        second_factor.note_shown(request, user, TYPE.WEBAUTHN)
        _note(request, user, AuditAction.PASSKEY_ADDED)


def app_switched_on(request: HttpRequest, user: User) -> None:
    """Called by the page: allauth tells of it only when the transaction is over."""
    sessions.end_others(request, user)
    second_factor.note_shown(request, user, TYPE.TOTP)
    _note(request, user, AuditAction.SECOND_FACTOR_ON)


def codes_made(request: HttpRequest, user: User) -> None:
    """Likewise; of those that come with the first factor nothing is said apart."""
    _note(request, user, AuditAction.RECOVERY_CODES_MADE)


def factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type in REMOVED:  # recovery codes go with the last of the others
        sessions.end_others(request, user)
        _note(request, user, REMOVED[authenticator.type])


def factor_failed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    failures.note(request, user, str(authenticator.type))


def social_added(request: HttpRequest, sociallogin: Any, **_: Any) -> None:
    sessions.end_others(request, sociallogin.user)
    _note(request, sociallogin.user, AuditAction.ACCOUNT_CONNECTED, provider=sociallogin.account.provider)


def social_removed(request: HttpRequest, socialaccount: Any, **_: Any) -> None:
    sessions.end_others(request, socialaccount.user)
    _note(request, socialaccount.user, AuditAction.ACCOUNT_DISCONNECTED, provider=socialaccount.provider)


def _note(request: HttpRequest, user: User, action: AuditAction, **details: Any) -> None:
    record_of_person(user, action, origin=origin_of(request), **details)
