"""The operator's desk of money; found here by Django's admin."""

from billing.admin import events, gifts, packs, payments, wallets

__all__ = ["events", "gifts", "packs", "payments", "wallets"]
