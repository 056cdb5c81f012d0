"""The operator's desk of money."""

from billing.admin import events, packs, payments

__all__ = ["events", "packs", "payments"]
