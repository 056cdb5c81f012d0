"""What a backup holds, what it says of what is wrong, and that it is whole or not there."""

import fcntl
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from config.backup import Refusal
from config.backup.making import make
from tests.accounts.commands import in_a_process
from tests.config.backup.conftest import KEY, SmallShop


def test_it_holds_what_the_shop_is_and_nothing_that_is_made_anew(shop: SmallShop) -> None:
    made = shop.back_up()
    with tarfile.open(shop.target) as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile("manifest.json") or pytest.fail("no manifest"))
    assert names == [
        "tintype.sqlite3",
        f"images/{KEY}",
        "till/till.sqlite3",
        "mails/1-00000000.eml",
        "secrets/credentials_key",
        "secrets/secret_key",
        "secrets/till_secret",
        "SHA256SUMS",
        "manifest.json",
    ]
    assert made.counts == {"organizations": 0, "people": 0, "entries": 0, "orders": 0, "images": 1}
    assert manifest["counts"] == made.counts
    assert manifest["migrations"]["sessions"] == "0001_initial"
    assert made.byte_size == shop.target.stat().st_size
    assert shop.target.stat().st_mode & 0o777 == 0o600, "It holds every secret"
    assert [path.name for path in shop.target.parent.iterdir() if path.is_file()] == ["shop.tar"]


def test_everybody_can_verify_it_without_the_shop(shop: SmallShop, tmp_path: Path) -> None:
    shop.back_up()
    subprocess.run(["tar", "-xf", str(shop.target)], cwd=tmp_path, check=True)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)


def test_images_that_went_or_were_damaged_are_told(shop: SmallShop) -> None:
    shop.image.write_bytes(b"something else")
    assert shop.back_up().damaged == [KEY]
    shop.target.unlink()
    shop.image.unlink()
    made = shop.back_up()
    assert (made.gone, made.damaged, made.counts["images"]) == (1, [], 0)


def test_what_belongs_to_the_shop_and_is_elsewhere_is_told(
    shop: SmallShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_KEY", "x" * 40)
    (shop.folder / "secrets" / ".swp").touch()
    made = make(shop.target, shop.folder, bucket="our-images")
    assert made.without == [
        "images and exports, which are in the bucket our-images",
        "secrets/.swp, which is not of this shop's making",
        "CREDENTIALS_KEY, which is in the environment",
    ]


def test_one_that_is_there_is_never_written_over(shop: SmallShop) -> None:
    shop.target.write_text("yesterday's")
    with pytest.raises(Refusal, match="is there already"):
        shop.back_up()
    assert shop.target.read_text() == "yesterday's"


def test_two_at_once_are_one_too_many_and_what_a_killed_one_left_is_taken_over(shop: SmallShop) -> None:
    part = shop.target.with_name("shop.tar.part")
    scratch = shop.target.with_name("shop.tar.scratch")
    scratch.mkdir()
    (scratch / "tintype.sqlite3").write_text("half")
    with part.open("w") as other:
        other.write("half of it")
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Refusal, match="Another backup is being made"):
            shop.back_up()
    shop.back_up()
    assert not part.exists()
    assert not scratch.exists()
    assert tarfile.is_tarfile(shop.target)


def test_a_damaged_database_is_refused_and_leaves_nothing(shop: SmallShop) -> None:
    database = shop.folder / "tintype.sqlite3"
    content = bytearray(database.read_bytes())
    content[8192:16384] = b"\xff" * 8192
    database.write_bytes(content)
    done = in_a_process("backup", str(shop.target), DATA_DIR=str(shop.folder), DATABASE_URL="", REDIS_URL="")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1, done.err
    assert not list(shop.target.parent.glob("shop.tar*"))


def test_a_folder_without_a_shop_and_a_place_that_is_not_there_are_refused(
    shop: SmallShop, tmp_path: Path
) -> None:
    with pytest.raises(Refusal, match="holds no shop"):
        make(shop.target, tmp_path)
    done = in_a_process(
        "backup", str(tmp_path / "absent" / "x"), DATA_DIR=str(shop.folder), DATABASE_URL="", REDIS_URL=""
    )
    assert (done.code, done.out) == (1, "")
    assert done.err.strip().endswith("was not written: No such file or directory.")


def test_with_postgresql_it_says_how_and_does_nothing(tmp_path: Path) -> None:
    server = {"DATABASE_URL": "postgresql://shop:hush@127.0.0.1:1/shop", "DATA_DIR": str(tmp_path)}
    for command, tool in (("backup", "pg_dump"), ("restore", "pg_restore")):
        done = in_a_process(command, str(tmp_path / "shop.tar"), **server)
        assert done.code == 1
        assert tool in done.out
        assert "hush" not in done.out + done.err
        [line] = done.err.splitlines()
        assert line.startswith("Nothing was")
    assert not (tmp_path / "shop.tar").exists()
