"""What the beat rings for, and how often in seconds. Sweeps and what is watched run beside it
(generations/sweeper.py, config/watching/watcher.py)."""

from typing import Any


def schedule(sweep_s: float) -> dict[str, dict[str, Any]]:
    """`sweep_s`: settings.SWEEP_S."""
    return {
        "delete-old-images": {"task": "generations.tasks.delete_old_images", "schedule": 600.0},
        "credit-incidents": {
            "task": "generations.tasks.credit_incidents",
            "schedule": 5.0,  # somebody waits for it
        },
        "watch-balances": {
            "task": "billing.tasks.watch_balances",
            "schedule": 15.0,
            "options": {"queue": "webhooks"},
        },
        "erase-networks": {"task": "billing.tasks.erase_networks", "schedule": 3600.0},
        "send-mail": {
            "task": "accounts.tasks.send_mail",
            "schedule": 5.0,  # somebody waits for it
            "options": {"queue": "webhooks"},
        },
        "settle-payments": {"task": "billing.tasks.settle", "schedule": sweep_s},
        "top-up-automatically": {"task": "billing.tasks.top_up_automatically", "schedule": 2 * sweep_s},
        "reconcile-with-stripe": {
            "task": "billing.tasks.reconcile",
            "schedule": 300.0,
        },  # does it once an hour
        "check-books": {"task": "config.tasks.check_books", "schedule": 300.0},
        "sum-up-hours": {"task": "generations.tasks.sum_up_hours", "schedule": 300.0},
        "make-exports": {"task": "accounts.tasks.make_exports", "schedule": 15.0},
        "clear-sessions": {"task": "accounts.tasks.clear_sessions", "schedule": 3600.0},
        "forget-webhooks": {"task": "webhooks.tasks.forget_old", "schedule": 3600.0},
        "forget-unproven": {"task": "accounts.tasks.forget_unproven", "schedule": 3600.0},
        "close-organizations": {"task": "accounts.tasks.close_organizations", "schedule": 60.0},
    }
