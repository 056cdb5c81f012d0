"""Image files: what may be stored, where it lies, and the signed addresses that open it. No ORM here."""

import logging
import os
import re
import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.utils.crypto import constant_time_compare, salted_hmac
from PIL import Image

logger = logging.getLogger(__name__)

MAX_IMAGE_BYTES: Final = 32 * 1024 * 1024
MAX_IMAGE_PIXELS: Final = 4096 * 4096
THUMBNAIL_SIDE_PIXELS: Final = 384
THUMBNAIL_EXTENSION: Final = "thumb.webp"
CONTENT_TYPES: Final = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
END_MARKERS: Final = {"jpeg": b"\xff\xd9", "png": b"IEND\xae\x42\x60\x82"}
SIGNING_PURPOSE: Final = "generations.storage.signed_address"
ADDRESS_NAME = re.compile(r"(?P<image_id>[A-Za-z0-9_-]{1,64})\.(?P<extension>jpeg|png|webp|thumb\.webp)")


# --- What may be stored --------------------------------------------------------------------------


class UnusableImage(Exception):
    """The bytes are no still PNG, JPEG or WebP that we want to keep; the text says why."""


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """A file that decoded to its last pixel. Sides in pixels, `sha256` in hex."""

    data: bytes
    content_type: str
    extension: str
    width: int
    height: int
    sha256: str


def check(data: bytes) -> CheckedImage:
    """Decode `data`, whatever it is. Raises UnusableImage, and nothing else, unless all of it is an image."""
    if len(data) > MAX_IMAGE_BYTES:
        raise UnusableImage(f"{len(data)} bytes: more than {MAX_IMAGE_BYTES}")
    try:
        extension, width, height = _decode(data)
    except UnusableImage:
        raise
    except Exception as error:  # decoders raise whatever a hostile file makes them raise
        raise UnusableImage(f"not a readable PNG, JPEG or WebP: {type(error).__name__}") from error
    return CheckedImage(data, CONTENT_TYPES[extension], extension, width, height, sha256(data).hexdigest())


def _decode(data: bytes) -> tuple[str, int, int]:
    image = Image.open(BytesIO(data), formats=("PNG", "JPEG", "WEBP"))
    # The header is enough to refuse a decompression bomb, before a pixel of it is unpacked.
    if image.width * image.height > MAX_IMAGE_PIXELS:
        raise UnusableImage(f"{image.width}x{image.height} pixels: too many")
    extension = (image.format or "").lower()
    if extension not in CONTENT_TYPES or getattr(image, "n_frames", 1) != 1:
        raise UnusableImage(f"{image.format}: not one still PNG, JPEG or WebP")
    # Decoders stop at the last pixel, and forgive what is missing or damaged behind it.
    if not data.rstrip(b"\0\r\n").endswith(END_MARKERS.get(extension, b"")):
        raise UnusableImage("truncated: no end marker")
    if extension == "png":
        image.verify()  # the checksums, which decoding ignores
        image = Image.open(BytesIO(data), formats=("PNG",))
    image.load()
    return extension, image.width, image.height


# --- Where it lies -------------------------------------------------------------------------------


