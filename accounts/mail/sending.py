"""Mail that stands in rows: each is taken by compare-and-set, tried ever more seldom, and sent once.

A sender that dies between the two leaves its row to the next, so that mail may come twice then, but never not at all.
"""

import datetime
import smtplib
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import F

from accounts.clock import db_now
from accounts.models import Outgoing
from accounts.retries import pause

Row = TypeVar("Row", bound=Outgoing)

AT_ONCE = 50
HOLD = datetime.timedelta(seconds=120)  # by whoever sends it; one that dies over it leaves it to the next
FIRST_PAUSE_S = 30
LONGEST_PAUSE_S = 1800
# What a mail server says of one mail. Anything else (no connection, no answer) would meet the next mail as well.
_OF_THIS_MAIL = (
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
)


def one_line(text: str, *, keep: str = "", at_most: int = 200) -> str:
    """Fit for a subject, or a line of the log: what others wrote cannot begin another header or line. `keep`: signs
    that may stay, though unseen.
    """
    seen = "".join(sign if sign.isprintable() or sign in keep else " " for sign in text)
    return " ".join(seen.split())[:at_most]


def send_due(
    kind: type[Row],
    send: Callable[[Row], None],
    *,
    failed: Callable[[Row, Exception], None],
    give_up_after: datetime.timedelta | None = None,
    **erased: Any,
) -> int:
    """How many of `kind` were sent, oldest first. `erased`: what fields hold once it was sent or given up.

    `send` raises OSError or ValueError where it could not; then `failed` is told, and the others go on. A mail server
    that cannot be talked to ends the round: each further mail would hold this worker for a timeout.
    """
    due = kind._default_manager.filter(sent_at=None, due_at__lte=db_now()).select_related("shop")
    sent = 0
    for row in due.order_by("pk")[:AT_ONCE]:
        mine = kind._default_manager.filter(pk=row.pk, sent_at=None, tries=row.tries)
        if not mine.update(tries=F("tries") + 1, due_at=db_now() + HOLD):
            continue
        ours = kind._default_manager.filter(pk=row.pk, tries=row.tries + 1)
        try:
            send(row)
        except (OSError, ValueError) as error:  # the latter: a bad address or setting
            failed(row, error)
            later = pause(row.tries, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)
            ours.update(due_at=db_now() + later)
            if give_up_after is not None:
                ours.filter(created_at__lte=db_now() - give_up_after).update(due_at=None, **erased)
            if isinstance(error, OSError) and not isinstance(error, _OF_THIS_MAIL):
                break
        else:
            sent += ours.update(sent_at=db_now(), **erased)
    return sent
