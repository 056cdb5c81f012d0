"""The Celery app. It only rings doorbells and keeps the beat: the rows are the queue."""

import logging.config
import os
import threading
from typing import Any

from celery import Celery, signals
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

TRANSPORT_ALIASES["filesystem"] = "config.broker:Transport"

app = Celery("tintype")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.beat_init.connect
def sweep_beside_the_beat(**_: Any) -> None:
    from generations import sweeper  # noqa: PLC0415 - models can be imported only once all apps are loaded

    sweeper.start(threading.Event())


@signals.setup_logging.connect
def log_as_django_does(**_: Any) -> None:
    logging.config.dictConfig(settings.LOGGING)
