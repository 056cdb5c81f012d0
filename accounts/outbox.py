"""Mail to people: queued with what it tells of, sent by whoever is next, erased as soon as it was sent."""

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template import Context, TemplateDoesNotExist
from django.template.loader import get_template, render_to_string

from accounts import sending
from accounts.models import QueuedMail, Shop
from accounts.names import ISOLATING
from accounts.shops import address_of

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


def queue_template(shop: Shop, to: str, name: str, context: Mapping[str, Any]) -> None:
    """`templates/emails/<name>.txt`, its first line the subject, and `<name>.html` beside it if there is one.

    Templates have `shop` and `address`, with which absolute links begin: `{{ address }}{% url 'credits' %}`.
    """
    known = {**context, "shop": shop, "address": address_of(shop.pk)}
    text = _as_plain_text(f"emails/{name}.txt", known)
    subject, _newline, body = text.strip().partition("\n")
    try:
        html: str = render_to_string(f"emails/{name}.html", known)
    except TemplateDoesNotExist:
        html = ""
    queue(shop.pk, to, subject, body.strip() + "\n", html, template=name)


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
    message = EmailMultiAlternatives(mail.subject, mail.body, to=[mail.to])
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    if not message.send():  # Django says so by a number when there is nobody to send it to
        raise ValueError("no address")


def _failed(mail: QueuedMail, error: Exception) -> None:
    # Errors of mail servers repeat the address, so only their kind is written down.
    code = getattr(error, "smtp_code", None)
    reason = type(error).__name__ if code is None else f"{type(error).__name__} {code}"
    logger.error("Mail %s (%s) could not be sent: %s", mail.pk, mail.template or "mail", reason)
