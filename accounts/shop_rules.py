"""What a shop may be called, where it may be, and which languages it may speak: for forms and commands alike. All raise
ValidationError, with what to do.
"""

import ipaddress
import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from accounts import hooks, shops
from accounts.hosts import clean_host, shown_host
from accounts.models import Shop, ShopDomain

MOST_LETTERS = 253
MOST_CREDITS, MOST_ORDERS = 1_000_000, 1_000_000
_CURRENCY = re.compile(r"[a-z]{3}")
# Others, such as those with an underscore, get no certificate, and Django reads no such Host header.
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_BETWEEN = re.compile(r"[\s,;]+")


def clean_domain(text: str, shop_id: int | None = None) -> str:
    """As it is kept, whichever way it was written; one that nobody else has. `shop_id`: whose it is to be."""
    host = clean_host(text) if len(text) <= MOST_LETTERS + 6 else None
    if host is None:
        raise ValidationError(_("Write the name alone, such as shop.example: no https://, no path."))
    if not host.startswith("[") and not _NAME.fullmatch(host):
        words = _(
            "%(host)s is no name for a shop: between its dots are letters and digits, and hyphens among them."
        )
        raise ValidationError(words % {"host": host})
    if not settings.DEMO:  # a demo is for one machine, where such names lead
        _refuse_local(host)
    is_first = shop_id is not None and shop_id == shops.first_id()
    if not is_first and host in shops.hosts_of_settings():
        words = _("%(host)s leads to the first shop: PUBLIC_URL or OTHER_HOSTS says so.")
        raise ValidationError(words % {"host": shown_host(host)})
    if ShopDomain.objects.filter(host=host).exclude(shop=shop_id).exists():
        raise ValidationError(_("%(host)s leads to another shop already.") % {"host": shown_host(host)})
    return host


def _refuse_local(host: str) -> None:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        is_address = host.rpartition(".")[2].isdecimal()  # such as 127.1, which some take for one
    else:
        is_address = True
    if is_address:
        raise ValidationError(
            _("An address in numbers cannot be a shop's: take a name, such as shop.example.")
        )
    if "." not in host:
        raise ValidationError(_("%(host)s leads nowhere from outside: take a whole name.") % {"host": host})


def clean_currency(text: str) -> str:
    currency = text.strip().lower()
    if not _CURRENCY.fullmatch(currency):
        raise ValidationError(_("A currency is three small letters, such as usd."))
    return currency


def clean_languages(text: str) -> list[str]:
    """`text`: codes, by commas or spaces. [] for all."""
    known = dict(settings.LANGUAGES)
    listed = words_of(text.lower())
    for code in listed:
        if code not in known:
            words = _("There is no language %(code)s here. There are: %(known)s.")
            raise ValidationError(words % {"code": code, "known": ", ".join(known)})
    return listed


def clean_mail_domains(text: str) -> list[str]:
    """`text`: domains of e-mail addresses, by commas or spaces, with or without an @."""
    found = []
    for word in words_of(text):
        domain = clean_host(word.removeprefix("@")) if len(word) <= MOST_LETTERS else None
        try:
            validate_email(f"somebody@{domain}")
        except ValidationError:
            domain = None
        if domain is None:
            words = _("%(word)s is no domain of e-mail addresses, such as example.org.")
            raise ValidationError(words % {"word": word[:100]})
        found.append(domain)
    return list(dict.fromkeys(found))


def clean_sender(email: str, shop: Shop, *, by_platform: bool) -> str:
    """From where its mails come. Its own operators choose among its domains: our mail server vouches for the rest."""
    if not email or by_platform or email == shop.sender_email:
        return email
    domain = clean_host(email.rpartition("@")[2])
    if not ShopDomain.objects.filter(shop=shop, host=domain).exists():
        raise ValidationError(_("Take an address at one of the domains of this shop, or ask the platform."))
    return email


def lacks(shop: Shop) -> list[str]:
    """What it has to have and has not, such as a price, in words."""
    return [words for hook in hooks.shop_lacks for words in hook(shop)]


def words_of(text: str) -> list[str]:
    return list(dict.fromkeys(word for word in _BETWEEN.split(text) if word))
