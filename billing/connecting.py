"""Connecting a shop with its account at Stripe: what is entered, what is refused, and taking it away again.

The first shop's key comes from the settings; nothing here changes it. Whether Stripe takes a key is asked elsewhere,
outside of any transaction (stripe_gateway/looking.py).
"""

import re
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import sealing, shops
from accounts.models import Shop
from billing import stripe_keys, unfinished
from billing.models import Payment, StripeAccount
from billing.stripe_gateway import credentials

MAX_SIGNERS: Final = 3
SEALED: Final = ("sealed_key", "sealed_webhook_secrets")
DISCONNECTED: Final = {"sealed_key": "", "sealed_webhook_secrets": "", "key_digest": None}


def connected(shop_id: int) -> StripeAccount | None:
    """The account whose key was entered here."""
    return StripeAccount.objects.filter(shop=shop_id).exclude(sealed_key="").first()


def connect(
    shop: Shop, *, key: str, signers: str, tax: bool = False, promotion_codes: bool = False
) -> StripeAccount:
    """Seals what was entered. "" for `key` or `signers` (one to three, separated by commas): what was there stays.

    Raises ValidationError, by field; no message repeats a secret.
    """
    if shop.pk == shops.first_id():
        raise ValidationError(_("The key of this shop is in STRIPE_SECRET_KEY."))
    try:
        return _connect(shop, key, signers, tax=tax, promotion_codes=promotion_codes)
    except IntegrityError:  # another shop was entered with the same key at this moment
        raise ValidationError({"key": _taken()}) from None


@transaction.atomic
def _connect(shop: Shop, key: str, signers: str, **more: bool) -> StripeAccount:
    # Two at once must not both be the only one with a key, nor may a shop that ends have one again.
    if Shop.objects.select_for_update(no_key=True).get(pk=shop.pk).closed_at is not None:
        raise ValidationError(_("This shop is closed: it takes no payments any more."))
    before = connected(shop.pk)
    key = key or _stored(before, "sealed_key")
    signers = ",".join(part for part in re.split(r"[\s,]+", signers) if part)
    signers = signers or _stored(before, "sealed_webhook_secrets")
    problems = {"key": _problem_of_key(shop, key), "signers": _problem_of_signers(signers)}
    if any(problems.values()):
        raise ValidationError({name: words for name, words in problems.items() if words})
    livemode = stripe_keys.is_live(key)
    StripeAccount.objects.filter(shop=shop).exclude(livemode=livemode).update(**DISCONNECTED)
    entered = {
        "sealed_key": sealing.seal(key),
        "sealed_webhook_secrets": sealing.seal(signers),
        "key_digest": stripe_keys.digest(key),
        "refusals": 0,
        "refused_at": None,
    }
    account, _created = StripeAccount.objects.update_or_create(
        shop=shop, livemode=livemode, defaults=entered | more
    )
    unfinished.go_on(account)
    return account


@transaction.atomic
def disconnect(shop: Shop, *, even_so: bool = False) -> bool:
    """Whether there was a key. `even_so`: also while something needs it for its end. That stays as it is, and goes on
    once a key of the same account is entered again. Raises ValidationError.
    """
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    account = connected(shop.pk)
    if account is None:
        return False
    waiting = [] if even_so else unfinished.words(shop, livemode=account.livemode)
    if waiting:
        raise ValidationError(_needed(waiting))
    return bool(StripeAccount.objects.filter(pk=account.pk).update(**DISCONNECTED))


def _needed(waiting: list[str]) -> str:
    return _(
        "The key is needed yet: %(waiting)s. Without it nobody who has paid gets credits, and nobody gets money back."
        " Wait until that has ended: pages that are open end within a day."
    ) % {"waiting": "; ".join(waiting)}


def _stored(account: StripeAccount | None, name: str) -> str:
    """ "" as well for what cannot be read any more: then it is to be entered anew."""
    try:
        return sealing.unseal(getattr(account, name)) if account is not None else ""
    except sealing.Unreadable:
        return ""


def _problem_of_key(shop: Shop, key: str) -> str:
    if not key:
        return _("Enter the shop's secret or restricted key of Stripe.")
    if not re.fullmatch(stripe_keys.KEY, key):
        return _("Expected a secret or restricted key, such as sk_live_… or rk_test_….")
    is_live = stripe_keys.is_live(key)
    if is_live and settings.DEMO:
        return _("This is a live key, and a demo moves no money. Use a test key, or set DEMO=0.")
    if not is_live and Payment.objects.filter(shop=shop, livemode=True, paid_at__isnull=False).exists():
        return _(
            "This is a test key, and this shop was paid with a live one: anybody who knows Stripe's test cards would"
            " get credits. Enter a live key."
        )
    taken = StripeAccount.objects.filter(key_digest=stripe_keys.digest(key)).exclude(shop=shop).exists()
    if taken or key == settings.STRIPE_SECRET_KEY:
        return _taken()
    waiting = [] if is_live else unfinished.words(shop, livemode=True)
    return _needed(waiting) if waiting else ""


def _taken() -> str:
    return _("Another shop uses this key. Each shop needs one of its own, of its own account.")


def _problem_of_signers(signers: str) -> str:
    parts = signers.split(",")
    if not signers:
        return _("Enter the signing secret (whsec_…) of the webhook endpoint that is named above.")
    if len(parts) > MAX_SIGNERS or not all(re.fullmatch(stripe_keys.SIGNER, part) for part in parts):
        return _("Expected whsec_…, at most three of them, separated by commas.")
    return ""


def tail_of_key(shop_id: int) -> str:
    """The last four signs, for those who have to tell keys apart; "" where there is none, or it cannot be read."""
    found = credentials.of_shop(shop_id)
    try:
        return "" if found is None else found.key[-4:]
    except sealing.Unreadable:
        return ""


def reseal() -> tuple[int, list[str]]:
    """As accounts.hooks.resealed calls it."""
    rows = list(StripeAccount.objects.select_for_update(no_key=True).exclude(sealed_key="").order_by("pk"))
    lost = [
        f"Stripe of {row.shop.slug}"
        for row in rows
        if not all(sealing.is_readable(getattr(row, name)) for name in SEALED)
    ]
    if lost:
        return 0, lost
    for row in rows:
        changes = {name: sealing.reseal(getattr(row, name)) for name in SEALED}
        StripeAccount.objects.filter(pk=row.pk).update(**changes)
    return len(rows) * len(SEALED), []
