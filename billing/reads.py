"""Balances for pages and APIs above. Reads only."""

from dataclasses import dataclass

from billing.models import Wallet


@dataclass(frozen=True, slots=True)
class Balance:
    """In credits."""

    available: int
    held: int
    owed: int


def balance(organization_id: int) -> Balance:
    wallet = Wallet.objects.only("available", "held", "owed").get(organization_id=organization_id)
    return Balance(wallet.available, wallet.held, wallet.owed)
