"""The Celery app. It only rings doorbells and keeps the beat: the rows are the queue."""

import logging.config
import os
import threading
from typing import Any

from celery import Celery, signals
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

from config import worker  # noqa: F401 - it connects to Celery's signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# They import every page and the desk, 30 MB; `manage.py up` and every other command has run them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

TRANSPORT_ALIASES["filesystem"] = "config.broker:Transport"

app = Celery("tintype")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class BrokerUnreachable(Exception):
    """The text says why, and bears no secrets."""


def reach_broker() -> None:
    """Takes about a second at most, as its socket timeouts say. Raises BrokerUnreachable."""
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=0, timeout=1)
            channel: Any = connection.default_channel
            channel.queue_declare(settings.CELERY_TASK_DEFAULT_QUEUE)
    except Exception as error:
        raise BrokerUnreachable(type(error).__name__) from error


@signals.beat_init.connect
def sweep_and_watch_beside_the_beat(**_: Any) -> None:
    from config.watching import watcher  # noqa: PLC0415 - models can be imported only once all apps are loaded
    from generations import sweeper  # noqa: PLC0415 - see above

    sweeper.start(threading.Event())
    watcher.start(threading.Event())


@signals.setup_logging.connect
def log_as_django_does(**_: Any) -> None:
    logging.config.dictConfig(settings.LOGGING)
