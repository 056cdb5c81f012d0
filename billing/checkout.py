"""Buying a pack: our row first, then a page of Stripe, and back."""

import datetime
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import get_language

from accounts import shops
from accounts.access import Access
from accounts.clock import db_now
from accounts.errors import NotFound
from accounts.models import Organization
from accounts.shops import address_of
from accounts.standing import why_paused
from billing import automatic_rules, packs, payments, stripe_gateway
from billing.errors import CREDITS_PATH, PaymentsAway
from billing.models import (
    AutoTopUp,
    CreditPack,
    Payment,
    PaymentKind,
    PaymentStatus,
    StripeAccount,
    StripeCustomer,
)
from billing.payments import LOOK_AGAIN, REFUSALS_TOLERATED
from billing.stripe_gateway import credentials
from billing.stripe_gateway.errors import KeyRefused, StripeAway, StripeRefused

if TYPE_CHECKING:
    from billing.stripe_gateway.selling import Sale

T = TypeVar("T")
logger = logging.getLogger(__name__)

RETURN_PATH = "/credits/return/"
CARD_SAVED_PATH = "/credits/automatic/on/"
SESSION_PLACE = "{CHECKOUT_SESSION_ID}"
# Checkouts of an organization that may wait to be paid: each stays open at Stripe for a day, and is asked about once
# an hour until then. Nobody fills in ten at once.
MOST_WAITING = 10
# Longer than somebody waits for a page: one that has none after that will never be shown to anybody.
BEING_MADE = datetime.timedelta(minutes=2)
# What Stripe's page speaks of ours.
LOCALES = {"de": "de", "en": "en", "zh-hans": "zh"}


@dataclass(frozen=True, slots=True)
class Started:
    payment: Payment
    url: str


class Saved(Enum):
    """What became of the wish for automatic top-up when somebody came back from the page that saves a card."""

    AND_ON = auto()
    NO_CARD = auto()
    FOR_ANOTHER = auto()  # organization, or wish: one that was changed, given up, or is too old


def agree(
    organization: Organization,
    pack: CreditPack,
    kind: PaymentKind,
    *,
    actor: str,
    rule_version: int | None = None,
    payment_method_id: str = "",
) -> Payment:
    """The row of a purchase: it copies from the pack what was agreed, and is looked at until it is decided."""
    account = credentials.account_of(organization.shop_id)
    return Payment.objects.create(
        shop_id=organization.shop_id,
        account=account,
        organization=organization,
        pack=pack,
        kind=kind,
        livemode=account.livemode,
        actor=actor,
        credits=pack.total_credits,
        amount_minor=pack.price_minor,
        currency=pack.currency,
        rule_version=rule_version,
        payment_method_id=payment_method_id,
        sync_due_at=db_now() + LOOK_AGAIN,
    )


def start(access: Access, pack: CreditPack) -> Started:
    """A payment and the page where it is paid. Raises NotFound for a pack that is not on sale there, PaymentsAway, and
    ShopSuspended.
    """
    organization = access.organization
    if not packs.is_on_sale(pack, organization.shop_id):
        raise NotFound
    payment = _begin(access, pack)
    if payment is None:
        left = _left_open(organization, pack)
        if left is not None:
            return left
        payment = _begin(access, pack)
    if payment is None:  # others were faster
        raise PaymentsAway
    sale = _sale(payment, pack)
    opened = _asked(access, payment.account, partial(stripe_gateway.selling.create_checkout, sale))
    Payment.objects.filter(pk=payment.pk, session_id=None).update(session_id=opened.id)
    payment.session_id = opened.id
    if shops.is_paused_now(payment.shop_id):
        # Since a moment ago: nobody is sent there, and the next look closes it.
        payments.want_sync(payment.pk)
        raise why_paused(payment.shop_id)
    return Started(payment, opened.url)


