"""Makes a backup of a shop that may run meanwhile."""

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

from django.db.backends.sqlite3._functions import (  # type: ignore[import-untyped] # it states none
    register,
)

from config.backup import COUNTED, DATABASE, FORMAT, MANIFEST, MEMBER, SECRETS, SUMS, TILL, Refusal


@dataclass(slots=True)
class Made:
    """`gone`: images that were deleted while the backup was made; `damaged`: those whose bytes are not those that were
    delivered; `without`: what belongs to the shop and is not in the file, for people to read.
    """

    counts: dict[str, int] = field(default_factory=dict)
    byte_size: int = 0
    gone: int = 0
    damaged: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)


def make(target: Path, data_dir: Path, *, bucket: str = "") -> Made:
    """Writes `target` whole or not at all, mode 0600. `bucket`: where the images are, if not in `data_dir`.

    Raises Refusal or OSError.
    """
    if target.exists():
        raise Refusal(f"{target} is there already. Name another file, or remove it.")
    if not (data_dir / DATABASE).exists():
        raise Refusal(f"{data_dir} holds no shop. Name its folder: DATA_DIR=/path.")
    part, scratch = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.scratch")
    with _only_one(part) as file:
        try:
            shutil.rmtree(scratch, ignore_errors=True)  # of one that was cut off
            scratch.mkdir(mode=0o700)
            made = _Making(file, scratch, data_dir, bucket).run()
            file.flush()
            os.fsync(file.fileno())
            made.byte_size = file.tell()
            part.rename(target)
            _fsync_folder(target.parent)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return made


@contextlib.contextmanager
def _only_one(part: Path) -> Iterator[IO[bytes]]:
    """The file, empty; a killed backup's is taken over, since its lock went with it."""
    with open(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(f"Another backup is being made: {part} is in use. Wait for its end.") from None
        os.fchmod(file.fileno(), 0o600)  # it holds every secret
        file.truncate(0)
        yield file


class _Making:
    def __init__(self, file: IO[bytes], scratch: Path, data_dir: Path, bucket: str) -> None:
        self._scratch = scratch
        self._data_dir = data_dir
        self._bucket = bucket
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed by run()
        self._sums = (scratch / SUMS).open("w+", encoding="ascii")
        self._made = Made()

    def run(self) -> Made:
        """The database first, and what it speaks of afterwards: an image is stored before its row is committed, so
        every row of the copy has its file unless that was deleted meanwhile, as its row would say soon. The other way
        round, images that were charged in between would be rows without files. Likewise the till, which may know more
        purchases than the shop, since those are fetched, but not fewer.
        """
        made = self._made
        copy = self._scratch / DATABASE
        _copy_database(self._data_dir / DATABASE, copy)
        with self._sums, contextlib.closing(sqlite3.connect(copy)) as database:
            made.counts = {name: _count(database, table) for name, table in COUNTED.items()}
            migrations = _migrations(database)
            self._add(DATABASE, copy)
            self._add_images(database)
            if (self._data_dir / TILL).exists():
                _copy_database(self._data_dir / TILL, self._scratch / "till.sqlite3")
                self._add(TILL, self._scratch / "till.sqlite3")
            for folder in ("mails", "secrets"):
                self._add_folder(folder)
            made.without += [f"{name}, which is in the environment" for name in SECRETS if _is_set(name)]
            self._sums.flush()
            sums = (self._scratch / SUMS).read_bytes()
            self._add_text(SUMS, sums)
            manifest = {
                "format": FORMAT,
                "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "migrations": migrations,
                "counts": made.counts,
                "without": made.without,
                "sums_sha256": hashlib.sha256(sums).hexdigest(),
            }
            self._add_text(MANIFEST, json.dumps(manifest, indent=1).encode())
        self._tar.close()
        return made

    def _add_images(self, database: sqlite3.Connection) -> None:
        """Those that the copy has rows for, and no others: nobody would ever delete them. Thumbnails are made anew."""
        if self._bucket:
            self._made.without.append(f"images and exports, which are in the bucket {self._bucket}")
            return
        kept = database.execute(
            "SELECT storage_key, sha256 FROM generations_image WHERE deleted_at IS NULL ORDER BY id"
        )
        count = 0
        for key, delivered in kept:
            found = self._add(f"images/{key}", self._data_dir / "images" / key)
            count += found is not None
            self._made.gone += found is None
            if found not in (None, delivered):
                self._made.damaged.append(key)
        self._made.counts["images"] = count
        ready = database.execute("SELECT folder FROM accounts_dataexport WHERE state = 'ready' ORDER BY id")
        for (folder,) in ready:
            self._add_folder(f"images/{folder}")

    def _add_folder(self, folder: str) -> None:
        for path in sorted((self._data_dir / folder).glob("*")):
            name = f"{folder}/{path.name}"
            if not MEMBER.fullmatch(name) or not path.is_file():
                self._made.without.append(f"{name}, which is not of this shop's making")
            else:
                self._add(name, path)

    def _add(self, name: str, path: Path) -> str | None:
        """Its SHA-256 in hex; None when it is gone. Files here are replaced and removed, never written to."""
        if not MEMBER.fullmatch(name):
            raise Refusal(f"{name} is no name for a file of a shop. Look where it comes from.")
        try:
            source = path.open("rb")
        except FileNotFoundError:
            return None
        with source:
            status = os.fstat(source.fileno())
            reader = _Digesting(source)
            self._tar.addfile(_member(name, status.st_size, status.st_mtime), reader)
        digest = reader.digest.hexdigest()
        self._sums.write(f"{digest}  {name}\n")
        return digest

    def _add_text(self, name: str, text: bytes) -> None:
        now = datetime.datetime.now(datetime.UTC).timestamp()
        self._tar.addfile(_member(name, len(text), now), BytesIO(text))


class _Digesting:
    """Reads through, and knows the digest of what was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


def _member(name: str, size: int, modified_at: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, int(modified_at), 0o600
    return member


def _copy_database(source: Path, target: Path) -> None:
    """As it was at one moment: in one step, under which writers go on. Raises Refusal when it is damaged."""
    with (
        contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, timeout=10)) as live,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)
        register(copy)  # rows are checked as well, by functions of Django's
        copy.execute("PRAGMA journal_mode=DELETE")  # one file; the shop sets it back
        [state] = copy.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise Refusal(
                f"{source} is damaged ({' '.join(state.split())}). Keep what backups you have; look at that disk."
            )


def _count(database: sqlite3.Connection, table: str) -> int:
    [count] = database.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - of constants
    return int(count)


def _migrations(database: sqlite3.Connection) -> dict[str, str]:
    """The latest of each app: what release it takes to read this."""
    return dict(database.execute("SELECT app, max(name) FROM django_migrations GROUP BY app ORDER BY app"))


def _is_set(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
