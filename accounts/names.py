"""What people call their things: kept as it was typed, fit to stand in a page, a mail and a database."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_NAME = 80
_FORBIDDEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of characters, ends of lines
_ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))
ISOLATING = "\u2068\u2069"
_UNSEEN = {*_FORBIDDEN, "Cf", "Zs"}


def can_be_seen(text: str) -> bool:
    """Some of it: not spaces, control characters and marks of the direction of writing alone."""
    return any(unicodedata.category(sign) not in _UNSEEN for sign in text)


def holds_forbidden(text: str) -> bool:
    """What no line of text may hold. Marks that steer the direction of writing may stand in it: names are shown
    isolated.
    """
    return any(unicodedata.category(sign) in _FORBIDDEN for sign in text)


def clean_name(text: str) -> str:
    """Without the spaces around it. Raises ValidationError: nothing to see, more than 80 characters, or control
    characters. Markup, emoji and marks of the direction of writing stay, since pages escape and isolate them.
    """
    name = text.strip()
    if not can_be_seen(name) or len(name) > MAX_NAME:
        raise ValidationError(_("A name has 1 to 80 characters, of which some can be seen."))
    if holds_forbidden(name):
        raise ValidationError(_("This name holds a sign that cannot be used, such as the end of a line."))
    return name


def isolated(text: str) -> str:
    """Within plain text, so that its direction of writing does not go over to what follows: `<bdi>` without markup.
    Marks of its own that would end this early are left out.
    """
    return f"\u2068{text.translate(_ISOLATES)}\u2069"
