"""Celery's doorbells for money. They take ids and only call domain code; the rows are the queue of record."""

from celery import shared_task

from billing import welcome


@shared_task(name="billing.tasks.erase_networks")
def erase_networks() -> None:
    welcome.erase_networks()
