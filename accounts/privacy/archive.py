"""An archive of any size, written in parts: each lies in the images storage as soon as it is full. Or into a file.

That storage is what web and workers share, on one machine or many; and no more than a part is ever in memory, when it
is written as when it is sent.
"""

import json
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.core.serializers.json import DjangoJSONEncoder

PART_BYTES = 16 * 1024 * 1024
BLOCK_BYTES = 256 * 1024


class PartWriter:
    """A file that can only be written to."""

    def __init__(self, folder: str) -> None:
        self.count = 0
        self.byte_size = 0
        self._folder = folder
        self._pending = bytearray()

    def write(self, data: bytes) -> int:
        self._pending += data
        while len(self._pending) >= PART_BYTES:
            self._store(bytes(self._pending[:PART_BYTES]))
            del self._pending[:PART_BYTES]
        return len(data)

    def flush(self) -> None:
        """A part is stored when it is full, or by close()."""

    def close(self) -> None:
        if self._pending:
            self._store(bytes(self._pending))
            self._pending.clear()

    def _store(self, data: bytes) -> None:
        _images().save(_name(self._folder, self.count), ContentFile(data))
        self.count += 1
        self.byte_size += len(data)


class Archive:
    """A ZIP in the making, whole once its `with` was left. Documents are compressed, files are not: images are."""

    def __init__(self, parts: PartWriter | BinaryIO) -> None:
        # Of a PartWriter: it takes for a stream what it cannot seek in.
        self._zip = zipfile.ZipFile(parts, "w")
        self._parts = parts

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._zip.close()
            self._parts.close()
        else:
            self._zip.fp = None  # else it would write its end when it is collected

    def add_document(self, name: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """A JSON array; how many rows it holds."""
        count = 0
        with self._zip.open(_entry(name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as file:
            file.write(b"[")
            for row in rows:
                file.write((b",\n" if count else b"\n") + _as_json(row))
                count += 1
            file.write(b"\n]\n")
        return count

    def add_object(self, name: str, value: Mapping[str, Any]) -> None:
        self._zip.writestr(_entry(name, zipfile.ZIP_DEFLATED), _as_json(value, indent=2) + b"\n")

    def add_file(self, name: str, data: bytes) -> None:
        self._zip.writestr(_entry(name, zipfile.ZIP_STORED), data)


class Reader:
    """The bytes of an archive, a block at a time. Raises OSError at once when it is gone, or its storage away."""

    def __init__(self, folder: str, count: int) -> None:
        self._names = [_name(folder, number) for number in range(count)]
        if not _images().exists(self._names[0]):
            raise FileNotFoundError(folder)

    def __iter__(self) -> Iterator[bytes]:
        for name in self._names:
            with _images().open(name) as file:
                while block := file.read(BLOCK_BYTES):
                    yield block


def remove(folder: str) -> None:
    """All parts of an archive, whole or not; gone is fine. Raises OSError."""
    if not folder:
        return
    images = _images()
    with suppress(FileNotFoundError):
        for name in images.listdir(folder)[1]:
            images.delete(f"{folder}/{name}")


def _entry(name: str, compression: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.gmtime()[:6])
    entry.compress_type = compression
    return entry


def _as_json(value: Mapping[str, Any], indent: int | None = None) -> bytes:
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=indent)
    return text.encode("utf-8", "backslashreplace")  # half a character, as JSON writes it


def _images() -> Storage:
    return storages["images"]


def _name(folder: str, number: int) -> str:
    return f"{folder}/{number:05}"
