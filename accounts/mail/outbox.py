"""Mail to people: queued with what it tells of, sent by whoever is next, erased as soon as it was sent."""

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from django.template import Context
from django.template.loader import get_template
from django.utils.translation import override

from accounts.mail import letters, sending
from accounts.models import QueuedMail, Shop, User
from accounts.names import ISOLATING
from accounts.shops import address_of
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
    """`templates/emails/<name>.txt`, its first line the subject, as text and in the shop's colours.

    Templates have `shop` and `address`, with which absolute links begin: `{{ address }}{% url 'credits' %}`. Words in
    `context` are lazy, so that they are said in the reader's language. `language`: theirs, where it is known, such as
    in a request of their own; `else_in`: where it is not.
    """
    with override(language or languages.of_reader(shop, to, else_in=else_in)):
        known = {"address": address_of(shop.pk), **context, "shop": shop}
        text = _as_plain_text(f"emails/{name}.txt", known)
        subject, _newline, body = text.strip().partition("\n")
        subject, body = sending.one_line(subject, keep=ISOLATING), body.strip() + "\n"
        html = letters.markup(shop, subject, body, known["address"])
    queue(shop.pk, to.email if isinstance(to, User) else to, subject, body, html, template=name)


def send_due() -> int:
    """How many were sent."""
    return sending.send_due(
        QueuedMail, _send, failed=_failed, give_up_after=GIVE_UP_AFTER, to="", subject="", body="", html=""
    )


def _as_plain_text(path: str, context: Mapping[str, Any]) -> str:
    # Nothing is markup here, so an apostrophe in a name stays one.
    found: Any = get_template(path)  # Django's own, which alone can be told so
    return str(found.template.render(Context(dict(context), autoescape=False)))


def _send(mail: QueuedMail) -> None:
    message = letters.letter(mail.shop, mail.subject, mail.body, [mail.to], mail.html)
    if not message.send():  # Django says so by a number when there is nobody to send it to
        raise ValueError("no address")


def _failed(mail: QueuedMail, error: Exception) -> None:
    # Errors of mail servers repeat the address, so only their kind is written down.
    code = getattr(error, "smtp_code", None)
    reason = type(error).__name__ if code is None else f"{type(error).__name__} {code}"
    logger.error("Mail %s (%s) could not be sent: %s", mail.pk, mail.template or "mail", reason)
