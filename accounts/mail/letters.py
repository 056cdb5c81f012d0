"""How mail of a shop looks: who sends it, who reads the answers, and the markup around its plain words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formataddr, make_msgid, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils.translation import get_language, override

from accounts import accent
from accounts.mail import sending
from accounts.models import Shop
from accounts.names import ISOLATING
from accounts.shops import address_of, host_of


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
class Written:
    """What a mail says, in one language."""

    subject: str
    body: str
    html: str


def write(shop: Shop, name: str, context: Mapping[str, Any], language: str) -> Written:
    """`templates/emails/<name>.txt`, its first line the subject, as text and in the shop's colours.

    Templates have `shop` and `address`, with which absolute links begin: `{{ address }}{% url 'credits' %}`. Words in
    `context` are lazy, so that they are said in the reader's language.
    """
    with override(language):
        known = {"address": address_of(shop.pk), **context, "shop": shop}
        text = _as_plain_text(f"emails/{name}.txt", known)
        subject, _newline, body = text.strip().partition("\n")
        subject, body = sending.one_line(subject, keep=ISOLATING), body.strip() + "\n"
        return Written(subject, body, markup(shop, subject, body, known["address"]))


def _as_plain_text(path: str, context: Mapping[str, Any]) -> str:
    # Nothing is markup here, so an apostrophe in a name stays one.
    found: Any = get_template(path)  # Django's own, which alone can be told so
    return str(found.template.render(Context(dict(context), autoescape=False)))


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a paragraph, each with whether it leads to the shop; or what the mail is about, as a button."""

    lines: tuple[tuple[str, bool], ...] = ()
    button: str = ""


def markup(shop: Shop, subject: str, body: str, address: str) -> str:
    """The same words in the shop's colours, with its logo. Nothing in them is markup. `address`: of the shop."""
    context: dict[str, Any] = {
        "shop": shop,
        "subject": subject,
        "blocks": _blocks(body, f"{address}/"),
        "address": address,
        "language": get_language(),
        "logo_width": shop.logo.rpartition("-")[2],
        "light": accent.on_light(shop.accent),
        "dark": accent.on_dark(shop.accent),
    }
    context |= {f"on_{name}": accent.ink_on(context[name]) for name in ("light", "dark")}
    return str(render_to_string("emails/frame.html", context))


def _blocks(body: str, ours: str) -> list[Block]:
    """What stands between empty lines is a paragraph; of all lines that are an address of ours, the first becomes the
    button. Others', such as a receiver of webhooks, stay words.
    """
    found: list[Block] = []
    button = ""
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        lines: list[tuple[str, bool]] = []
        for line in map(str.strip, paragraph.splitlines()):
            is_address = line.startswith(ours) and " " not in line
            if not is_address or button:
                lines.append((line, is_address))
                continue
            button = line
            found += [Block(tuple(lines)), Block(button=button)]
            lines = []
        found.append(Block(tuple(lines)))
    return [block for block in found if block.lines or block.button]
