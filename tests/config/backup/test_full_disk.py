"""A disk that is full in the middle of it: one line that says so, and everything is as before."""

import subprocess
import sys
from pathlib import Path

from config.backup.restoring import restore
from tests.config.backup.conftest import SmallShop
from tests.processes import ROOT, unmeasured

LIMIT_KIB = 200  # of each file; the database of a small shop is larger


def manage(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a process that may write no larger files, as on a disk that has no room for them."""
    environment = {
        name: value for name, value in unmeasured().items() if name not in ("DATABASE_URL", "REDIS_URL")
    }
    return subprocess.run(
        ["bash", "-c", f'ulimit -f {LIMIT_KIB}; exec "$@"', "bash", sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**environment, "DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def listed(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_backup_without_room_leaves_nothing(shop: SmallShop) -> None:
    assert (shop.folder / "tintype.sqlite3").stat().st_size > LIMIT_KIB * 1024
    around = listed(shop.target.parent)
    done = manage(shop.folder, "backup", str(shop.target))
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{shop.target} was not written: ")
    assert listed(shop.target.parent) == around


def test_a_restoring_without_room_leaves_no_shop(shop: SmallShop, tmp_path: Path) -> None:
    shop.back_up()
    empty = tmp_path / "empty"
    done = manage(empty, "restore", str(shop.target))
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{shop.target} was not restored: ")
    assert {path.name for path in empty.iterdir()} == {"secrets", "up.lock"}
    restore(shop.target, empty)
    assert (empty / "tintype.sqlite3").exists(), "Once there is room"
