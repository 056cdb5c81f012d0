"""The operator's pages for what is sold and who makes it; found here by Django's admin."""

from generations.admin import (
    generations,
    incidents,
    margin,
    orders,
    rules,
    sold,
    task_deeds,
    upstreams,
    watching,
)

__all__ = [
    "generations",
    "incidents",
    "margin",
    "orders",
    "rules",
    "sold",
    "task_deeds",
    "upstreams",
    "watching",
]
