"""Mail to people: queued with what it tells of, sent by whoever is next, erased as soon as it was sent."""

import datetime
import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.utils.translation import get_language, override

from accounts import sending
from accounts.models import QueuedMail, Shop, User
from accounts.names import ISOLATING

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
    shop: Shop, to: User | str, name: str, context: Mapping[str, Any], *, language: str | None = None
) -> None:
    """`templates/emails/<name>.txt`, its first line the subject, and `<name>.html` beside it if there is one.

    To a person in theirs, to an address in `language`, None: that of the request. So what the context has of words is
    lazy. Templates have `shop` and `address`, with which absolute links begin: `{{ address }}{% url 'credits' %}`.
    """
    known = {**context, "shop": shop, "address": settings.PUBLIC_URL}
    if isinstance(to, User):
        language = to.language or settings.LANGUAGE_CODE
    with override(language or get_language() or settings.LANGUAGE_CODE):
        text = _as_plain_text(f"emails/{name}.txt", known)
        try:
            html: str = render_to_string(f"emails/{name}.html", known)
        except TemplateDoesNotExist:
            html = ""
    subject, _newline, body = text.strip().partition("\n")
    address = to.email if isinstance(to, User) else to
    queue(shop.pk, address, subject, body.strip() + "\n", html, template=name)


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
