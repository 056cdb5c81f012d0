"""The second factor: secrets sealed at rest, codes that work once, passkeys bound to the shop's own address."""

import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import sealing
from accounts.audit import record_of_person
from accounts.mail import outbox
from accounts.models import AuditAction, User
from accounts.organizations import home_of
from accounts.shops import host_of, shop_id_of, shop_of
from accounts.signing import sessions

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
SHOWN = "mfa"  # allauth's word in a session's records
SEALED = ("secret", "seed")  # of an authenticator's data
# What fido2 trips over in a row, or in what was sent, that holds no passkey.
NONSENSE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    ValidationError,
)


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _(
            "This code is not right, or was used before. Try again with the one that is shown now."
        ),
    }

    def encrypt(self, text: str) -> str:
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text)

    def get_totp_issuer(self) -> str:
        return shop_of(context.request).name

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The address that people know us by, never the one that a request names."""
        return {"id": host_of(shop_id_of(context.request)), "name": shop_of(context.request).name}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        entity: dict[str, Any] = super().get_public_key_credential_user_entity(user)
        return {**entity, "display_name": user.name or user.email}

    def generate_authenticator_name(self, user: User, type: Any) -> str:  # noqa: A002 - allauth's name
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return gettext("Passkey %(number)d") % {"number": count + 1}


def has_one(user: User) -> bool:
    """An app or a passkey; recovery codes only stand in for one."""
    return bool(Authenticator.objects.filter(user=user, type__in=FACTORS).exists())


@dataclass(frozen=True, slots=True)
class Ways:
    """By what somebody shows a second factor at the host that they ask. `passkeys_elsewhere`: they have some that were
    made at another host, which browsers offer there alone. `passkeys_unreadable`: they have one whose row holds no
    passkey, so that none can be used: allauth reads all of them, or none.
    """

    codes: bool
    passkeys: bool
    passkeys_elsewhere: bool
    passkeys_unreadable: bool


def ways_at(request: HttpRequest, user: User) -> Ways:
    codes = False
    made_for = list[bytes | None]()
    for row in Authenticator.objects.filter(user=user):
        if row.type == Authenticator.Type.WEBAUTHN:
            made_for.append(_made_for(row))
        else:
            codes = codes or _has_codes(row)
    here, unreadable = _hash_of_host(request), None in made_for
    elsewhere = any(one not in (here, None) for one in made_for)
    return Ways(codes, here in made_for and not unreadable, elsewhere, unreadable)


def _has_codes(row: Any) -> bool:
    try:
        return row.type == Authenticator.Type.TOTP or bool(row.wrap().get_unused_codes())
    except sealing.Unreadable:  # the installation has lost its key, and so have they
        return False


def is_readable(passkey: Any) -> bool:
    """Whether its row holds what a device made. One that does not is left for its owner to remove."""
    return _made_for(passkey) is not None


def are_readable(user: User) -> bool:
    """All passkeys that somebody has."""
    return all(map(is_readable, Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)))


def works_at(request: HttpRequest, passkey: Any) -> bool:
    """Whether it was made for this host."""
    return _made_for(passkey) == _hash_of_host(request)


def _made_for(passkey: Any) -> bytes | None:
    try:
        found: bytes = passkey.wrap().authenticator_data.rp_id_hash
    except NONSENSE:
        return None
    return found


def _hash_of_host(request: HttpRequest) -> bytes:
    return sha256(host_of(shop_id_of(request)).encode()).digest()


def was_shown(request: HttpRequest, user: User) -> bool:
    """In this session: at the sign-in, when asked again, or as it was set up. A passkey is two factors by itself."""
    return any(record.get("method") == SHOWN for record in get_authentication_records(request, user))


def note_shown(request: HttpRequest, user: User, kind: Any) -> None:
    """Whoever sets one up has just used it."""
    record_authentication(request, user, method=SHOWN, type=str(kind))


def path_to_show_it(user: User) -> str:
    methods = get_account_adapter().get_reauthentication_methods(user)
    return next(str(method["url"]) for method in methods if method["id"].startswith("mfa"))


def spend_code(authenticator: Any, code: str) -> bool:
    """Whether this right code of an app was not used before, by any process: only later ones than the last pass."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        secret, last = sealing.unseal(row.data["secret"]), row.data.get("last_counter", -1)
        matching = (
            counter
            for counter in yield_hotp_counters_from_time()
            if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter)))
        )
        counter = next(matching, None)
        if counter is None or counter <= last:
            return False
        row.data["last_counter"] = counter
        row.save(update_fields=["data"])
    authenticator.data = row.data
    return True


@transaction.atomic
def reset(user: User, *, reason: str, actor: str = "system") -> bool:
    """By an operator, for somebody who lost all of it: apps, recovery codes and passkeys are gone, and their sessions
    have ended. False when there was none.
    """
    if not Authenticator.objects.filter(user=user).delete()[0]:
        return False
    sessions.end_all(user)
    record_of_person(user, AuditAction.SECOND_FACTOR_OFF, actor=actor, note=reason)
    news = _(
        "The operator of the shop took away all your second factors and passkeys, and ended all sessions. Sign in with "
        "your password and set them up again."
    )
    outbox.queue_template(home_of(user), user, "account_news", {"news": news})
    return True


def reseal() -> tuple[int, list[str]]:
    """Secrets under the newest key: how many, and whose could not be read. Part of the caller's transaction."""
    count, lost = 0, []
    rows = Authenticator.objects.select_for_update().filter(type__in=("totp", "recovery_codes"))
    for row in rows.order_by("pk"):
        for name in SEALED:
            if name not in row.data:
                continue
            if not sealing.is_readable(row.data[name]):
                lost.append(f"user:{row.user_id}")
                continue
            row.data[name] = sealing.reseal(row.data[name])
            count += 1
        row.save(update_fields=["data"])
    return count, lost
