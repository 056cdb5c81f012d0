"""What stand-ins deliver: small to encode, different by seed, so that a test sees whose image it got."""

import struct
import zlib
from functools import lru_cache
from io import BytesIO

from PIL import Image

CONTENT_TYPES = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
COLOURS = 16
NOT_IMAGES = {
    "html": (b"<!doctype html><script>alert(1)</script>", "image/png"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "image/svg+xml"),
    "text": (b"no image today", "image/jpeg"),
}


@lru_cache(maxsize=256)
def _drawn(width: int, height: int, file_format: str, colour: int) -> bytes:
    file = BytesIO()
    shade = 255 * colour // COLOURS
    Image.new("RGB", (width, height), (shade, 128, 255 - shade)).save(file, file_format)
    return file.getvalue()


def picture(width: int, height: int, output_format: str, seed: int) -> bytes:
    """The file for an order. Seeds that differ by less than 16 give different ones."""
    file_format = "jpeg" if output_format == "jpg" else output_format
    return _drawn(width, height, file_format, seed % COLOURS)


def huge() -> bytes:
    """A PNG of 50,000 x 50,000 pixels, in a hundred bytes."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
