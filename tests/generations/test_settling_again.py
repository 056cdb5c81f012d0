"""What an upstream has made is not thrown away because the books cannot be written at that moment."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from accounts.access import Access
from billing import audit
from generations import exchange, lifecycle, runner
from generations.models import Attempt, Image
from generations.providers.base import Job, OnProgress, Outcome, OutcomeKind
from tests.generations.providers import Upstream, upstream
from tests.makers import (
    a_generation,
    a_submitted,
    an_access,
    an_organization,
    settlements_of,
    status_of,
    stored_images,
)
from tests.upstream.server import picture


@pytest.fixture
def access(committed_db: None) -> Access:
    return an_access(an_organization(100))


class Lock:
    """Somebody else's lock on all wallets, which goes away when the runner says that it could not settle."""

    def __init__(self) -> None:
        settings = connection.settings_dict
        self._own: psycopg.Connection | sqlite3.Connection
        if connection.vendor == "postgresql":
            self._own = psycopg.connect(
                dbname=settings["NAME"],
                user=settings["USER"],
                password=settings["PASSWORD"],
                host=settings["HOST"],
                port=settings["PORT"],
            )
            self._own.execute("SELECT 1 FROM billing_wallet FOR UPDATE")
        else:
            with connection.cursor() as cursor:
                cursor.execute(
                    "PRAGMA busy_timeout = 50"
                )  # of the runner's connection, instead of ten seconds
            self._own = sqlite3.connect(Path(settings["NAME"]), check_same_thread=False)
            self._own.execute("BEGIN IMMEDIATE")

    def go_away(self) -> None:
        with closing(self._own) as own:
            own.rollback()


class ReleaseWhenTold(logging.Handler):
    def __init__(self, locks: list[Lock]) -> None:
        super().__init__()
        self._locks = locks
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())
        while self._locks:
            self._locks.pop().go_away()


def test_image_is_charged_and_delivered_although_its_wallet_was_locked(access: Access) -> None:
    locks: list[Lock] = []
    handler = ReleaseWhenTold(locks)
    generation = a_generation(access)

    def answer(_job: Job, _progress: OnProgress) -> Outcome:
        locks.append(Lock())
        return Outcome(OutcomeKind.OK, images=(picture(256, 256),))

    exchange.logger.addHandler(handler)
    try:
        with upstream(Upstream(answer)) as asked:
            runner.run(generation.pk)
    finally:
        exchange.logger.removeHandler(handler)
    assert len(handler.told) == 1
    assert "could not be settled, tried again" in handler.told[0]
    assert asked.called_with == [f"{generation.task_id}:1"]
    assert status_of(generation) == ("succeeded", "")
    assert settlements_of(generation) == ["capture"]
    assert Image.objects.filter(generation=generation).count() == 1
    assert audit.check_snapshot() == []


def test_commit_whose_answer_was_lost_is_not_taken_for_being_late(access: Access) -> None:
    generation, attempt = a_submitted(access)
    images = stored_images(generation, 1)
    assert lifecycle.succeed(generation, attempt, images)
    assert lifecycle.succeed(generation, attempt, images), "Else the runner would delete what was delivered"
    assert settlements_of(generation) == ["capture"]
    assert Image.objects.filter(generation=generation).count() == 1
    assert Attempt.objects.get(generation=generation).outcome == "ok"
    assert audit.check_snapshot() == []
