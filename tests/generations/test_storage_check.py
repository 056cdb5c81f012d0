import struct
import zlib
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from generations.storage import MAX_IMAGE_BYTES, CheckedImage, UnusableImage, check


def encoded(
    image_format: str, size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object
) -> bytes:
    file = BytesIO()
    image = Image.linear_gradient("L").resize(size).convert(mode)
    image.save(file, image_format, **options)
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(width: int, height: int) -> bytes:
    """A few kilobytes that unpack to as much as the header promises."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(4_000_000), 9)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def frames(image_format: str) -> bytes:
    still = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    file = BytesIO()
    still[0].save(file, image_format, save_all=True, append_images=still[1:], duration=100)
    return file.getvalue()


def webp_header(width: int, height: int) -> bytes:
    """An extended WebP whose header claims a size, in front of a real small picture."""
    body = encoded("WEBP")[12:]
    claims = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    content = b"WEBPVP8X" + struct.pack("<I", len(claims)) + claims + body
    return b"RIFF" + struct.pack("<I", len(content)) + content


GOOD = {name: encoded(name.upper()) for name in ("jpeg", "png", "webp")}
HTML = b"<!doctype html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
REFUSED = {
    "empty": b"",
    "html": HTML,
    "svg": SVG,
    "text": b"an upstream's apology",
    "gif": encoded("GIF"),
    "bmp": encoded("BMP"),
    "tiff": encoded("TIFF"),
    "ico": encoded("ICO"),
    "animated gif": frames("GIF"),
    "animated webp": frames("WEBP"),
    "animated png": frames("PNG"),
    "two pictures in one jpeg": frames("MPO"),
    "html behind a jpeg's first bytes": GOOD["jpeg"][:20] + HTML,
    "png with a wrong checksum": GOOD["png"].replace(b"IDAT", b"IDAT\x01", 1),
    "png bomb": png_bomb(30_000, 30_000),
    "png just over the cap": png_bomb(4097, 4096),
    "webp bomb": webp_header(16_383, 16_383),
    "too many bytes": GOOD["png"] + bytes(MAX_IMAGE_BYTES),
}


@pytest.mark.parametrize("extension", GOOD)
def test_good_file_is_taken_as_it_is(extension: str) -> None:
    data = GOOD[extension]
    digest = sha256(data).hexdigest()
    assert check(data) == CheckedImage(data, f"image/{extension}", extension, 40, 30, digest)


@pytest.mark.parametrize(
    "data",
    [
        encoded("PNG", mode="RGBA"),
        encoded("PNG", mode="P"),
        encoded("PNG", mode="I;16"),
        encoded("PNG", mode="1"),
        encoded("JPEG", mode="CMYK"),
        encoded("JPEG", mode="L", progressive=True),
        encoded("WEBP", mode="RGBA", lossless=True),
        encoded("JPEG") + b"\0\0\r\n",
    ],
)
def test_every_still_kind_of_the_three_formats_is_taken(data: bytes) -> None:
    assert check(data).data == data


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(UnusableImage):
        check(data)


@pytest.mark.parametrize("extension", GOOD)
def test_file_cut_anywhere_is_refused(extension: str) -> None:
    data = GOOD[extension]
    for length in range(len(data)):
        with pytest.raises(UnusableImage):
            check(data[:length])


def test_size_is_refused_from_the_header_alone() -> None:
    """The pixels behind this header are missing, yet the size is what is complained of."""
    with pytest.raises(UnusableImage, match="4097x4096 pixels"):
        check(png_bomb(4097, 4096))


def mutations() -> st.SearchStrategy[Callable[[bytes], bytes]]:
    share = st.floats(0, 1)

    def overwrite(at: float, new: bytes) -> Callable[[bytes], bytes]:
        return lambda data: data[: int(at * len(data))] + new + data[int(at * len(data)) + len(new) :]

    def insert(at: float, new: bytes) -> Callable[[bytes], bytes]:
        return lambda data: data[: int(at * len(data))] + new + data[int(at * len(data)) :]

    def cut(start: float, length: float) -> Callable[[bytes], bytes]:
        return lambda data: data[: int(start * len(data))] + data[int((start + length) * len(data)) :]

    some = st.binary(min_size=1, max_size=8)
    return st.one_of(
        st.builds(overwrite, share, some), st.builds(insert, share, some), st.builds(cut, share, share)
    )


@settings(max_examples=300, deadline=None)
@given(data=st.sampled_from(sorted(GOOD.values())), steps=st.lists(mutations(), min_size=1, max_size=4))
def test_damaged_file_is_taken_or_refused_but_never_an_accident(
    data: bytes, steps: list[Callable[[bytes], bytes]]
) -> None:
    for step in steps:
        data = step(data)
    try:
        checked = check(data)
    except UnusableImage:
        return
    assert checked.width * checked.height <= 4096 * 4096


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=400), start=st.sampled_from([b"", *(good[:16] for good in GOOD.values())]))
@example(data=b"", start=b"")
def test_noise_is_refused(data: bytes, start: bytes) -> None:
    with pytest.raises(UnusableImage):
        check(start + data)
