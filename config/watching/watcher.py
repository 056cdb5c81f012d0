"""Counts and looks for what is wrong, in a thread beside Celery's beat: it has to work while workers do not."""

import logging
import threading

from django.db import connection

from accounts.mail import alerts, outbox
from config.watching import alarms, meters

logger = logging.getLogger(__name__)

EVERY_S = 15.0
# Also the mails: whoever else sends them may be what does not work. Each is sent by one.
STEPS = (meters.count, alarms.look, alerts.send_due, outbox.send_due)


def start(stop: threading.Event, every_s: float = EVERY_S) -> threading.Thread:
    """At once, then again and again until `stop` is set."""
    thread = threading.Thread(target=_watch_until, args=(stop, every_s), name="watcher", daemon=True)
    thread.start()
    return thread


def _watch_until(stop: threading.Event, every_s: float) -> None:
    while not stop.is_set():
        watch()
        stop.wait(every_s)
    connection.close()


def watch() -> None:
    for step in STEPS:
        try:
            step()
        except Exception:
            logger.exception("The watcher could not do all; it tries again")
            connection.close()