class DurableFileSystemStorage(FileSystemStorage):
    """A local folder in which a file, once save() returned, is whole and survives a power cut.

    Saving under a name that exists replaces the file in one step, as object stores do.
    """

    def __init__(self, location: str | Path | None = None, base_url: str | None = None) -> None:
        super().__init__(location, base_url, file_permissions_mode=0o600, directory_permissions_mode=0o700)

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: "File[Any]") -> str:
        path = Path(self.path(name))
        partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = self._create(partial)
        try:
            with open(descriptor, "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            self._prune(path)
            raise
        _fsync_folder(path.parent)
        return name

    def _create(self, path: Path) -> int:
        """Open a new file. Its folder may vanish in between, when delete() prunes it: make it again."""
        for _ in range(100):
            self._make_folder(path.parent)
            with suppress(FileNotFoundError):
                return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        raise FileNotFoundError(path.parent)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        if folder != folder.parent:
            self._make_folder(folder.parent)
        with suppress(FileExistsError, FileNotFoundError):  # another worker was first, or pruned the parent
            folder.mkdir(mode=0o700)
            _fsync_folder(folder.parent)

    def delete(self, name: str) -> None:
        """Remove the file, what a crash left of attempts to write it, and the folders this empties."""
        super().delete(name)
        path = Path(self.path(name))
        for partial in path.parent.glob(f".{path.name}.*"):
            partial.unlink(missing_ok=True)
        self._prune(path)

    def _prune(self, path: Path) -> None:
        """Remove the folders above `path` that are empty."""
        root = Path(self.location)
        for folder in path.parents:
            if folder == root or root not in folder.parents:
                return
            with suppress(OSError):  # not empty, or gone
                folder.rmdir()


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _images() -> Storage:
    return storages["images"]


def is_far() -> bool:
    """Whether each look at it is a request to another machine."""
    return bool(getattr(_images(), "is_far", False))


def store(task_id: str, claim: int, index: int, image: CheckedImage) -> str:
    """Keep the file for good and return its key, `{task}/{claim}/{index}.{extension}`. Raises OSError."""
    return _images().save(f"{task_id}/{claim}/{index}.{image.extension}", ContentFile(image.data))


def open_image(key: str) -> "File[Any]":
    """The stored file, to be closed by the caller; FileNotFoundError if it is gone."""
    return _images().open(key)


def read(key: str) -> bytes:
    """All bytes of the stored file; FileNotFoundError if it is gone."""
    with open_image(key) as file:
        data: bytes = file.read()
    return data


def delete(keys: Iterable[str]) -> None:
    """Remove images and their thumbnails; those already gone are fine."""
    for key in keys:
        # In this order: a thumbnail made meanwhile finds its original gone, and removes itself.
        _images().delete(key)
        _images().delete(_thumbnail_key(key))


def discard(keys: Iterable[str]) -> None:
    """As delete(), for what nobody will ask for: a storage that is away keeps it, and stops nobody."""
    try:
        delete(keys)
    except OSError as error:
        logger.warning("What nobody needs could not be removed: %s", error)


def delete_unsettled(task_id: str, claim: int, keep: Collection[str] = ()) -> None:
    """Remove what was stored up to `claim`, under which nothing can succeed any more: its worker may have died."""
    if claim:
        delete_earlier_claims(task_id, claim + 1, keep)


def delete_earlier_claims(task_id: str, claim: int, keep: Collection[str] = ()) -> None:
    """Remove what workers stored that held this task before `claim` and did not live to settle it.

    `keep`: the keys of what was recorded under earlier claims.
    """
    images = _images()
    with suppress(FileNotFoundError):
        for folder in images.listdir(task_id)[0]:
            if folder.isdigit() and int(folder) < claim:
                stored = [f"{task_id}/{folder}/{name}" for name in images.listdir(f"{task_id}/{folder}")[1]]
                delete(key for key in stored if not key.startswith(tuple(keep)))  # nor their thumbnails


def thumbnail(key: str) -> bytes:
    """A WebP of at most 384 pixels a side, made at the first view; FileNotFoundError if the image is gone."""
    thumbnail_key = _thumbnail_key(key)
    with suppress(FileNotFoundError):
        return read(thumbnail_key)
    data = _shrink(BytesIO(read(key)))
    _images().save(thumbnail_key, ContentFile(data))
    if not _images().exists(key):
        _images().delete(thumbnail_key)
        raise FileNotFoundError(key)
    return data


def _thumbnail_key(key: str) -> str:
    return f"{key}.{THUMBNAIL_EXTENSION}"


def _shrink(file: IO[bytes]) -> bytes:
    image: Image.Image = Image.open(file)
    image.draft("RGB", (THUMBNAIL_SIDE_PIXELS * 2, THUMBNAIL_SIDE_PIXELS * 2))
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((THUMBNAIL_SIDE_PIXELS, THUMBNAIL_SIDE_PIXELS), reducing_gap=2.0)
    small = BytesIO()
    image.save(small, "WEBP", quality=80)
    return small.getvalue()


# --- Signed addresses ----------------------------------------------------------------------------


class BadAddress(Exception):
    """The address was altered, has expired, or never was one of ours."""


@dataclass(frozen=True, slots=True)
class SignedName:
    """What a good address opens, until `expires_at` (Unix seconds)."""

    image_id: str
    extension: str
    expires_at: int


def link_expiry(now: datetime) -> int:
    """When a link made at `now` (aware) stops to open, in Unix seconds."""
    lifetime_s: int = settings.IMAGE_LINK_SECONDS
    return int(now.timestamp()) + lifetime_s


def signed_path(image_id: str, extension: str, expires_at: int) -> str:
    """`/i/<image>.<extension>?e=<unix>&s=<hmac>`; `extension` is jpeg, png, webp or thumb.webp."""
    name = f"{image_id}.{extension}"
    if not ADDRESS_NAME.fullmatch(name):
        raise ValueError(f"{name!r}: not a name that can be signed")
    return f"/i/{name}?e={expires_at}&s={_signature(image_id, extension, expires_at)}"


def signed_url(address: str, image_id: str, extension: str, expires_at: int) -> str:
    """The same with the shop's address in front (shops.address_of)."""
    return f"{address}{signed_path(image_id, extension, expires_at)}"


def read_address(name: str, expiry: str, signature: str) -> SignedName:
    """What `/i/{name}?e={expiry}&s={signature}` opens until it expires; raises BadAddress when it was altered."""
    parts = ADDRESS_NAME.fullmatch(name)
    if not parts or not re.fullmatch(r"[1-9][0-9]{0,11}", expiry) or not signature.isascii():
        raise BadAddress
    signed = SignedName(parts["image_id"], parts["extension"], int(expiry))
    if not constant_time_compare(signature, _signature(signed.image_id, signed.extension, signed.expires_at)):
        raise BadAddress
    return signed


def _signature(image_id: str, extension: str, expires_at: int) -> str:
    # No part can hold a newline, so no two addresses share a message.
    message = f"{image_id}\n{extension}\n{expires_at}"
    return salted_hmac(SIGNING_PURPOSE, message, algorithm="sha256").hexdigest()
