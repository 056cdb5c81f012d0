"""Numbers, times, shares and lists as the reader's language writes them."""

import datetime
from collections.abc import Iterable

from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _


def count(value: int) -> str:
    """1500 as 1,500."""
    return number_format(value, use_l10n=True, force_grouping=True)


def credits(value: int) -> str:
    """1500 as 1,500 credits."""
    return ngettext("%(shown)s credit", "%(shown)s credits", value) % {"shown": count(value)}


def decimal(value: float, places: int = 1) -> str:
    """Rounded; 1234.56 as 1,234.6."""
    return number_format(f"{value:.{places}f}", use_l10n=True, force_grouping=True)


def percent(value: float, places: int = 1) -> str:
    return pgettext("a share", "%(number)s%%") % {"number": decimal(value, places)}


def seconds(value: float, places: int = 1) -> str:
    return _("%(number)s s") % {"number": decimal(value, places)}


def duration(seconds_: float) -> str:
    """In the largest unit that still says something."""
    if seconds_ < 120:
        return seconds(seconds_, 0)
    if seconds_ < 7200:
        return _("%(number)s min") % {"number": decimal(seconds_ / 60, 0)}
    return _("%(number)s h") % {"number": decimal(seconds_ / 3600)}


def listed(words: Iterable[object]) -> str:
    """ "generate, read"."""
    return pgettext("between the words of a list", ", ").join(str(word) for word in words)


def gap() -> str:
    """Between two sentences. Nothing in Chinese, whose full stops are as wide as a character."""
    return "" if (get_language() or "").startswith("zh") else " "


def day(value: datetime.date) -> str:
    return date_format(value, "SHORT_DATE_FORMAT")


def moment(value: datetime.datetime) -> str:
    """To the second, in UTC."""
    utc = value.astimezone(datetime.UTC)
    return f"{day(utc)} {utc:%H:%M:%S}"
