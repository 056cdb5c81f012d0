"""kill -9 of `manage.py close_shop` in the middle of a step, again and again: each next one goes on, with the export
that was written, and in the end the shop is closed once, told of once, and its books are right.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from django.conf import settings
from django.db import connection

from accounts import shop_closing, shops
from accounts.models import AuditAction, AuditEvent, Organization, QueuedMail, Shop
from generations import lifecycle, runner
from generations.models import Image
from tests import scale
from tests.accounts.shops.steps import customer_of, harbour
from tests.cast import give_credits
from tests.faults.shop import environment
from tests.makers import a_request, an_access, books_are_right
from tests.processes import ROOT, free_port

# Stops at a step, before it or when it is done, for longer than anybody waits; says so first.
STOPS = """
import importlib, sys, time
import django
django.setup()
from django.core.management import call_command

module, name, when, *arguments = sys.argv[1:]
there = importlib.import_module(module)
step = getattr(there, name)

def stops(*positional, **named):
    if when == "after":
        step(*positional, **named)
    print("in the middle", flush=True)
    time.sleep(600)

setattr(there, name, stops)
call_command(*arguments)
"""
# Those of the everyday run come first.
POINTS = (
    ("config.shop_export", "_write_archive", "after"),
    ("accounts.privacy.closing", "_blank", "after"),
    ("accounts.mail.circulars", "begin", "after"),
    ("config.shop_end", "_let_open_tasks_end", "before"),
    ("config.shop_export", "_write_ledger", "after"),
    ("config.shop_export", "verify", "before"),
    ("accounts.shop_closing", "note_export", "before"),
    ("accounts.shop_closing", "note_export", "after"),
    ("accounts.privacy.closing", "_part_with_people", "after"),
    ("accounts.privacy.closing", "_erase_origins", "before"),
    ("config.shop_end", "_let_refunds_end", "before"),
    ("accounts.shop_closing", "finish", "after"),
)
IN_THEIR_ORDER = (2, 3, 4, 0, 5, 6, 7, 8, 9, 1, 10, 11)


def its_environment() -> dict[str, str]:
    names = ("DATABASE_URL", "REDIS_URL") if connection.vendor == "postgresql" else ()
    changes = {name: os.environ[name] for name in names} | {"DEMO": "1"}
    return environment(Path(settings.DATA_DIR), free_port(), **changes)


def command(shop: Shop, folder: Path) -> list[str]:
    return ["close_shop", shop.slug, "--export", str(folder), "--now", "--wait", "0"]


def kill_at(point: tuple[str, str, str], shop: Shop, folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STOPS, *point, *command(shop, folder)],
        cwd=ROOT,
        env=its_environment(),
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    with process.stdout:
        assert b"in the middle\n" in iter(process.stdout.readline, b""), point
        process.kill()
        process.wait()


def test_killed_at_every_step_it_is_ended_by_the_last_call(committed_db: None, tmp_path: Path) -> None:
    folder, shop = tmp_path / "exports", harbour()
    dora, erin = customer_of(shop), customer_of(shop, "erin@studio.example")
    give_credits(dora.organization, 100)
    runner.run(lifecycle.submit(an_access(dora.organization), a_request("a portrait"), endpoint="test").pk)
    number = scale.count(2, len(POINTS))
    for index in [one for one in IN_THEIR_ORDER if one < number]:
        kill_at(POINTS[index], shop, folder)
        known = shop_closing.digest_of_export(shop)
        assert bool(known) or not Organization.objects.filter(closed_at__isnull=False).exists()
        assert books_are_right()
    done = subprocess.run(
        [sys.executable, "manage.py", *command(shop, folder)],
        cwd=ROOT,
        env=its_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, f"{shop.slug} is closed." in done.stdout) == (0, True), done.stderr
    shop.refresh_from_db()
    assert shop.closed_at is not None
    assert not Organization.objects.filter(shop=shop, closed_at=None).exists()
    assert not Image.objects.filter(deleted_at=None).exists()
    told = QueuedMail.objects.filter(template="shop_closing").values_list("to", flat=True)
    assert sorted(told) == sorted([dora.user.email, erin.user.email])
    [event] = AuditEvent.objects.filter(action=AuditAction.SHOP_EXPORTED)
    assert event.details["sha256"] == shop_closing.digest_of_export(shop)
    assert AuditEvent.objects.filter(action=AuditAction.SHOP_CLOSED).count() == 1
    for person in (dora, erin):
        archive = folder / shop.slug / "organizations" / f"{person.organization.slug}.zip"
        with zipfile.ZipFile(archive) as found:
            assert json.loads(found.read("members.json"))[0]["email"] == person.user.email
    assert not list(folder.glob("*.part"))
    assert books_are_right()
    shops.forget()
