"""A backup that is made while customers order is a whole shop, which opens elsewhere and goes on."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from generations import storage
from tests.accounts.commands import in_a_process
from tests.faults.ordering import one_after_another
from tests.processes import free_port
from tests.shop import RunningShop, start_elsewhere
from tests.waiting import wait_until

SETTINGS = {
    "MAX_OPEN_TASKS": "10000",
    "RATE_LIMIT_PER_MINUTE": "100000",
    "RATE_LIMIT_BURST": "10000",
    "RATE_LIMIT_READ_PER_MINUTE": "100000",
    "RATE_LIMIT_READ_BURST": "10000",
    # What was being made when the backup was taken is made again once its lease is over, at the place it opens.
    "LEASE_S": "5",
    "SWEEP_S": "0.5",
}


def rows(data_dir: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(data_dir / "tintype.sqlite3")) as database:
        return database.execute(sql).fetchall()


def images_at(data_dir: Path) -> set[str]:
    folder = data_dir / "images"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.jpeg")}


def succeeded(shop: RunningShop, key: str, task_id: str) -> bool:
    _, _, body = shop.ask("GET", f"/api/status?task_id={task_id}", key)
    return bool(body["data"]["status"] == "SUCCESS")


def test_a_backup_made_under_orders_opens_elsewhere_and_lost_nothing(tmp_path: Path) -> None:
    first, second, file = tmp_path / "first", tmp_path / "second", tmp_path / "shop.tar"
    till = {"TILL": "1", "TILL_PORT": str(free_port())}
    with start_elsewhere(tmp_path, first, **SETTINGS, **till) as shop:
        key = shop.key(shop.organization("Studio", 100_000))
        with one_after_another(shop, key) as orders:
            wait_until(lambda: len(images_at(first)) >= 5, "some images", timeout_s=60)
            images_then = images_at(first)
            wait_until(lambda: len(images_at(first)) > len(images_then) + 3, "more images", timeout_s=60)
            accepted = list(orders.accepted)
            said = shop.say("backup", str(file))
            count = len(orders.accepted)
            wait_until(lambda: len(orders.accepted) > count, "an order after the backup", timeout_s=60)
        secrets = {path.name: path.read_bytes() for path in (first / "secrets").iterdir()}
    assert "It holds every secret" in said
    assert file.stat().st_mode & 0o777 == 0o600

    done = in_a_process("restore", str(file), DATA_DIR=str(second), DATABASE_URL="", REDIS_URL="")
    assert (done.code, done.err) == (0, ""), done
    assert {path.name: path.read_bytes() for path in (second / "secrets").iterdir()} == secrets
    assert set(accepted) <= {
        task_id for (task_id,) in rows(second, "SELECT task_id FROM generations_generation")
    }
    images = rows(second, "SELECT storage_key, sha256 FROM generations_image")
    delivered: dict[str, str] = dict(images)
    assert images_at(second) == set(delivered), "Every row has its file, every file its row"
    for name, digest in delivered.items():
        assert storage.check((second / "images" / name).read_bytes()).sha256 == digest
    assert set(delivered) - images_then, "Files copied before the rows would have missed some"
    with closing(sqlite3.connect(second / "till" / "till.sqlite3")) as its:
        assert its.execute("SELECT count(*) FROM objects").fetchone()[0] > 0
    check = in_a_process("check_ledger", "--full", DATA_DIR=str(second), DATABASE_URL="", REDIS_URL="")
    assert (check.code, check.out.strip()) == (0, "ok"), check

    (tmp_path / "again").mkdir()
    with start_elsewhere(tmp_path / "again", second, **SETTINGS, **till) as shop:
        for task_id in accepted:
            wait_until(lambda: succeeded(shop, key, task_id), f"{task_id} after the restoring", timeout_s=60)  # noqa: B023
        assert shop.say("check_ledger", "--full") == "ok"
        refused = shop.manage("restore", str(file))
        assert refused.returncode == 1
        assert "so there may be a shop in it" in refused.stderr
