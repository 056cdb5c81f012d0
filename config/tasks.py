"""Celery's doorbells of what needs several apps."""

import logging

from celery import shared_task

from accounts.clock import read_db_now
from accounts.ticks import one_at_a_time
from billing import books
from config.watching import alarms, meters

logger = logging.getLogger(__name__)


@shared_task(name="config.tasks.check_books")
@one_at_a_time
def check_books() -> None:
    """As `manage.py check_ledger`: what came since the last time that all agreed."""
    findings = books.look_if_due()
    if findings is None:
        return
    for finding in findings:
        logger.error("The books do not agree: %s", finding)
    meters.keep(meters.BOOKS_FINDINGS, len(findings))
    meters.keep(meters.BOOKS_CHECKED, int(read_db_now().timestamp()))
    alarms.settle(alarms.BOOKS, alarms.books_trouble(findings))
