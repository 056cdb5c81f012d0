"""The operator's desk of money; found here by Django's admin."""

from billing.admin import credit_deeds, events, gifts, packs, payments, stripe_page, wallets

__all__ = ["credit_deeds", "events", "gifts", "packs", "payments", "stripe_page", "wallets"]
