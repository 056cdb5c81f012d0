"""A small shop in a folder, that nobody runs; and where backups of it go."""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.backup.making import Made, make
from tests.accounts.commands import in_a_process
from tests.processes import CLEAN_SQLITE

IMAGE = b"\xff\xd8 as it was delivered"
KEY = "task_1/1/0.jpeg"


def add_row(database: sqlite3.Connection, table: str, **values: object) -> None:
    """With something harmless in every other column that must not be empty."""
    for _number, name, kind, needed, usual, is_key in database.execute(f"PRAGMA table_info({table})"):
        if needed and usual is None and not is_key and name not in values:
            values[name] = "2030-01-01 00:00:00" if kind == "datetime" else 0 if "int" in kind else name
    marks = ", ".join("?" * len(values))
    names = ", ".join(f'"{name}"' for name in values)
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))
    database.commit()


@dataclass(frozen=True, slots=True)
class SmallShop:
    folder: Path
    target: Path

    @property
    def image(self) -> Path:
        return self.folder / "images" / KEY

    def back_up(self) -> Made:
        return make(self.target, self.folder)

    def change(self, sql: str) -> None:
        with closing(sqlite3.connect(self.folder / "tintype.sqlite3")) as database:
            database.execute(sql)
            database.commit()


@pytest.fixture(scope="package")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, made = tmp_path_factory.mktemp("small") / "data", Path(os.environ["DATA_DIR"]) / CLEAN_SQLITE
    folder.mkdir()
    if made.exists():  # else this run has not come to a database yet
        shutil.copy(made, folder / "tintype.sqlite3")
    done = in_a_process("migrate", "-v0", DATA_DIR=str(folder), DATABASE_URL="", REDIS_URL="")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def shop(migrated: Path, tmp_path: Path) -> SmallShop:
    folder = tmp_path / "data"
    shutil.copytree(migrated, folder)
    shop = SmallShop(folder, tmp_path / "shop.tar")
    for name, content in {
        f"images/{KEY}": IMAGE,
        f"images/{KEY}.thumb.webp": b"made anew",
        "images/task_2/1/0.jpeg": b"of an order that is not in the books yet",
        "mails/1-00000000.eml": b"To: alice@studio.example",
        "broker/queue/ring.msg": b"{}",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "till").mkdir()
    with closing(sqlite3.connect(folder / "till" / "till.sqlite3")) as till:
        till.execute("CREATE TABLE objects (id TEXT)")
        till.execute("INSERT INTO objects VALUES ('cs_1')")
        till.commit()
    with closing(sqlite3.connect(folder / "tintype.sqlite3")) as database:
        digest = hashlib.sha256(IMAGE).hexdigest()
        add_row(database, "generations_image", storage_key=KEY, sha256=digest, public_id="img_1")
        add_row(database, "billing_stripeaccount", nonce="before", livemode=0)
    return shop
