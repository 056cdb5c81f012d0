"""Secrets of others that we must be able to use again, such as the credentials of upstreams: encrypted at rest.

settings.SEALING_KEYS, newest first: the first seals, all of them open, so a key can be replaced without a gap
(`manage.py reseal`).
"""

import base64
import datetime
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """Sealed with a key that is not among ours any more."""


def seal(text: str) -> str:
    """ "" stays ""."""
    return _box(tuple(settings.SEALING_KEYS)).encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Raises Unreadable."""
    if not sealed:
        return ""
    try:
        return _box(tuple(settings.SEALING_KEYS)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def reseal(sealed: str) -> str:
    """The same under the newest key, with its date. Raises Unreadable."""
    if not sealed:
        return ""
    try:
        return _box(tuple(settings.SEALING_KEYS)).rotate(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def sealed_at(sealed: str) -> datetime.datetime | None:
    """When the text was entered; needs no key. None: there is none, or it is damaged."""
    try:
        stamp = base64.urlsafe_b64decode(sealed)[1:9]
        return datetime.datetime.fromtimestamp(int.from_bytes(stamp), datetime.UTC) if stamp else None
    except (ValueError, OverflowError, OSError):
        return None


def is_readable(sealed: str) -> bool:
    try:
        unseal(sealed)
    except Unreadable:
        return False
    return True


@lru_cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    # Long random texts already, so one hash makes them the 32 bytes that are wanted.
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
    )
