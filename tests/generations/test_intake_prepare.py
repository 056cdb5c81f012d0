"""What may be stored, and in the format that was ordered."""

from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageCms, PngImagePlugin

from generations.intake import prepare
from generations.storage import UnusableImage
from tests.generations.test_storage_check import GOOD, REFUSED, encoded, png_bomb

FORMATS = ("jpeg", "png", "webp")
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WIDE, TALL = (40, 30), (30, 40)


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def turned(image_format: str, orientation: int) -> bytes:
    """A picture that is dark to the left, as a camera that was held otherwise would have written it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a fox in the garden of 1 Example Street"
    return encoded(image_format, exif=exif)


@pytest.mark.parametrize("ordered", FORMATS)
def test_what_has_the_format_that_was_ordered_is_kept_to_the_byte(ordered: str) -> None:
    assert prepare(GOOD[ordered], ordered).data is GOOD[ordered]


@pytest.mark.parametrize("delivered", FORMATS)
@pytest.mark.parametrize("ordered", FORMATS)
def test_other_format_becomes_the_one_that_was_ordered(delivered: str, ordered: str) -> None:
    image = prepare(GOOD[delivered], ordered)
    assert (image.extension, image.content_type) == (ordered, f"image/{ordered}")
    assert (image.width, image.height) == WIDE
    assert opened(image.data).format == ordered.upper()
    before, after = (opened(data).convert("L") for data in (GOOD[delivered], image.data))
    assert ImageChops.difference(before, after).getextrema()[1] <= 8  # type: ignore[operator] # one band


@pytest.mark.parametrize(
    ("image_format", "mode"),
    [("PNG", mode) for mode in ("1", "L", "LA", "P", "RGBA", "I;16")] + [("JPEG", "L"), ("JPEG", "CMYK")],
)
@pytest.mark.parametrize("ordered", FORMATS)
def test_every_kind_of_picture_can_be_had_in_every_format(image_format: str, mode: str, ordered: str) -> None:
    data = encoded(image_format, mode=mode)
    image = opened(prepare(data, ordered).data).convert("L")
    assert image.getpixel((20, 0)) < 40  # type: ignore[operator] # one number for an L
    assert image.getpixel((20, 29)) > 215  # type: ignore[operator]


def test_what_is_transparent_becomes_white_in_a_jpeg() -> None:
    picture = Image.new("RGBA", (20, 10), (255, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (10, 0, 20, 10))
    file = BytesIO()
    picture.save(file, "PNG")
    image = opened(prepare(file.getvalue(), "jpeg").data)
    assert image.getpixel((18, 5)) == (255, 255, 255)
    assert image.getpixel((2, 5)) == pytest.approx((254, 0, 0), abs=3)


@pytest.mark.parametrize("ordered", ["png", "webp"])
def test_transparency_stays_where_it_can(ordered: str) -> None:
    delivered = "WEBP" if ordered == "png" else "PNG"
    picture = Image.new("RGBA", (20, 10), (255, 0, 0, 128))
    file = BytesIO()
    picture.save(file, delivered, lossless=True)
    image = opened(prepare(file.getvalue(), ordered).data)
    assert image.mode == "RGBA"
    assert image.getpixel((5, 5))[3] == 128  # type: ignore[index] # four numbers for an RGBA


@pytest.mark.parametrize("ordered", ["png", "webp"])
def test_colour_profile_is_kept(ordered: str) -> None:
    data = encoded("JPEG", icc_profile=PROFILE)
    assert opened(prepare(data, ordered).data).info["icc_profile"] == PROFILE


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_profile_of_other_pixels_is_not(mode: str) -> None:
    data = encoded("JPEG", mode=mode, icc_profile=PROFILE)
    assert "icc_profile" not in opened(prepare(data, "webp").data).info


# What each orientation makes of a picture that grows light towards its last row.
LIGHT_CORNERS = {1: "bottom", 3: "top", 6: "left", 8: "right"}


@pytest.mark.parametrize(("orientation", "light"), LIGHT_CORNERS.items())
@pytest.mark.parametrize("delivered", FORMATS)
@pytest.mark.parametrize("ordered", FORMATS)
def test_picture_stands_upright(delivered: str, ordered: str, orientation: int, light: str) -> None:
    image = prepare(turned(delivered.upper(), orientation), ordered)
    assert (image.width, image.height) == (TALL if orientation in (6, 8) else WIDE)
    picture = opened(image.data).convert("L")
    assert picture.getexif().get(0x0112, 1) == 1
    right, bottom = picture.width - 1, picture.height - 1
    middle = {"bottom": (5, bottom), "top": (5, 0), "left": (0, 5), "right": (right, 5)}
    assert picture.getpixel(middle[light]) > 215  # type: ignore[operator] # one number for an L


@pytest.mark.parametrize("ordered", ["jpeg", "webp"])
def test_nothing_but_pixels_and_colours_is_encoded_anew(ordered: str) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("parameters", "a secret prompt")
    notes.add_itxt("workflow", "a secret workflow")
    exif = Image.Exif()
    exif[0x010E] = "1 Secret Street"
    data = encoded("PNG", pnginfo=notes, exif=exif)
    assert data.count(b"ecret") == 3
    image = prepare(data, ordered)
    assert b"ecret" not in image.data
    assert not opened(image.data).getexif()


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("ordered", FORMATS)
def test_nonsense_is_refused_whatever_was_ordered(data: bytes, ordered: str) -> None:
    with pytest.raises(UnusableImage):
        prepare(data, ordered)


def test_reason_is_told() -> None:
    with pytest.raises(UnusableImage, match="4097x4096 pixels: too many"):
        prepare(png_bomb(4097, 4096), "png")
    with pytest.raises(UnusableImage, match="DecompressionBomb"):
        prepare(png_bomb(50_000, 50_000), "png")
    with pytest.raises(UnusableImage, match="not a readable PNG, JPEG or WebP"):
        prepare(b"<html>", "png")
    with pytest.raises(UnusableImage, match="truncated"):
        prepare(GOOD["jpeg"][:-30], "png")


def test_what_cannot_be_encoded_is_refused() -> None:
    """A WebP has at most 16,383 pixels a side."""
    with pytest.raises(UnusableImage, match="cannot become webp"):
        prepare(encoded("PNG", (20_000, 10)), "webp")
