"""Vouchers and welcome credits that were given once, and each way to break what is written of them."""

from collections.abc import Callable
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Concat

from billing import ledger, vouchers
from billing.models import LedgerEntry, Redemption, Voucher, Welcome
from tests.billing.gifts import a_voucher, owner_of
from tests.generations.wholesale.sellers import a_reseller
from tests.makers import an_organization


def a_redemption() -> Redemption:
    organization = an_organization()
    vouchers.redeem(organization, owner_of(organization), a_voucher().code)
    return Redemption.objects.select_related("organization").latest("pk")


def a_welcome() -> Welcome:
    organization = an_organization()
    welcome = Welcome.objects.create(
        organization=organization, reference=f"welcome:{owner_of(organization).uuid}", credits=50
    )
    ledger.grant(organization.pk, 50, reference=welcome.reference, actor="system")
    return welcome


def entry_of(given: Redemption | Welcome) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(reference=given.reference)


def another_amount(given: Redemption | Welcome) -> None:
    type(given)._base_manager.filter(pk=given.pk).update(credits=F("credits") + 1)


def another_organization(given: Redemption | Welcome) -> None:
    type(given)._base_manager.filter(pk=given.pk).update(organization=an_organization())


def granted_to_nobody(given: Redemption | Welcome) -> None:
    entry_of(given).update(reference=Concat("reference", Value("0")))


def broken(make: Callable[[], Redemption | Welcome], by: Callable[[Any], None]) -> Callable[[object], None]:
    return lambda _books: by(make())


def redeemed_once_more(given: Redemption) -> None:
    Voucher.objects.filter(pk=given.voucher_id).update(redeemed=F("redeemed") + 1)


def of_another_shop(given: Redemption) -> None:
    Voucher.objects.filter(pk=given.voucher_id).update(shop=a_reseller())


REDEEMED, WELCOMED = "redemption_is_not_what_was_granted", "welcome_is_not_what_was_granted"
CASES: list[tuple[Callable[[object], None], set[str]]] = [
    (broken(a_redemption, another_amount), {REDEEMED}),
    (broken(a_redemption, another_organization), {REDEEMED}),
    (broken(a_redemption, granted_to_nobody), {REDEEMED, "voucher_brought_credits_without_a_redemption"}),
    (broken(a_redemption, redeemed_once_more), {"voucher_is_not_redeemed_as_often_as_it_says"}),
    (broken(a_redemption, of_another_shop), {"voucher_was_redeemed_in_another_shop"}),
    (broken(a_welcome, another_amount), {WELCOMED}),
    (broken(a_welcome, another_organization), {WELCOMED}),
    (broken(a_welcome, granted_to_nobody), {WELCOMED, "somebody_was_welcomed_without_a_row"}),
]
