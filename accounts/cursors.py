"""Where a list goes on, as text for clients: nobody can read, alter or make one, or use another tenant's."""

import base64
import binascii
import re

from django.utils.translation import gettext_lazy as _

from accounts import sealing
from accounts.access import Access
from accounts.errors import InvalidField

NOT_A_CURSOR = _("cursor is next_cursor of a page of this list, as it came")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{64,400}")


def make(access: Access, listed: str, position: int | None) -> str | None:
    """`listed`: which list, such as "generations". None at the end."""
    if position is None:
        return None
    return sealing.seal(f"{_whose(access, listed)}:{position}").rstrip("=")


def read(access: Access, listed: str, cursor: str | None) -> int | None:
    """None for the first page. Raises InvalidField for what make() did not make here."""
    if cursor is None:
        return None
    try:
        whose, _colon, position = sealing.unseal(_whole(cursor)).rpartition(":")
    except (sealing.Unreadable, ValueError):
        raise InvalidField(NOT_A_CURSOR, param="cursor") from None
    if whose != _whose(access, listed):
        raise InvalidField(NOT_A_CURSOR, param="cursor")
    return int(position)


def _whose(access: Access, listed: str) -> str:
    return f"{listed}:{access.organization.pk}:{int(access.livemode)}"


def _whole(cursor: str) -> str:
    """Raises ValueError where other letters would stand for the same bytes."""
    if not _TOKEN.fullmatch(cursor):
        raise ValueError
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        again = base64.urlsafe_b64encode(base64.urlsafe_b64decode(padded)).decode()
    except binascii.Error:
        raise ValueError from None
    if again != padded:
        raise ValueError
    return padded
