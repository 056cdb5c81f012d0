"""The export of a shop, in a folder of this machine: how it was set up, an archive for each organization, its ledger.

    FOLDER/<short name>/shop.json
                        ledger.csv
                        organizations/<short name>.zip
                        manifest.json       every file with its size and SHA-256; written last

It appears whole or not at all: it is written beside, and renamed.
"""

import csv
import datetime
import hashlib
import io
import json
import math
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.serializers.json import DjangoJSONEncoder

from accounts import shop_closing
from accounts.audit_log import defused
from accounts.models import Organization, Shop
from accounts.privacy import archive, exports
from accounts.privacy.export_rows import in_batches
from billing import export_rows

MANIFEST = "manifest.json"
COLUMNS = ("organization", "at", "kind", "available", "held", "owed", "reference", "actor")
CONTENTS = "contents.json"  # what every archive ends with


class Damaged(Exception):
    """What lies in the folder is not the export of this shop, or not all of it. The text says what."""


def write(shop: Shop, folder: Path) -> str:
    """The SHA-256 of the manifest. One of the same closing that lies there already, without anything deleted since, is
    written anew: what was under way may have ended. Raises OSError, and Damaged for whatever else lies there.
    """
    target, beside = folder / shop.slug, folder / f".{shop.slug}.part"
    shutil.rmtree(beside, ignore_errors=True)  # what somebody left who broke off
    if target.exists():
        verify(shop, folder)
        target.rename(beside)  # at once, so that it is never there in part
        shutil.rmtree(beside)
    (beside / "organizations").mkdir(mode=0o700, parents=True)
    beside.chmod(0o700)
    _write_json(beside / "shop.json", dict(shop_closing.sections(shop)))
    _write_ledger(shop, beside / "ledger.csv")
    for organization in in_batches(shop_closing.organizations_of(shop)):
        _write_archive(organization, beside / "organizations" / f"{organization.slug}.zip")
    files = {str(path.relative_to(beside)): _facts(path) for path in _files(beside)}
    manifest = {"shop": shop.slug, "closing_at": shop.closing_at, "files": files}
    _write_json(beside / MANIFEST, manifest)
    beside.rename(target)
    _sync(folder)
    return verify(shop, folder)


def verify(shop: Shop, folder: Path) -> str:
    """The SHA-256 of the manifest, after every file was read anew. Raises Damaged."""
    target = folder / shop.slug
    try:
        text = (target / MANIFEST).read_bytes()
        manifest = json.loads(text)
        files, begun = dict(manifest["files"]), manifest["closing_at"]
    except (OSError, ValueError, KeyError, TypeError):
        raise Damaged(f"{target} holds no whole export of {shop.slug}.") from None
    if manifest.get("shop") != shop.slug or begun != _as_text(shop.closing_at):
        raise Damaged(f"{target} is of another shop, or of an earlier closing.")
    for name, facts in files.items():
        path = target / name
        if not path.is_file() or _facts(path) != facts:
            raise Damaged(f"{path} is gone, or is not what was written.")
        if path.suffix == ".zip" and not _is_whole(path):
            raise Damaged(f"{path} cannot be read.")
    return hashlib.sha256(text).hexdigest()


# --- Files ----------------------------------------------------------------------------------------


def _write_archive(organization: Organization, path: Path) -> None:
    with _new(path) as file, archive.Archive(file) as target:
        exports.fill(target, organization, exports.Pace(), most_files=math.inf, most_bytes=math.inf)


def _write_ledger(shop: Shop, path: Path) -> None:
    """Closed organizations too, under the names that are left of them."""
    with _new(path) as file:
        text = io.TextIOWrapper(file, "utf-8", newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for organization in in_batches(Organization.objects.filter(shop=shop)):
            for row in export_rows.entries(organization):
                told = {**row, "organization": organization.slug, "at": _as_text(row["at"])}
                writer.writerow([defused(str(told[name])) for name in COLUMNS])
        text.flush()
        text.detach()


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    with _new(path) as file:
        file.write(text.encode("utf-8", "backslashreplace") + b"\n")


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """For its owner's eyes alone, and on the disk when this ends."""
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file:
        yield file
    _sync(path)


def _sync(path: Path) -> None:
    """A file, or what a folder says of those in it."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _is_whole(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as found:
            return found.testzip() is None and CONTENTS in found.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def _as_text(time: datetime.datetime | None) -> str | None:
    """As JSON has it."""
    text: str | None = json.loads(json.dumps(time, cls=DjangoJSONEncoder))
    return text
