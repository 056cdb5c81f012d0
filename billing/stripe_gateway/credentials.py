"""What a shop asks Stripe with: the one place that knows.

The first shop's key is in the settings, those of others are sealed in their accounts. In a demo whoever has none has a
till, whose key derives from the installation's secret and the shop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts import sealing, shops
from billing import stripe_keys
from billing.models import StripeAccount

# Where Stripe itself sends people to pay, and to their cards.
PAGES: Final = ("https://checkout.stripe.com", "https://billing.stripe.com")


@dataclass(frozen=True, slots=True)
class Credentials:
    """`base`: where Stripe's API is, "" for its own address; `pages`: the origins that customers are sent to; `tax` and
    `promotion_codes`: whether its checkouts ask for them.
    """

    livemode: bool
    base: str
    pages: tuple[str, ...]
    tax: bool
    promotion_codes: bool
    is_till: bool
    stored_key: str = field(repr=False)
    stored_signers: str = field(repr=False)  # separated by commas
    is_sealed: bool = False

    @property
    def key(self) -> str:
        """Raises sealing.Unreadable."""
        return sealing.unseal(self.stored_key) if self.is_sealed else self.stored_key

    @property
    def webhook_secrets(self) -> list[str]:
        """One is enough for a signature. Raises sealing.Unreadable."""
        text = sealing.unseal(self.stored_signers) if self.is_sealed else self.stored_signers
        return [part for part in text.split(",") if part]


def of_shop(shop_id: int) -> Credentials | None:
    """None: it takes no payments."""
    return of_shops([shop_id])[shop_id]


def of_shops(shop_ids: Sequence[int]) -> Mapping[int, Credentials | None]:
    """The same of several, with one query."""
    first = shops.first_id()
    others = [shop_id for shop_id in shop_ids if shop_id != first]
    accounts = list(_with_keys().filter(shop__in=others)) if others else []  # at most one of each
    found = {account.shop_id: _of_account(account) for account in accounts}
    return {
        shop_id: _of_settings()
        if shop_id == first
        else found.get(shop_id) or (_of_till(shop_id) if settings.TILL else None)
        for shop_id in shop_ids
    }


def of_account(account: StripeAccount) -> Credentials | None:
    """None: nothing can be asked of it any more, since its shop is in the other mode now, or without a key."""
    found = of_shop(account.shop_id)
    return found if found is not None and found.livemode == account.livemode else None


def usable() -> QuerySet[StripeAccount]:
    """The accounts that Stripe can be asked about now. Of the others nothing is to be seen."""
    first = shops.first_id()
    found = Q(pk__in=_with_keys().values("pk"))
    if settings.STRIPE_SECRET_KEY:
        found |= Q(shop=first, livemode=settings.STRIPE_LIVEMODE)
    if settings.TILL:
        found |= Q(livemode=False) & ~Q(shop=first)
    return StripeAccount.objects.filter(found)


def of_trials(path: str) -> Q:
    """The rows whose account, found by `path`, is of Stripe's test mode, at a shop that has gone live since and whose
    test key is gone: they move no money, and nobody can look at them any more.
    """
    live = StripeAccount.objects.filter(livemode=True).values("shop")
    is_trial = Q(**{f"{path}__livemode": False, f"{path}__shop__in": live})
    return is_trial & ~Q(**{f"{path}__in": usable().values("pk")})


def takes_payments(path: str) -> Q:
    """The rows whose shop, found by `path`, takes payments."""
    first = shops.first_id()
    found = Q(**{f"{path}__in": _with_keys().values("shop")})
    if settings.STRIPE_SECRET_KEY:
        found |= Q(**{path: first})
    if settings.TILL:
        found |= ~Q(**{path: first})
    return found


def asks_for_tax(path: str) -> Q:
    """The rows whose shop, found by `path`, charges tax on the page where people pay."""
    first = shops.first_id()
    found = Q(**{f"{path}__in": _with_keys().filter(tax=True).values("shop")})
    if settings.STRIPE_TAX:
        found |= Q(**{path: first})
    return found


def has_tax(shop_id: int) -> bool:
    found = of_shop(shop_id)
    return found is not None and found.tax


def account_of(shop_id: int) -> StripeAccount:
    """The shop's account in the mode of its key; made when it is used first. For a shop without a key, in test mode."""
    found = of_shop(shop_id)
    account, _created = StripeAccount.objects.get_or_create(
        shop_id=shop_id, livemode=found is not None and found.livemode
    )
    return account


def _with_keys() -> QuerySet[StripeAccount]:
    """Of other shops than the first. A demo moves no money, whatever it was before."""
    found = StripeAccount.objects.exclude(sealed_key="").exclude(shop=shops.first_id())
    return found.filter(livemode=False) if settings.DEMO else found


def _of_settings() -> Credentials | None:
    if not settings.STRIPE_SECRET_KEY:
        return None
    return Credentials(
        livemode=settings.STRIPE_LIVEMODE,
        base=settings.STRIPE_API_BASE,
        pages=tuple(settings.STRIPE_PAGES),
        tax=settings.STRIPE_TAX,
        promotion_codes=settings.STRIPE_PROMOTION_CODES,
        is_till=settings.TILL,
        stored_key=settings.STRIPE_SECRET_KEY,
        stored_signers=",".join(settings.STRIPE_WEBHOOK_SECRETS),
    )


def _of_account(account: StripeAccount) -> Credentials:
    # A live key is for Stripe alone; and where there is a till, STRIPE_API_BASE is its address.
    is_elsewhere = bool(settings.STRIPE_API_BASE) and not account.livemode and not settings.TILL
    return Credentials(
        livemode=account.livemode,
        base=settings.STRIPE_API_BASE if is_elsewhere else "",
        pages=PAGES if settings.TILL else tuple(settings.STRIPE_PAGES),
        tax=account.tax,
        promotion_codes=account.promotion_codes,
        is_till=False,
        stored_key=account.sealed_key,
        stored_signers=account.sealed_webhook_secrets,
        is_sealed=True,
    )


def _of_till(shop_id: int) -> Credentials:
    key, signer = stripe_keys.of_till(settings.TILL_SECRET, shop_id)
    return Credentials(
        livemode=False,
        base=settings.STRIPE_API_BASE,
        pages=tuple(settings.STRIPE_PAGES),
        tax=False,
        promotion_codes=settings.STRIPE_PROMOTION_CODES,
        is_till=True,
        stored_key=key,
        stored_signers=signer,
    )
