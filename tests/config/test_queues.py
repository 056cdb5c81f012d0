"""A queue's messages are its own, on the broker of this run, and a queue that does not exist is an error."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery.exceptions import QueueNotFound
from django.conf import settings

from config.celery import app
from generations import doorbell
from webhooks import doorbell as webhook_doorbell

QUEUES = ["default", "poll", "gpu", "webhooks"]


@pytest.fixture
def channel() -> Iterator[Any]:
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        purge(channel)
        yield channel
        purge(channel)


def purge(channel: Any) -> None:
    for name in QUEUES:
        channel.queue_declare(name)
        channel.queue_purge(name)


def waiting(channel: Any) -> dict[str, int]:
    return {name: channel.queue_declare(name).message_count for name in QUEUES}


@pytest.mark.parametrize("name", QUEUES)
@pytest.mark.django_db
def test_message_waits_in_the_queue_it_was_sent_to_and_in_no_other(channel: Any, name: str) -> None:
    empty = dict.fromkeys(QUEUES, 0)
    assert waiting(channel) == empty
    app.send_task("nobody.knows", queue=name)
    assert waiting(channel) == empty | {name: 1}


@pytest.mark.django_db
def test_each_ring_waits_in_a_queue_of_its_own(channel: Any) -> None:
    rung = [doorbell.publish(1), doorbell.publish(-1), doorbell.publish_poll(), webhook_doorbell.publish()]
    assert rung == [True] * 4
    assert waiting(channel) == dict.fromkeys(QUEUES, 1)


def test_mistyped_queue_is_an_error() -> None:
    with pytest.raises(QueueNotFound):
        app.send_task("nobody.knows", queue="defualt")


def test_a_worker_takes_one_message_ahead_for_each_thread_and_stores_no_results() -> None:
    assert settings.CELERY_WORKER_PREFETCH_MULTIPLIER == 1
    assert app.conf.task_ignore_result
    assert not app.conf.task_acks_late
