"""A backup comes back whole, into a folder without a shop, or nothing happens."""

import io
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from config import preflight
from config.backup import Refusal
from config.backup.restoring import restore
from tests.config.backup.conftest import IMAGE, KEY, SmallShop


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """As any command of ours leaves an empty folder."""
    (tmp_path / "empty" / "secrets").mkdir(parents=True)
    (tmp_path / "empty" / "secrets" / "secret_key").write_text("made by this very command")
    return tmp_path / "empty"


def listed(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_comes_back_for_its_user_alone(shop: SmallShop, empty: Path) -> None:
    shop.back_up()
    restore(shop.target, empty)
    assert (empty / "images" / KEY).read_bytes() == IMAGE
    for name in ("secrets/secret_key", "secrets/credentials_key", "mails/1-00000000.eml"):
        assert (empty / name).read_bytes() == (shop.folder / name).read_bytes()
    with closing(sqlite3.connect(empty / "till" / "till.sqlite3")) as till:
        assert till.execute("SELECT id FROM objects").fetchall() == [("cs_1",)]
    assert {path.stat().st_mode & 0o077 for path in empty.glob("[ilmt]*/**")} == {0}
    assert (empty / "secrets.before-1" / "secret_key").read_text() == "made by this very command"
    assert not (empty / "restoring").exists()
    with pytest.raises(Refusal, match="so there may be a shop in it"):
        restore(shop.target, empty)


def test_numbers_that_are_given_away_again_look_new_to_stripe(shop: SmallShop, empty: Path) -> None:
    shop.back_up()
    restore(shop.target, empty)
    with closing(sqlite3.connect(empty / "tintype.sqlite3")) as database:
        [(nonce,)] = database.execute("SELECT nonce FROM billing_stripeaccount").fetchall()
    assert nonce != "before"
    assert len(nonce) == 16


@pytest.mark.parametrize("name", ["tintype.sqlite3", "images/task_1/1/0.jpeg", "mails/x.eml", "note.txt"])
def test_where_anything_is_nothing_is_restored(shop: SmallShop, empty: Path, name: str) -> None:
    shop.back_up()
    (empty / name).parent.mkdir(parents=True, exist_ok=True)
    (empty / name).write_text("somebody's")
    before = listed(empty)
    with pytest.raises(Refusal, match="Name an empty folder"):
        restore(shop.target, empty)
    assert listed(empty) == before


def test_where_a_shop_is_being_opened_nothing_is_restored(shop: SmallShop, empty: Path) -> None:
    shop.back_up()
    with preflight.lock_data_dir(empty), pytest.raises(Refusal, match="Already running"):
        restore(shop.target, empty)
    restore(shop.target, empty)


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def without_its_end(file: Path) -> None:
    """Cut between two members."""
    with tarfile.open(file) as tar:
        end = tar.getmember("SHA256SUMS").offset
    file.write_bytes(file.read_bytes()[:end] + bytes(10_240))


def bit_flipped(file: Path) -> None:
    with tarfile.open(file) as tar:
        place = tar.getmember(f"images/{KEY}").offset_data
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def something_else(file: Path) -> None:
    file.write_bytes(b"\x28\xb5\x2f\xfd" + b"no tar" * 1000)


def with_another(name: str, **fields: object) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        changed = file.with_suffix(".changed")
        with tarfile.open(file) as old, tarfile.open(changed, "w") as new:
            for member in old:
                new.addfile(member, old.extractfile(member))
                if member.name == "tintype.sqlite3":
                    more = tarfile.TarInfo(name)
                    more.size = 4
                    for field, value in fields.items():
                        setattr(more, field, value)
                    new.addfile(more, io.BytesIO(b"evil") if more.isreg() else None)
        shutil.move(changed, file)

    change.__name__ = name
    return change


@pytest.mark.parametrize(
    "damage",
    [
        truncated,
        without_its_end,
        bit_flipped,
        emptied,
        something_else,
        with_another("../evil"),
        with_another("/tmp/evil-of-a-backup"),
        with_another("images/../../evil"),
        with_another("images/link", type=tarfile.SYMTYPE, linkname="/etc/passwd", size=0),
        with_another("images/task_9/1/0.jpeg"),
        with_another("tintype.sqlite3"),
        with_another("up.lock"),
    ],
    ids=lambda damage: damage.__name__.replace("/", "_"),
)
def test_what_is_not_exactly_as_it_was_made_is_refused_and_changes_nothing(
    shop: SmallShop, empty: Path, damage: Callable[[Path], None]
) -> None:
    shop.back_up()
    damage(shop.target)
    around = listed(empty.parent)
    with pytest.raises(Refusal, match="no backup of a shop, or is damaged or cut short"):
        restore(shop.target, empty)
    assert listed(empty.parent) - {"empty/up.lock"} == around
    assert not Path("/tmp/evil-of-a-backup").exists()


def test_one_of_a_newer_release_is_refused(shop: SmallShop, empty: Path) -> None:
    shop.change(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('billing', '9999_later', '2030-01-01')"
    )
    shop.back_up()
    with pytest.raises(Refusal, match=r"billing\.9999_later is unknown here"):
        restore(shop.target, empty)
    assert listed(empty) == {"secrets/secret_key", "up.lock"}


def test_the_file_may_lie_in_the_folder_itself(shop: SmallShop, empty: Path) -> None:
    shop.back_up()
    shop.target.rename(empty / "shop.tar")
    restore(empty / "shop.tar", empty)
    assert (empty / "tintype.sqlite3").exists()
