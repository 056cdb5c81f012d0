"""Books in which everything happened once, and each way to break them, with the rules that name it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import F, QuerySet

from accounts.access import Access
from accounts.models import Organization
from accounts.shops import first_shop
from billing import ledger
from billing.models import (
    SETTLEMENTS,
    EntryKind,
    HandSettlement,
    KeyUsage,
    LedgerEntry,
    Payment,
    PaymentStep,
    StripeAccount,
    Wallet,
)
from generations import lifecycle
from generations.models import Generation, Image, UpstreamState
from tests.billing import broken_gifts, broken_remedies
from tests.generations.wholesale.sellers import a_reseller
from tests.makers import (
    a_generation,
    a_paid_payment,
    a_submitted,
    an_access,
    an_organization,
    an_upstream,
    stored_images,
)

LIVE_RULE = "live_generation_is_not_held_or_settled_as_its_status_says"


@dataclass(frozen=True)
class Books:
    """Generations in each state, made without a key; and one by a key, and one in test mode."""

    organization: Organization
    paid: Payment
    queued: Generation
    succeeded: Generation
    failed: Generation
    by_key: Generation
    in_test_mode: Generation


def some_books() -> Books:
    organization = an_organization(100, 1000)
    paid = a_paid_payment(organization)
    page = Access(organization, frozenset({"generate"}), "user:1", livemode=True)
    succeeded, attempt = a_submitted(page)
    assert lifecycle.succeed(succeeded, attempt, stored_images(succeeded, 1))
    failed, attempt = a_submitted(page)
    assert lifecycle.fail(failed, "generation_failed", attempt=attempt, outcome="failed")
    by_key = a_generation(an_access(organization))
    lifecycle.cancel(by_key)
    in_test_mode = a_generation(an_access(organization, livemode=False))
    return Books(organization, paid, a_generation(page), succeeded, failed, by_key, in_test_mode)


def change_wallet(books: Books, **by: int) -> None:
    Wallet.objects.filter(organization=books.organization).update(
        **{name: F(name) + n for name, n in by.items()}
    )


def settlement_of(generation: Generation) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(reference=generation.reference, kind__in=SETTLEMENTS)


def unlike_the_entries(column: str) -> Callable[[Books], None]:
    return lambda books: change_wallet(books, **{column: 1})


def both_owing_and_rich(books: Books) -> None:
    LedgerEntry.objects.filter(kind=EntryKind.TOP_UP, reference__startswith="made:").update(owed=5)
    change_wallet(books, owed=5)


def no_wallet(books: Books) -> None:
    Organization.objects.create(shop=first_shop(), slug="poor", name="Poor")


def settled_in_part(books: Books) -> None:
    settlement_of(books.failed).update(held=-14, available=14)
    change_wallet(books, held=1, available=-1)


def settled_without_a_hold(books: Books) -> None:
    settlement_of(books.failed).update(reference="test:1")


def settled_twice(books: Books) -> None:
    LedgerEntry.objects.create(
        wallet=books.organization.wallet,
        kind=EntryKind.RELEASE,
        available=15,
        held=-15,
        reference=books.succeeded.reference,
        actor="system",
    )
    change_wallet(books, available=15, held=-15, open_tasks=-1)


def hold_of_the_organization(reference: Callable[[Books], str]) -> Callable[[Books], None]:
    return lambda books: ledger.hold(
        books.organization.pk, 1, reference=reference(books), actor="system", key_id=None
    )


def another_price(books: Books) -> None:
    Generation.objects.filter(pk=books.queued.pk).update(price_credits=16)


def another_payer(books: Books) -> None:
    Generation.objects.filter(pk=books.queued.pk).update(organization=an_organization())


def ended_unsettled(books: Books) -> None:
    Generation.objects.filter(pk=books.queued.pk).update(status="canceled")


def settled_but_open(books: Books) -> None:
    Generation.objects.filter(pk=books.failed.pk).update(status="running")


def failed_but_paid(books: Books) -> None:
    Image.objects.filter(generation=books.succeeded).delete()
    Generation.objects.filter(pk=books.succeeded.pk).update(status="failed")


def delivered_less_than_paid(books: Books) -> None:
    Generation.objects.filter(pk=books.succeeded.pk).update(n=2)


def delivered_though_failed(books: Books) -> None:
    Image.objects.filter(generation=books.succeeded).update(generation=books.failed)


def a_place_too_many(books: Books) -> None:
    upstream = an_upstream()
    UpstreamState.objects.filter(upstream=upstream).update(in_flight=1)


def usage(column: str) -> Callable[[Books], None]:
    def add_one(books: Books) -> None:
        KeyUsage.objects.filter(key=books.by_key.key).update(**{column: F(column) + 1})

    return add_one


def payment_says(**changes: int) -> Callable[[Books], None]:
    def change(books: Books) -> None:
        Payment.objects.filter(pk=books.paid.pk).update(
            **{name: F(name) + by for name, by in changes.items()}
        )

    return change


def another_step(**changes: int) -> Callable[[Books], None]:
    """Of the payment, together with what the payment says."""

    def change(books: Books) -> None:
        payment_says(**{PAYMENT_COLUMNS[name]: by for name, by in changes.items()})(books)
        PaymentStep.objects.filter(payment=books.paid).update(
            **{name: F(name) + by for name, by in changes.items()}
        )

    return change


PAYMENT_COLUMNS = {"credits": "credited", "value_micros": "value_micros"}


def settled_by_nobody(books: Books) -> None:
    Payment.objects.filter(pk=books.paid.pk).update(status="settled")


def settled_and_paid(books: Books) -> None:
    HandSettlement.objects.create(payment=books.paid, problem="x", reason="x", actor="staff:x")


def step_without_entry(books: Books) -> None:
    PaymentStep.objects.filter(payment=books.paid).update(reference="payment:lost")


def credited_without_a_step(books: Books) -> None:
    ledger.top_up(books.organization.pk, 5, net_value_micros=0, reference="payment:0:1", actor="system")


def sold_by_another_shop(books: Books) -> None:
    Payment.objects.filter(pk=books.paid.pk).update(shop=a_reseller())


def paid_on_another_account(books: Books) -> None:
    account = StripeAccount.objects.create(shop=a_reseller(), livemode=books.paid.livemode)
    Payment.objects.filter(pk=books.paid.pk).update(account=account)


CASES: list[tuple[Callable[[Books], None], set[str]]] = [
    (payment_says(credited=-1), {"payment_is_not_the_sum_of_its_steps"}),
    (payment_says(value_micros=1), {"payment_is_not_the_sum_of_its_steps"}),
    (another_step(credits=-1), {"payment_step_is_not_its_entry"}),
    (another_step(value_micros=-1), {"payment_step_is_not_its_entry"}),
    (settled_by_nobody, {"payment_is_settled_by_nobody"}),
    (settled_and_paid, {"payment_is_settled_by_nobody"}),
    (step_without_entry, {"payment_step_is_not_its_entry", "payment_entry_has_no_step"}),
    (sold_by_another_shop, {"payment_is_not_of_one_shop"}),
    (paid_on_another_account, {"payment_is_not_of_one_shop"}),
    (credited_without_a_step, {"payment_entry_has_no_step"}),
    (a_place_too_many, {"upstream_does_not_work_on_what_its_attempts_say"}),
    (no_wallet, {"organization_has_no_wallet"}),
    *(
        (unlike_the_entries(column), {"wallet_is_not_the_sum_of_its_entries"})
        for column in ("available", "held", "value_micros")
    ),
    (
        unlike_the_entries("owed"),
        {"wallet_is_not_the_sum_of_its_entries", "wallet_is_in_an_impossible_state"},
    ),
    (unlike_the_entries("open_tasks"), {"wallet_open_tasks_are_not_its_open_holds"}),
    (both_owing_and_rich, {"wallet_is_in_an_impossible_state"}),
    (settled_in_part, {"settlement_does_not_match_its_hold"}),
    (
        settled_without_a_hold,
        {"settlement_does_not_match_its_hold", "open_hold_without_an_open_generation", LIVE_RULE},
    ),
    (settled_twice, {"reference_is_settled_twice", LIVE_RULE}),
    (hold_of_the_organization(lambda _: "mystery:1"), {"hold_has_no_known_cause"}),
    (hold_of_the_organization(lambda _: "generation:lost"), {"open_hold_without_an_open_generation"}),
    (
        hold_of_the_organization(lambda books: books.in_test_mode.reference),
        {"test_generation_touched_the_wallet"},
    ),
    (another_price, {LIVE_RULE}),
    (another_payer, {LIVE_RULE}),
    (ended_unsettled, {LIVE_RULE, "open_hold_without_an_open_generation"}),
    (settled_but_open, {LIVE_RULE}),
    (failed_but_paid, {LIVE_RULE, "capture_is_not_the_price_of_what_was_delivered"}),
    (delivered_less_than_paid, {"capture_is_not_the_price_of_what_was_delivered"}),
    (
        delivered_though_failed,
        {"capture_is_not_the_price_of_what_was_delivered", "delivery_does_not_fit_its_status"},
    ),
    (usage("open_tasks"), {"key_usage_is_not_what_its_generations_say"}),
    (usage("lifetime_credits"), {"key_has_not_spent_what_its_generations_cost"}),
    *broken_gifts.CASES,
    *broken_remedies.CASES,
]
