"""In which language somebody reads mail: as they last signed in, or chose, at any shop; else as the shop speaks first.

It stands with their sessions, and goes with these.
"""

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from accounts.models import Shop

KEY = "language"  # in the data of a session's row
_LOOKED_AT = 5  # the newest sessions of a person


def spoken_at(shop: Shop) -> list[str]:
    """Codes of the languages that a shop speaks, the usual one first."""
    known = [code for code, _name in settings.LANGUAGES]
    return [code for code in shop.languages if code in known] or known


def keep(request: HttpRequest, language: str | None = None) -> None:
    """`language`: else the one of this request. Nothing for who is not signed in."""
    key = request.session.session_key
    if key:
        kept = {KEY: language or get_language()}
        UserSession.objects.filter(session_key=key).update(data=kept)


def of_reader(shop: Shop, email: str, *, else_in: str | None = None) -> str:
    """`else_in`: for who has not signed in of late, such as the language of whoever invites them."""
    spoken = spoken_at(shop)
    newest = UserSession.objects.filter(user__email=email).order_by("-last_seen_at", "-pk")
    rows = newest.values_list("data", flat=True)[:_LOOKED_AT]
    for language in (*(row.get(KEY) for row in rows), else_in):
        if language in spoken:
            return str(language)
    return spoken[0]