def _sale(payment: Payment, pack: CreditPack) -> "Sale":
    shop, address = payment.shop, address_of(payment.shop_id)
    found = credentials.of_account(payment.account)
    return stripe_gateway.selling.Sale(
        payment=payment,
        shop_name=shop.name,
        title=f"{shop.name}: {pack.name}",
        success_url=f"{address}{RETURN_PATH}?session_id={SESSION_PLACE}",
        cancel_url=f"{address}{CREDITS_PATH}",
        locale=LOCALES.get(get_language() or "", "auto"),
        asks_for_terms=bool(shop.terms_version),
        asks_for_tax=found is not None and found.tax,
        takes_codes=found is not None and found.promotion_codes,
    )


def start_setup(access: Access) -> str:
    """The page where a card is saved for the automatic top-up that was just wished for. Raises PaymentsAway."""
    shop = access.organization.shop
    account, address = credentials.account_of(shop.pk), address_of(shop.pk)
    rule = AutoTopUp.objects.get(organization=access.organization)
    wish = f"{rule.pk}:{rule.version}:{rule.armed_at:%Y%m%d%H%M%S%f}"

    def open_page(customer_id: str) -> str:
        opened = stripe_gateway.selling.create_setup(
            account,
            shop_name=shop.name,
            customer_id=customer_id,
            wish=wish_of(rule),
            success_url=f"{address}{CARD_SAVED_PATH}?session_id={SESSION_PLACE}",
            cancel_url=f"{address}{CREDITS_PATH}",
            idempotency_key=f"setup:{account.nonce}:{wish}:{customer_id}",
        )
        return opened.url

    return _asked(access, account, open_page)


def wish_of(rule: AutoTopUp) -> str:
    """What the page that saves a card bears of it; of another customer's page it says nothing."""
    return f"{rule.pk}:{rule.version}"


def card_was_saved(organization: Organization, session_id: str) -> Saved:
    """Puts in force what was wished for when this page was opened, whoever tells of its end, and how often.

    Raises StripeAway or StripeRefused.
    """
    account = credentials.account_of(organization.shop_id)
    customer_id = customer_id_of(account, organization.pk)
    setup = stripe_gateway.selling.find_setup(account, session_id)
    if setup is None or setup.customer_id != customer_id:
        return Saved.FOR_ANOTHER
    rule = AutoTopUp.objects.filter(organization=organization).first()
    if rule is None or setup.wish != wish_of(rule):
        return Saved.FOR_ANOTHER
    if not setup.is_complete:
        return Saved.NO_CARD
    return Saved.AND_ON if automatic_rules.card_was_saved(rule) else Saved.FOR_ANOTHER


def hear_of_card(account: StripeAccount, customer_id: str, session_id: str) -> None:
    """The same by an event, for those who closed the page. Raises StripeAway or StripeRefused."""
    found = StripeCustomer.objects.select_related("organization")
    customer = found.filter(account=account, customer_id=customer_id).first()
    if customer is not None:
        card_was_saved(customer.organization, session_id)


def portal_url(access: Access) -> str:
    """Where cards, billing address and invoices are kept. Raises PaymentsAway."""
    account = credentials.account_of(access.organization.shop_id)
    back = f"{address_of(account.shop_id)}{CREDITS_PATH}"
    visit = secrets.token_hex(8)  # such a page is good for one visit, and no row of ours stands for it

    def open_page(customer_id: str) -> str:
        key = f"portal:{customer_id}:{visit}"
        return stripe_gateway.selling.open_portal(account, customer_id, back, idempotency_key=key)

    return _asked(access, account, open_page)


def _asked(access: Access, account: StripeAccount, use: Callable[[str], T]) -> T:
    """`use` with the id of the organization's customer, while somebody waits for a page. Raises PaymentsAway."""
    email = access.user.email if access.user else ""
    with stripe_gateway.line.hastily(), friendly():
        return stripe_gateway.line.persistently(
            lambda: with_customer(account, access.organization, email, use)
        )


# --- Pages that were left without paying ----------------------------------------------------------


