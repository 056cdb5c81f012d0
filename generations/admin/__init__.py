"""The operator's pages for what is sold and who makes it; found here by Django's admin."""

from generations.admin import orders, rules, upstreams, watching

__all__ = ["orders", "rules", "upstreams", "watching"]
