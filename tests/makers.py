"""Plain functions that make what a test needs."""

import datetime
import itertools
import uuid
from dataclasses import replace
from typing import Any

from django.db import connection
from django.db.models import TextField, Value
from django.db.models.expressions import CombinedExpression

from accounts.access import Access, access_of_key
from accounts.api_keys import create_api_key
from accounts.clock import db_now, read_db_now
from accounts.models import Organization, Shop
from accounts.organizations import create_organization, person
from accounts.shops import first_shop
from billing import audit, ledger, payments
from billing.models import SETTLEMENTS, LedgerEntry, Payment, PaymentKind, StripeAccount, Wallet
from billing.stripe_gateway.facts import Facts
from generations import lifecycle
from generations.models import Attempt, Generation, ModelPrice, Upstream
from generations.request import ImageRequest, parse
from generations.storage import CheckedImage

PRICE_CREDITS = 15
MICROS = 1_000_000
_numbers = itertools.count(1)


def new_reference(cause: str = "made") -> str:
    return f"{cause}:{uuid.uuid4()}"


def an_organization(credits: int = 0, value_micros: int = 0, *, shop: Shop | None = None) -> Organization:
    """With its wallet, and `credits` that were paid with `value_micros`; of the first shop unless another is named."""
    number = next(_numbers)
    owner = person(f"owner{number}@studio.example")
    organization = create_organization(shop or first_shop(), f"Studio {number}", owner)
    if credits:
        ledger.top_up(
            organization.pk, credits, net_value_micros=value_micros, reference=new_reference(), actor="system"
        )
    return organization


def a_payment(
    organization: Organization, credits: int = 1000, amount_minor: int = 1000, **fields: Any
) -> Payment:
    """A purchase that nobody has paid yet, for $10.00 unless said otherwise."""
    shop = organization.shop
    account, _created = StripeAccount.objects.get_or_create(shop=shop, livemode=False)
    usual = {"kind": PaymentKind.CHECKOUT, "livemode": False, "actor": "system", "currency": shop.currency}
    return Payment.objects.create(
        shop=shop,
        account=account,
        organization=organization,
        credits=credits,
        amount_minor=amount_minor,
        **usual | fields,
    )


def a_paid_payment(organization: Organization, credits: int = 1000, amount_minor: int = 1000) -> Payment:
    """The same with its credits in the wallet, as if Stripe had said that it is paid."""
    payment = a_payment(organization, credits, amount_minor, session_id=f"cs_made_{next(_numbers)}")
    return payments.apply(payments.begin(payment.pk), that_is_paid(payment))


def that_is_paid(payment: Payment, **more: Any) -> Facts:
    """What Stripe says of a purchase that was paid, and `more`."""
    return Facts(
        status="paid",
        reference=payment.public_id,
        livemode=False,
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        charged_minor=payment.amount_minor,
        **more,
    )


def an_access(organization: Organization, *, livemode: bool = True) -> Access:
    """By a new API key."""
    key, _secret = create_api_key(organization, livemode=livemode)
    return access_of_key(key)


def a_request(prompt: str = "a lighthouse", **fields: Any) -> ImageRequest:
    return parse({"prompt": prompt, "aspect_ratio": "1:1", **fields})


def a_generation(access: Access, *, idempotency_key: str | None = None, n: int = 1) -> Generation:
    request = replace(a_request(), n=n)
    return lifecycle.submit(access, request, endpoint="test", idempotency_key=idempotency_key)


def a_claimed(access: Access, *, n: int = 1) -> Generation:
    """A generation that this test works on, as a worker that was rung would."""
    generation = lifecycle.claim(a_generation(access, n=n).pk)
    assert generation is not None
    return generation


def a_submitted(access: Access, provider: str = "sandbox", *, n: int = 1) -> tuple[Generation, Attempt]:
    """One whose upstream is about to be called."""
    generation = a_claimed(access, n=n)
    attempt = lifecycle.mark_submitted(generation, provider)
    assert attempt is not None
    return generation, attempt


def an_upstream(provider: str = "portal", **fields: Any) -> Upstream:
    """Of the first shop, under a name of its own; its address may lie inside, as whoever runs the shop may say."""
    fields = {
        "base_url": "http://127.0.0.1:9",
        "inside": True,
        "model_names": {"z-image-turbo": "z-image-turbo"},
    } | fields
    upstream = Upstream(shop=first_shop(), provider=provider, name=f"Upstream {next(_numbers)}")
    for name, value in fields.items():
        setattr(upstream, name, value)
    upstream.save()
    return upstream


def set_price(credits: int) -> None:
    ModelPrice.objects.update(credits=credits)


def wallet_of(organization: Organization) -> tuple[int, int, int, int]:
    """available, held, owed in credits, and value in millionths of the shop's currency."""
    wallet = Wallet.objects.get(organization=organization)
    return wallet.available, wallet.held, wallet.owed, wallet.value_micros


def open_tasks_of(organization: Organization) -> int:
    return Wallet.objects.get(organization=organization).open_tasks


def stored_images(generation: Generation, count: int, first: int = 0) -> list[lifecycle.Stored]:
    """As if `count` images, from index `first` on, had been stored; no file is behind them."""
    image = CheckedImage(b"\xff\xd8", "image/jpeg", "jpeg", generation.width, generation.height, "0" * 64)
    return [
        lifecycle.Stored(index, f"{generation.task_id}/{generation.claim}/{index}.jpeg", image)
        for index in range(first, first + count)
    ]


def ago(seconds: float) -> CombinedExpression:
    """So many seconds before the database's now: tests age rows, and move no clock."""
    return db_now() - datetime.timedelta(seconds=seconds)


def moment_as_written(milliseconds: int) -> Value:
    """A minute ago, at this part of a second, in as many digits as db_now() has in a column."""
    moment = read_db_now().replace(microsecond=milliseconds * 1000) - datetime.timedelta(seconds=60)
    if connection.vendor == "postgresql":
        return Value(moment)
    return Value(f"{moment:%Y-%m-%d %H:%M:%S}.{milliseconds:03d}", output_field=TextField())


def age(row: Generation | Attempt, **seconds: float) -> None:
    """Sets times of the row: `age(generation, lease_until=1)` lets its lease have ended a second ago."""
    rows = type(row).objects.filter(pk=row.pk)
    assert rows.update(**{name: ago(value) for name, value in seconds.items()}) == 1


def status_of(generation: Generation) -> tuple[str, str]:
    """Status and error type, as they are now."""
    row = Generation.objects.get(pk=generation.pk)
    return row.status, row.error_type


def all_have_ended() -> bool:
    ended = not Generation.objects.filter(finished_at=None).exists()
    connection.close()
    return ended


def settlements_of(generation: Generation) -> list[str]:
    entries = LedgerEntry.objects.filter(reference=generation.reference, kind__in=SETTLEMENTS)
    return list(entries.values_list("kind", flat=True))


def books_are_right() -> bool:
    """What the audit says, as this connection sees the database; for tests that do not commit."""
    with connection.cursor() as cursor:
        return audit.check(cursor) == []
