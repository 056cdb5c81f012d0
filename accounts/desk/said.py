"""What the desk's log keeps in English, in the reader's language.

Sentences that hold facts are found by their pattern, so that a row of any age can be told; what is not known here stays
as it was written. Reasons are operators' own words.
"""

import re
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import figures
from accounts.desk import right_words
from accounts.models import StaffRole

# (model, name of a deed) -> its title; filled as deeds are registered.
DEEDS: dict[tuple[type[Any], str], Any] = {}
# Each before those that are parts of it.
SENTENCES = (
    gettext_noop("Closed its circuit."),
    gettext_noop("Connected."),
    gettext_noop("Disabled."),
    gettext_noop("Enabled."),
    gettext_noop("Entered its bill; days: %(days)s."),
    gettext_noop("Refund %(number)s: %(amount)s, ended by hand."),
    gettext_noop("Refund %(number)s: %(amount)s."),
    gettext_noop("Settled by hand: %(problem)s"),
    gettext_noop("Shown on the landing page."),
    gettext_noop("Stripe: a live key is set."),
    gettext_noop("Stripe: a test key is set."),
    gettext_noop("Stripe: the key was taken away. Left: %(left)s."),
    gettext_noop("Stripe: the key was taken away."),
    gettext_noop("Taken down."),
    gettext_noop("Tried it."),
)
_PLACE = re.compile(r"%\\\((\w+)\\\)s")  # %(name)s, as re.escape writes it
PATTERNS = tuple(
    (sentence, re.compile(_PLACE.sub(r"(?P<\1>.+)", re.escape(sentence)), re.DOTALL))
    for sentence in SENTENCES
)
NO_ROLE, NOTHING_CHANGED = gettext_noop("no role"), gettext_noop("nothing changed")
_ROLES = "|".join((*StaffRole.values, NO_ROLE))
ROLE = re.compile(rf"(?P<shop>[-\w]+): (?P<role>{_ROLES}): (?P<reason>.+)", re.DOTALL)
RIGHTS = re.compile(rf"(?P<changes>[-+]\w+(?: [-+]\w+)*|{NOTHING_CHANGED}): (?P<reason>.+)", re.DOTALL)


def of_entry(entry: LogEntry) -> str:
    """What was done, as the list "Done at the desk" and the history of a row tell it."""
    said, model = str(entry.get_change_message()), model_of(entry)
    title = DEEDS.get((model, said)) if model is not None else None
    return told(said) if title is None else str(title)


def model_of(entry: LogEntry) -> type[Any] | None:
    """What kind of row it was done to, asked once a process; None when there is no such kind any more."""
    known = entry.content_type_id
    return None if known is None else ContentType.objects.get_for_id(known).model_class()


def told(said: str) -> str:
    for sentence, pattern in PATTERNS:
        if (found := pattern.fullmatch(said)) is not None:
            return _(sentence) % found.groupdict() if found.groupdict() else _(sentence)
    if (found := ROLE.fullmatch(said)) is not None:
        role = found["role"]
        words = _(NO_ROLE) if role == NO_ROLE else str(StaffRole(role).label)
        return f"{found['shop']}: {words}: {found['reason']}"
    if (found := RIGHTS.fullmatch(said)) is not None:
        return f"{_changes(found['changes'])}: {found['reason']}"
    return said


def _changes(said: str) -> str:
    """ "+view_wallet -desk": what was given and taken."""
    if said == NOTHING_CHANGED:
        return _(NOTHING_CHANGED)
    return figures.listed(f"{one[0]} {right_words.of(one[1:])}" for one in said.split())
