"""How mail of a shop looks: who sends it, who reads the answers, and the markup around its plain words."""

import re
from dataclasses import dataclass
from email.utils import formataddr, make_msgid, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import get_language

from accounts import accent, sending
from accounts.models import Shop
from accounts.shops import address_of, host_of

_ADDRESS = re.compile(r"https?://\S+")


def sender_of(shop: Shop) -> str:
    """Its own address, else the one of settings.DEFAULT_FROM_EMAIL, always under the name of the shop."""
    _name, usual = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((sending.one_line(shop.name), shop.sender_email or usual))


def letter(shop: Shop, subject: str, body: str, to: list[str], html: str = "") -> EmailMultiAlternatives:
    """Ready to be sent. Its id names the shop's host, and not the machine's."""
    message = EmailMultiAlternatives(
        subject,
        body,
        sender_of(shop),
        to,
        reply_to=[shop.support_email] if shop.support_email else None,
        headers={"Message-ID": make_msgid(domain=host_of(shop.pk))},
    )
    if html:
        message.attach_alternative(html, "text/html")
    return message


@dataclass(frozen=True, slots=True)
class Line:
    """`address`: the whole line is one, which is shown as a button, or as a link where `is_first` is False."""

    text: str
    is_address: bool = False
    is_first: bool = False


def markup(shop: Shop, subject: str, body: str) -> str:
    """The same words in the shop's colours, with its logo. Nothing in them is markup."""
    context: dict[str, Any] = {
        "shop": shop,
        "subject": subject,
        "paragraphs": list(_paragraphs(body)),
        "address": address_of(shop.pk),
        "language": get_language(),
        "logo_width": shop.logo.rpartition("-")[2],
        "light": accent.on_light(shop.accent),
        "dark": accent.on_dark(shop.accent),
    }
    context |= {f"on_{name}": accent.ink_on(context[name]) for name in ("light", "dark")}
    return str(render_to_string("emails/frame.html", context))


def _paragraphs(body: str) -> list[list[Line]]:
    """What stands between empty lines; of all lines that are an address the first is what the mail is about."""
    found: list[list[Line]] = []
    is_first = True
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        lines = []
        for line in paragraph.splitlines():
            text = line.strip()
            is_address = _ADDRESS.fullmatch(text) is not None
            lines.append(Line(text, is_address, is_address and is_first))
            is_first = is_first and not is_address
        found.append(lines)
    return found
