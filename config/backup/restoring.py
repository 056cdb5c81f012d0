"""Brings a backup back, into a folder without a shop. Nothing is moved into place before all of it was verified."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
from pathlib import Path
from typing import IO, Any

from django.db.migrations.loader import MigrationLoader

from config import preflight
from config.backup import DATABASE, FORMAT, MANIFEST, MEMBER, SUMS, Refusal

STAGE = "restoring"
SECRETS_BEFORE = "secrets.before-"
# What any command leaves in an empty folder, and what nothing depends on.
NO_SHOP = {"secrets", "static", "static.stamp", "up.lock", "broker", "lost+found", STAGE}
CHUNK = 1 << 20
MAX_TEXT_BYTES = 1 << 30


def restore(file: Path, data_dir: Path) -> dict[str, Any]:
    """The backup's manifest. Raises Refusal or OSError; then `data_dir` is as it was."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_unless_empty(data_dir, file)
    try:
        lock = preflight.lock_data_dir(data_dir)
    except preflight.Refusal as refusal:
        raise Refusal(str(refusal)) from refusal
    stage = data_dir / STAGE
    with lock:
        _refuse_unless_empty(data_dir, file)
        shutil.rmtree(stage, ignore_errors=True)  # of one that was cut off
        stage.mkdir(mode=0o700)
        try:
            manifest = _unpack(file, stage)
            _make_fit(stage / DATABASE)
            os.sync()
            _move_into_place(stage, data_dir)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return manifest


def _refuse_unless_empty(data_dir: Path, file: Path) -> None:
    for path in sorted(data_dir.iterdir()):
        if (
            path.name in NO_SHOP
            or path.resolve() == file.resolve()
            or (path.is_dir() and not any(path.iterdir()))
        ):
            continue
        raise Refusal(
            f"{data_dir} holds {path.name}, so there may be a shop in it. Name an empty folder: DATA_DIR=/path."
        )


def _unpack(file: Path, stage: Path) -> dict[str, Any]:
    sums, texts = hashlib.sha256(), dict[str, bytes]()
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                source = tar.extractfile(member) if member.isreg() else None
                if source is None or texts.keys() >= {SUMS, MANIFEST}:
                    raise _no_backup(file)
                if member.name in (SUMS, MANIFEST) and member.size <= MAX_TEXT_BYTES:
                    texts[member.name] = source.read()
                elif MEMBER.fullmatch(member.name) and not texts:
                    digest = _write(source, stage / member.name)
                    sums.update(f"{digest}  {member.name}\n".encode())
                else:
                    raise _no_backup(file)
    except (tarfile.TarError, FileExistsError, EOFError) as broken:
        raise _no_backup(file) from broken
    try:
        manifest: dict[str, Any] = json.loads(texts[MANIFEST])
        is_whole = (
            hashlib.sha256(texts[SUMS]).hexdigest() == manifest["sums_sha256"] == sums.hexdigest()
            and (stage / DATABASE).exists()
        )
        form = manifest["format"]
    except (KeyError, TypeError, ValueError) as broken:
        raise _no_backup(file) from broken
    if form != FORMAT:
        raise Refusal(f"{file} was made by a newer release. Restore it with that release.")
    if not is_whole:
        raise _no_backup(file)
    return manifest


def _no_backup(file: Path) -> Refusal:
    return Refusal(f"{file} is no backup of a shop, or is damaged or cut short. Take another one.")


def _write(source: IO[bytes], target: Path) -> str:
    """The SHA-256, in hex, of what was written."""
    digest = hashlib.sha256()
    _make_folder(target.parent)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)  # by mkdir's `parents` they would not be ours alone
        folder.mkdir(mode=0o700)


def _make_fit(database: Path) -> None:
    """Raises Refusal for one that this release does not understand."""
    known = set(MigrationLoader(None).disk_migrations or {})
    ours = {app for app, _name in known}
    with contextlib.closing(sqlite3.connect(database)) as rows:
        applied = set(rows.execute("SELECT app, name FROM django_migrations"))
        newer = sorted(name for name in applied if name[0] in ours and name not in known)
        if newer:
            raise Refusal(
                f"The backup is a newer release's: {'.'.join(newer[0])} is unknown here. Restore it with that release."
            )
        # Numbers that were given away after the backup are given once more: at Stripe they must not look the same.
        if "nonce" in [column[1] for column in rows.execute("PRAGMA table_info(billing_stripeaccount)")]:
            rows.execute("UPDATE billing_stripeaccount SET nonce = lower(hex(randomblob(8)))")
            rows.commit()


def _move_into_place(stage: Path, data_dir: Path) -> None:
    """The database last: until then there is no shop here that could be opened."""
    _keep_secrets(data_dir / "secrets")
    for path in sorted(stage.iterdir(), key=lambda path: path.name == DATABASE):
        target = data_dir / path.name
        if target.is_dir():
            target.rmdir()
        path.rename(target)
    # Rings of whatever was here before.
    shutil.rmtree(data_dir / "broker", ignore_errors=True)
    descriptor = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_secrets(folder: Path) -> None:
    """Out of the way, not away: most likely this very command made them, but they may be another shop's only copy."""
    if folder.exists():
        number = 1
        while folder.with_name(f"{SECRETS_BEFORE}{number}").exists():
            number += 1
        folder.rename(folder.with_name(f"{SECRETS_BEFORE}{number}"))
