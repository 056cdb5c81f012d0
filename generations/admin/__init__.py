"""The operator's pages for what is sold and who makes it; found here by Django's admin."""

from generations.admin import margin, orders, rules, upstreams, watching

__all__ = ["margin", "orders", "rules", "upstreams", "watching"]
