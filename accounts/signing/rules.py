"""Who may open an account at a shop, and with which addresses: its own rules, else the settings'."""

from collections.abc import Sequence

from django.conf import settings

from accounts import shops
from accounts.models import Shop, SignUp


def who_may_sign_up(shop: Shop) -> str:
    """A word of SignUp; nobody while the shop is suspended or being closed."""
    if shops.is_paused(shop.pk):
        return SignUp.CLOSED
    return shop.sign_up or str(settings.SIGN_UP)


def is_open(shop: Shop) -> bool:
    """To everybody."""
    return who_may_sign_up(shop) == SignUp.OPEN


def domains_of(shop: Shop) -> Sequence[str]:
    """Of e-mail addresses, as hosts.clean_host writes them; empty for all."""
    listed: Sequence[str] = shop.sign_up_domains or settings.SIGN_UP_DOMAINS
    return listed
