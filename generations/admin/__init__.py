"""The operator's pages for what is sold and who makes it; found here by Django's admin."""

from generations.admin import incidents, orders, rules, task_deeds, tasks, upstreams

__all__ = ["incidents", "orders", "rules", "task_deeds", "tasks", "upstreams"]
