"""Faults of every kind at random, in a shop that needs no server, under load."""

import random
from pathlib import Path

from pytest_django.plugin import DjangoDbBlocker

from tests import scale
from tests.databases import speaking_to
from tests.faults.chaos import faults_of_processes, faults_of_the_folder
from tests.faults.soak import SETTINGS, new_seed, soak
from tests.shop import start_elsewhere
from tests.upstream.running import running_upstream


def test_random_faults_lose_nothing_and_settle_everything_once(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    seed = new_seed()
    chance = random.Random(seed)
    database = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": tmp_path / "data" / "tintype.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 10},
    }
    with (
        running_upstream() as upstream,
        start_elsewhere(tmp_path, tmp_path / "data", **SETTINGS, **upstream.environment) as shop,
        django_db_blocker.unblock(),
        speaking_to(database),
    ):
        faults = faults_of_processes(shop, upstream, chance) | faults_of_the_folder(shop)
        soaked = soak(shop, seed, faults)
    scale.record("soak, embedded", soaked.faults, "faults")
    scale.record("soak, embedded: load", soaked.requests_per_second, "requests/s")
    scale.record("soak, embedded: accepted, ended and settled once", soaked.accepted, "orders")
    scale.record("soak, embedded: delivered", soaked.delivered, "orders")
    scale.record("soak, embedded: last answer to no open order", soaked.tail_s, "s", 30)
