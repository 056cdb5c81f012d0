"""Celery's doorbells for mail; the rows are the queue of record."""

from celery import shared_task

from accounts import alerts, outbox


@shared_task(name="accounts.tasks.send_mail")
def send_mail() -> None:
    alerts.send_due()
    outbox.send_due()
