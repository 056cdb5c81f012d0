"""What was given for orders once, and each way to break what is written of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db.models import F, QuerySet

from billing.models import LedgerEntry, Wallet
from generations import incidents, remedies
from generations.models import Generation, IncidentShare
from tests.generations.hurt import an_incident
from tests.makers import an_organization, new_reference
from tests.operators import doer

if TYPE_CHECKING:
    from tests.billing.broken_books import Books

Break = Callable[["Books"], None]


def gifts(cause: str) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(reference__startswith=f"{cause}:")


def another_amount(entries: QuerySet[LedgerEntry]) -> None:
    """In entry and wallet, so that these two agree."""
    [entry] = entries
    entries.update(available=F("available") + 1)
    Wallet.objects.filter(pk=entry.wallet_id).update(available=F("available") + 1)


def for_nothing(entries: QuerySet[LedgerEntry]) -> None:
    """The cause stays, what it is of is nowhere."""
    [entry] = entries
    entries.update(reference=f"{entry.reference[:-4]}lost")


# --- An incident --------------------------------------------------------------------------------


def incident(books: "Books", credits_each: int | None = None) -> QuerySet[IncidentShare]:
    """The share of the books' organization in all that has failed there."""
    found = an_incident(credits_each=credits_each)
    incidents.start(found, doer())
    assert incidents.run_due() >= 1
    return IncidentShare.objects.filter(incident=found, organization=books.organization)


def own_gift(books: "Books") -> QuerySet[LedgerEntry]:
    return gifts("incident").filter(wallet=books.organization.wallet)


def share_of_more(books: "Books") -> None:
    incident(books).update(credits=F("credits") + 1)


def share_of_another_order(books: "Books") -> None:
    incident(books, credits_each=5).update(tasks=F("tasks") + 1)


def no_share(books: "Books") -> None:
    incident(books).delete()


def more_than_its_price(books: "Books") -> None:
    share = incident(books)
    another_amount(own_gift(books))
    share.update(credits=F("credits") + 1)


def for_an_unknown_order(books: "Books") -> None:
    incident(books)
    for_nothing(own_gift(books))


# --- One order ----------------------------------------------------------------------------------


def made_again(books: "Books") -> QuerySet[LedgerEntry]:
    remedies.retry(Generation.objects.get(pk=books.failed.pk), doer())
    return gifts("retry")


def goodwill(books: "Books") -> QuerySet[LedgerEntry]:
    remedies.credit(books.failed, 5, doer())
    return gifts("goodwill")


def then(
    given: Callable[["Books"], QuerySet[LedgerEntry]], by: Callable[[QuerySet[LedgerEntry]], None]
) -> Break:
    return lambda books: by(given(books))


def of_another_cause(entries: QuerySet[LedgerEntry]) -> None:
    entries.update(reference=new_reference("manual"))


def of_another_kind(entries: QuerySet[LedgerEntry]) -> None:
    entries.update(kind="top_up")


def for_somebody_else_s(entries: QuerySet[LedgerEntry]) -> None:
    [entry] = entries
    task_id = entry.reference.partition(":")[2]
    failed = Generation.objects.get(task_id=task_id)
    wallet = an_organization().wallet
    entries.update(wallet=wallet)
    Wallet.objects.filter(pk=wallet.pk).update(available=F("available") + entry.available)
    Wallet.objects.filter(organization=failed.organization_id).update(
        available=F("available") - entry.available
    )


def not_made_again(books: "Books") -> None:
    made_again(books)
    Generation.objects.filter(retry_of=books.failed).update(retry_of=None)


GIFT, SHARE = "incident_gift_is_not_what_the_incident_gives", "incident_share_is_not_what_was_granted"
AGAIN, NOT_AGAIN = "order_made_again_is_not_what_was_granted", "credits_for_an_order_made_again_without_one"
GOODWILL = "goodwill_for_an_order_that_is_not_its_organization_s"
CASES: list[tuple[Break, set[str]]] = [
    (share_of_more, {SHARE}),
    (share_of_another_order, {SHARE}),
    (no_share, {GIFT}),
    (more_than_its_price, {GIFT}),
    (for_an_unknown_order, {GIFT}),
    (then(made_again, another_amount), {AGAIN}),
    (then(made_again, of_another_cause), {AGAIN}),
    (then(made_again, for_somebody_else_s), {AGAIN}),
    (then(made_again, of_another_kind), {AGAIN, NOT_AGAIN}),
    (not_made_again, {NOT_AGAIN}),
    (then(goodwill, for_nothing), {GOODWILL}),
    (then(goodwill, of_another_kind), {GOODWILL}),
    (then(goodwill, for_somebody_else_s), {GOODWILL}),
]
