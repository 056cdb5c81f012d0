"""The operator's pages for what is sold and who makes it; found here by Django's admin."""

from generations.admin import generations, orders, rules, sold, upstreams

__all__ = ["generations", "orders", "rules", "sold", "upstreams"]
