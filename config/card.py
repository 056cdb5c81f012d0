"""What other sites show of a link to the shop: a plate with its name, drawn here as everything else is."""

from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final
from unicodedata import category, normalize

from PIL import Image, ImageDraw, ImageFont

from accounts import accent
from generations.providers.sandbox_art import draw_landscape
from generations.providers.sandbox_caption import fitting_lines

SIZE_PIXELS: Final = (1200, 630)
PAPER, INK = accent.LIGHT_PAPER, "#211c16"
PLATE: Final = (660, 70, 1130, 560)  # left, top, right, bottom
CUT: Final = 36
LINES: Final = 3
LEADING: Final = 92
FONT_PIXELS: Final = 76
QUALITY: Final = 88
# Ours has the letters of Europe. Those of China take megabytes, so they are the machine's, where it has some.
OWN_FONT: Final = Path(__file__).parent / "fonts" / "SourceSerif4Display-Semibold.ttf.woff2"
FONTS_OF_THE_MACHINE: Final = tuple(
    Path("/usr/share/fonts") / name
    for name in (
        "truetype/wqy/wqy-microhei.ttc",
        "opentype/noto/NotoSansCJK-Bold.ttc",
        "truetype/droid/DroidSansFallbackFull.ttf",
    )
)


@lru_cache(maxsize=64)
def draw(name: str, colour: str) -> bytes:
    """A JPEG. `colour`: six hexadecimal digits."""
    card = Image.new("RGB", SIZE_PIXELS, PAPER)
    pen = ImageDraw.Draw(card)
    left, top, right, bottom = PLATE
    landscape = draw_landscape("mountains at first light", 10, right - left, bottom - top, 1.0)
    card.paste(landscape, (left, top), _clipped(landscape.size, CUT))
    shown = accent.on_light(f"#{colour}")
    pen.polygon(_corners((84, 84, 154, 164), 10), outline=INK, width=5)
    pen.ellipse((102, 101, 136, 147), fill=shown)
    _write(pen, name, left - 84 - 60)
    pen.rectangle((84, 540, 184, 548), fill=shown)
    file = BytesIO()
    card.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def _write(pen: ImageDraw.ImageDraw, name: str, width: int) -> None:
    """Nothing where no font has all of its letters: half a name, or boxes, would be worse than the plate alone."""
    text = " ".join(normalize("NFC", name).split())
    for path in (OWN_FONT, *FONTS_OF_THE_MACHINE):
        font = _font(path)
        shown = None if font is None else _of_its_signs(text, font)
        if font is None or shown is None:
            continue
        lines = fitting_lines(shown, font, width, LINES)
        first = 460 - LEADING * (len(lines) - 1)
        for number, line in enumerate(lines):
            pen.text((80, first + number * LEADING), line, font=font, fill=INK, anchor="lm")
        return


def _of_its_signs(text: str, font: ImageFont.FreeTypeFont) -> str | None:
    """Without symbols that the font has not; None when a letter or digit is missing."""
    missing = _mask(font, "\uffff")
    lacking = {sign for sign in text if not sign.isspace() and _mask(font, sign) == missing}
    if any(category(sign)[0] in "LMN" for sign in lacking):
        return None
    return " ".join("".join(sign for sign in text if sign not in lacking).split())


def _mask(font: ImageFont.FreeTypeFont, sign: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(sign)
    return mask.size, bytes(mask)


@lru_cache(maxsize=8)
def _font(path: Path) -> ImageFont.FreeTypeFont | None:
    try:
        # The basic layout is the same on every machine.
        return ImageFont.truetype(str(path), FONT_PIXELS, layout_engine=ImageFont.Layout.BASIC)
    except OSError:
        return None


def _clipped(size: tuple[int, int], cut: int) -> Image.Image:
    """The mask of a plate, drawn large so that its corners come out smooth."""
    large = (size[0] * 4, size[1] * 4)
    mask = Image.new("L", large)
    ImageDraw.Draw(mask).polygon(_corners((0, 0, *large), cut * 4), fill=255)
    return mask.resize(size, Image.Resampling.LANCZOS)


def _corners(box: tuple[int, int, int, int], cut: int) -> list[tuple[int, int]]:
    left, top, right, bottom = box
    return [
        (left + cut, top),
        (right - cut, top),
        (right, top + cut),
        (right, bottom - cut),
        (right - cut, bottom),
        (left + cut, bottom),
        (left, bottom - cut),
        (left, top + cut),
    ]