@transaction.atomic
def _begin(access: Access, pack: CreditPack) -> Payment | None:
    """The row of a new purchase; None while as many as may be wait to be paid. Raises NotFound."""
    # Many at once must not begin more than that.
    Organization.objects.select_for_update(no_key=True).get(pk=access.organization.pk)
    if _waiting(access.organization).count() >= MOST_WAITING:
        return None
    payment = agree(access.organization, pack, PaymentKind.CHECKOUT, actor=access.actor)
    # Meanwhile the shop may stand still, or count in another currency.
    if not packs.is_on_sale(pack, access.organization.shop_id):
        raise NotFound
    return payment


def _waiting(organization: Organization) -> QuerySet[Payment]:
    """Without those that wait for an operator: nothing that is done here would end them."""
    return Payment.objects.filter(
        organization=organization,
        account=credentials.account_of(organization.shop_id),
        kind=PaymentKind.CHECKOUT,
        status=PaymentStatus.OPEN,
        problem="",
        sync_tries__lt=REFUSALS_TOLERATED,
    )


def _left_open(organization: Organization, pack: CreditPack) -> Started | None:
    """The newest page where the same is sold, if it is open yet; else one of those that wait is closed."""
    waiting = _waiting(organization)
    agreed = {"credits": pack.total_credits, "amount_minor": pack.price_minor, "currency": pack.currency}
    same = list(waiting.filter(pack=pack, session_id__isnull=False, **agreed).order_by("-pk")[:1])
    with stripe_gateway.line.hastily(), friendly():
        for payment in same:
            with suppress(StripeRefused):
                url = stripe_gateway.selling.checkout_url(payment.account, str(payment.session_id))
                if url:
                    return Started(payment, url)
        for payment in [*same, *waiting.order_by("pk")]:
            if _close(payment):
                break
    return None


def _close(payment: Payment) -> bool:
    """Whether it waits no more: nobody can pay it now, or what was paid is credited. Raises StripeAway, KeyRefused."""
    if payment.session_id is None:
        return bool(give_up_unseen(Payment.objects.filter(pk=payment.pk)))
    try:
        with suppress(StripeRefused):  # it has ended already
            stripe_gateway.selling.expire_checkout(payment.account, payment.session_id)
        return payments.sync_payment(payment.pk).status != PaymentStatus.OPEN
    except KeyRefused:
        raise
    except StripeRefused as error:
        logger.error("%s can be neither closed nor looked at: %s", payment.public_id, error)
        # The next sweep tells operators, and meanwhile it keeps nobody from buying.
        Payment.objects.filter(pk=payment.pk).update(sync_due_at=db_now(), sync_tries=REFUSALS_TOLERATED)
        return False


def give_up_unseen(among: QuerySet[Payment]) -> int:
    """How many had no page that anybody was shown."""
    unseen = among.filter(
        kind=PaymentKind.CHECKOUT,
        session_id=None,
        status=PaymentStatus.OPEN,
        created_at__lt=db_now() - BEING_MADE,
    )
    return unseen.update(status=PaymentStatus.EXPIRED, sync_due_at=None)


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
    made = _make_customer(account, organization, 1)
    customer, is_new = StripeCustomer.objects.get_or_create(
        account=account, organization=organization, defaults={"customer_id": made}
    )
    if is_new:
        _name(customer, email)
    return customer


def _replace_customer(gone: StripeCustomer, email: str) -> StripeCustomer:
    number = gone.number + 1
    made = _make_customer(gone.account, gone.organization, number)
    row = StripeCustomer.objects.filter(pk=gone.pk, number=gone.number)
    is_new = row.update(customer_id=made, number=number)
    gone.refresh_from_db()
    if is_new:
        _name(gone, email)
    return gone


def _make_customer(account: StripeAccount, organization: Organization, number: int) -> str:
    return stripe_gateway.selling.create_customer(
        account,
        reference=organization.slug,
        idempotency_key=f"customer:{account.nonce}:{organization.pk}:{number}",
    )


def _name(customer: StripeCustomer, email: str) -> None:
    try:
        stripe_gateway.selling.name_customer(
            customer.account, customer.customer_id, name=customer.organization.name, email=email
        )
    except (StripeAway, StripeRefused) as error:  # Stripe's page asks for what is missing
        logger.warning("%s could not be given its name: %s", customer.customer_id, error)


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
