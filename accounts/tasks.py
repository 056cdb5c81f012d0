"""Celery's doorbells of people; the rows are the queue of record."""

from importlib import import_module

from celery import shared_task
from django.conf import settings

from accounts import audit, standing_in
from accounts.mail import alerts, outbox
from accounts.privacy import closing, exports
from accounts.signing import sessions, unproven
from accounts.ticks import each_for_itself, one_at_a_time


@shared_task(name="accounts.tasks.send_mail")
def send_mail() -> None:
    each_for_itself(alerts.send_due, outbox.send_due)


@shared_task(name="accounts.tasks.make_exports")
@one_at_a_time
def make_exports() -> None:
    exports.make_due()
    exports.expire()


@shared_task(name="accounts.tasks.close_organizations")
@one_at_a_time
def close_organizations() -> None:
    closing.close_due()


@shared_task(name="accounts.tasks.clear_sessions")
@one_at_a_time
def clear_sessions() -> None:
    """Of whoever did not come back, and where people were long ago: else it would lie around for ever."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    sessions.forget_dead()
    standing_in.end_expired()
    audit.forget_origins()


@shared_task(name="accounts.tasks.forget_unproven")
@one_at_a_time
def forget_unproven() -> None:
    if unproven.forget_old():
        closing.close_due()
