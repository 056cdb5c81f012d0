"""Celery's doorbells of webhooks; the rows are the queue of record."""

from celery import shared_task

from accounts.ticks import one_at_a_time
from webhooks import courier, keeping


@shared_task(name="webhooks.tasks.deliver")
def deliver() -> None:
    courier.here().wake()


@shared_task(name="webhooks.tasks.forget_old")
@one_at_a_time
def forget_old() -> None:
    keeping.forget_old()
