"""Buying a pack: our row first, then a page of Stripe, and back."""

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.utils.translation import get_language

from accounts.access import Access
from accounts.clock import db_now
from accounts.errors import NotFound
from accounts.models import Organization
from billing import stripe_gateway
from billing.errors import CREDITS_PATH, PaymentsAway
from billing.models import CreditPack, Payment, PaymentKind, StripeAccount, StripeCustomer
from billing.payments import LOOK_AGAIN
from billing.stripe_gateway.errors import StripeAway, StripeRefused

if TYPE_CHECKING:
    from billing.stripe_gateway.selling import Sale

T = TypeVar("T")
logger = logging.getLogger(__name__)

RETURN_PATH = "/credits/return/"
CARD_SAVED_PATH = "/credits/automatic/on/"
SESSION_PLACE = "{CHECKOUT_SESSION_ID}"
# What Stripe's page speaks of ours.
LOCALES = {"de": "de", "en": "en", "zh-hans": "zh"}


@dataclass(frozen=True, slots=True)
class Started:
    payment: Payment
    url: str


def account_of(shop_id: int) -> StripeAccount:
    """The shop's account in the mode that the key is of."""
    account, _created = StripeAccount.objects.get_or_create(
        shop_id=shop_id, livemode=settings.STRIPE_LIVEMODE
    )
    return account


def start(access: Access, pack: CreditPack, *, save_card: bool = False) -> Started:
    """A payment and the page where it is paid. Raises NotFound for a pack that is not on sale there, PaymentsAway."""
    organization = access.organization
    if pack.shop_id != organization.shop_id or not pack.is_active:
        raise NotFound
    payment = Payment.objects.create(
        shop_id=organization.shop_id,
        account=account_of(organization.shop_id),
        organization=organization,
        pack=pack,
        kind=PaymentKind.CHECKOUT,
        livemode=settings.STRIPE_LIVEMODE,
        actor=access.actor,
        credits=pack.total_credits,
        amount_minor=pack.price_minor,
        currency=pack.currency,
        sync_due_at=db_now() + LOOK_AGAIN,
    )
    email = access.user.email if access.user else ""
    with stripe_gateway.line.hastily(), friendly():
        opened = with_customer(
            payment.account,
            organization,
            email,
            lambda customer_id: stripe_gateway.selling.create_checkout(
                _sale(payment, pack, customer_id, save_card)
            ),
        )
    Payment.objects.filter(pk=payment.pk, session_id=None).update(session_id=opened.id)
    payment.session_id = opened.id
    return Started(payment, opened.url)


def _sale(payment: Payment, pack: CreditPack, customer_id: str, save_card: bool) -> "Sale":
    shop = payment.shop
    return stripe_gateway.selling.Sale(
        payment=payment,
        title=f"{shop.name}: {pack.name}",
        customer_id=customer_id,
        success_url=f"{settings.PUBLIC_URL}{RETURN_PATH}?session_id={SESSION_PLACE}",
        cancel_url=f"{settings.PUBLIC_URL}{CREDITS_PATH}",
        locale=LOCALES.get(get_language() or "", "auto"),
        save_card=save_card,
        asks_for_terms=bool(shop.terms_version),
    )


def start_setup(access: Access) -> str:
    """The page where a card is saved for automatic top-ups. Raises PaymentsAway."""
    organization = access.organization
    account = account_of(organization.shop_id)
    back = f"{settings.PUBLIC_URL}{CREDITS_PATH}"
    with stripe_gateway.line.hastily(), friendly():
        opened = with_customer(
            account,
            organization,
            access.user.email if access.user else "",
            lambda customer_id: stripe_gateway.selling.create_setup(
                customer_id=customer_id,
                currency=organization.shop.currency,
                success_url=f"{settings.PUBLIC_URL}{CARD_SAVED_PATH}",
                cancel_url=back,
                # Saving a card twice does no harm: each wish is one of its own.
                idempotency_key=f"setup:{secrets.token_hex(16)}",
            ),
        )
    return opened.url


def portal_url(access: Access) -> str:
    """Where cards, billing address and invoices are kept. Raises PaymentsAway."""
    organization = access.organization
    account = account_of(organization.shop_id)
    back = f"{settings.PUBLIC_URL}{CREDITS_PATH}"
    with stripe_gateway.line.hastily(), friendly():
        return with_customer(
            account,
            organization,
            access.user.email if access.user else "",
            lambda customer_id: stripe_gateway.selling.open_portal(customer_id, back),
        )


# --- Who the customer is there ------------------------------------------------------------------


def with_customer(
    account: StripeAccount, organization: Organization, email: str, use: Callable[[str], T]
) -> T:
    """`use` with the organization's customer, which is made once, and anew when Stripe does not know it any more."""
    customer = _customer(account, organization, email)
    try:
        return use(customer.customer_id)
    except StripeRefused as error:
        if (error.code, error.param) != ("resource_missing", "customer"):
            raise
    logger.warning("%s: Stripe does not know this customer any more; another is made", customer.customer_id)
    return use(_replace_customer(customer, email).customer_id)


def customer_id_of(account: StripeAccount, organization_id: int) -> str | None:
    found = StripeCustomer.objects.filter(account=account, organization_id=organization_id)
    return found.values_list("customer_id", flat=True).first()


def _customer(account: StripeAccount, organization: Organization, email: str) -> StripeCustomer:
    known = StripeCustomer.objects.filter(account=account, organization=organization).first()
    if known is not None:
        return known
    # Two at once get the same one, by the idempotency key.
    made = stripe_gateway.selling.create_customer(
        name=organization.name,
        email=email,
        reference=organization.slug,
        idempotency_key=f"customer:{account.nonce}:{organization.pk}:1",
    )
    customer, _created = StripeCustomer.objects.get_or_create(
        account=account, organization=organization, defaults={"customer_id": made}
    )
    return customer


def _replace_customer(gone: StripeCustomer, email: str) -> StripeCustomer:
    number = gone.number + 1
    made = stripe_gateway.selling.create_customer(
        name=gone.organization.name,
        email=email,
        reference=gone.organization.slug,
        idempotency_key=f"customer:{gone.account.nonce}:{gone.organization_id}:{number}",
    )
    StripeCustomer.objects.filter(pk=gone.pk, number=gone.number).update(customer_id=made, number=number)
    return StripeCustomer.objects.get(pk=gone.pk)


@contextmanager
def friendly() -> Iterator[None]:
    """What a person is told when Stripe fails."""
    try:
        yield
    except StripeAway as error:
        logger.warning("Stripe is away: %s", error)
        raise PaymentsAway from error
    except StripeRefused as error:
        logger.error("Stripe refuses: %s", error)
        raise PaymentsAway from error
