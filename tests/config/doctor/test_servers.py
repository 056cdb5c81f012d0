"""What the doctor says of the servers that a shop stands on."""

import datetime
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.db import connection
from pytest_django import Settings

from accounts.clock import read_db_now
from config.doctor import broker, database, mail
from tests.config.doctor.found import levels, trouble
from tests.mail import Mailbox
from tests.processes import free_port

TRIGGER = {
    "sqlite": "DROP TRIGGER billing_ledgerentry_no_update",
    "postgresql": "ALTER TABLE billing_ledgerentry DISABLE TRIGGER billing_ledgerentry_no_change",
}


@pytest.mark.django_db
def test_missing_migrations_and_triggers_are_errors() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TRIGGER[connection.vendor])
        [missing] = [finding for finding in database.look() if finding.level == "error"]
        assert "billing_ledgerentry_no_" in missing.what
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
        [waiting] = [finding for finding in database.look() if finding.level == "error"]
    assert waiting.what == "1 migrations are not applied, the first is sessions.0001_initial."
    assert waiting.cure == "Run: manage.py migrate"


@pytest.mark.django_db
def test_a_database_of_a_newer_release_is_told() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('billing', '9999_later', '2030-01-01')"
        )
    [newer] = [finding for finding in database.look() if "newer release" in finding.what]
    assert newer.level == "warning"


@pytest.mark.django_db
def test_a_server_that_forgets_in_a_power_cut_is_told() -> None:
    found = [finding.what for finding in database.look() if finding.level == "warning"]
    if connection.vendor == "postgresql":  # that of the tests is such a one
        assert [what.split(":")[0] for what in found] == ["fsync, full_page_writes off"]
    else:
        assert found == []


@pytest.mark.django_db
@pytest.mark.parametrize(("ahead_s", "level"), [(0.5, "ok"), (90, "warning"), (-90, "warning")])
def test_clocks_that_differ_are_told(monkeypatch: pytest.MonkeyPatch, ahead_s: float, level: str) -> None:
    monkeypatch.setattr(database, "read_db_now", lambda: read_db_now() + datetime.timedelta(seconds=ahead_s))
    found = database._clock()
    assert found.level == level
    assert ("90 s ahead of" if ahead_s > 1 else "90 s behind" if ahead_s < 0 else "agree") in found.what


def test_the_file_system_is_that_of_the_deepest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\nfiler:/x /srv nfs4 rw 0 0\nfiler:/y /srv/my\\040shop fuse.sshfs rw 0 0\n"
        "/dev/sdb /srvs xfs rw 0 0\n"
    )
    for path, kind in {
        "/a": "ext4",
        "/srv/a": "nfs4",
        "/srv/my shop/a/b": "fuse.sshfs",
        "/srvs/a": "xfs",
    }.items():
        assert database.file_system(Path(path), mounts) == kind
    assert database.file_system(Path("/a"), tmp_path / "absent") == ""
    assert "fuse.sshfs".startswith(database.NETWORK_FILE_SYSTEMS)
    assert not "ext4".startswith(database.NETWORK_FILE_SYSTEMS)


@pytest.fixture
def valkey(settings: Settings) -> Iterator[redis.Redis]:
    settings.REDIS_URL = os.environ["TEST_REDIS_URL"]
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client
        client.config_set("maxmemory", "0")
        client.config_set("maxmemory-policy", "noeviction")


def test_redis_that_drops_what_it_holds_is_an_error(valkey: redis.Redis) -> None:
    assert levels(broker.look) == ["ok"]
    valkey.config_set("maxmemory-policy", "allkeys-lru")
    assert trouble(broker.look).level == "warning", "Only once it has a limit"
    valkey.config_set("maxmemory", "100mb")
    assert trouble(broker.look).level == "error"


def test_redis_that_is_away_or_refuses_us_is_an_error(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://:hush@127.0.0.1:{free_port()}/0"
    assert "cannot be reached" in trouble(broker.look).what


def test_the_folder_in_place_of_redis_has_to_be_writable(settings: Settings, tmp_path: Path) -> None:
    settings.REDIS_URL = ""
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_in": str(tmp_path / "queue")}
    assert levels(broker.look) == ["ok"]
    (tmp_path / "file").touch()
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_in": str(tmp_path / "file" / "queue")}
    assert trouble(broker.look).level == "error"


def test_a_mail_server_is_greeted_and_signed_in_at_and_gets_no_mail(
    mailbox: Mailbox, settings: Settings
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "shop", "hush"
    assert levels(mail.look) == ["ok"]
    mailbox.refuses_login = True
    assert "refuses our user or password (535)" in trouble(mail.look).what
    assert mailbox.raw == []
    settings.EMAIL_PORT = free_port()
    assert "Connection refused" in trouble(mail.look).what


def test_a_mail_that_is_refused_is_an_error(mailbox: Mailbox) -> None:
    mailbox.unknown = {"nobody@shop.example"}
    assert levels(lambda: mail.send_one("nobody@shop.example")) == ["error"]
    mailbox.refuses = True
    assert levels(lambda: mail.send_one("me@shop.example")) == ["error"]
    assert mailbox.raw == []


def test_a_shop_for_customers_needs_a_mail_server(settings: Settings) -> None:
    settings.EMAIL_BACKEND = mail.FILES
    assert levels(mail.look) == ["ok"]
    settings.DEMO = False
    assert trouble(mail.look).level == "error"
