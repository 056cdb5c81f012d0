"""Mail to people: queued with what it tells of, sent by whoever is next, erased as soon as it was sent."""

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from accounts.mail import circulars, letters, sending
from accounts.models import QueuedMail, Shop, User
from accounts.names import ISOLATING
from accounts.signing import language as languages

logger = logging.getLogger(__name__)

GIVE_UP_AFTER = datetime.timedelta(days=3)


def queue(shop_id: int, to: str, subject: str, body: str, html: str = "", *, template: str = "") -> None:
    """To one address, inside the transaction of what it tells of. `template` is what remains to be seen of it."""
    QueuedMail.objects.create(
        shop_id=shop_id,
        to=to,
        subject=sending.one_line(subject, keep=ISOLATING),
        body=body,
        html=html,
        template=template,
    )


def queue_template(
    shop: Shop,
    to: User | str,
    name: str,
    context: Mapping[str, Any],
    *,
    language: str | None = None,
    else_in: str | None = None,
) -> None:
    """As letters.write takes `name` and `context`. `language`: theirs, where it is known, such as in a request of their
    own; `else_in`: where it is not.
    """
    written = letters.write(shop, name, context, language or languages.of_reader(shop, to, else_in=else_in))
    address = to.email if isinstance(to, User) else to
    queue(shop.pk, address, written.subject, written.body, written.html, template=name)


def send_due() -> int:
    """How many were sent."""
    return sending.send_due(
        QueuedMail, _send, failed=_failed, give_up_after=GIVE_UP_AFTER, to="", subject="", body="", html=""
    )


def _send(mail: QueuedMail) -> None:
    if circulars.is_one(mail):
        circulars.spread(mail)
        return
    message = letters.letter(mail.shop, mail.subject, mail.body, [mail.to], mail.html)
    if not message.send():  # Django says so by a number when there is nobody to send it to
        raise ValueError("no address")


def _failed(mail: QueuedMail, error: Exception) -> None:
    # Errors of mail servers repeat the address, so only their kind is written down.
    code = getattr(error, "smtp_code", None)
    reason = type(error).__name__ if code is None else f"{type(error).__name__} {code}"
    logger.error("Mail %s (%s) could not be sent: %s", mail.pk, mail.template or "mail", reason)
