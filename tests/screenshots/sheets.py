"""Contact sheets: many pages on one image, each with its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

LABEL, GAP = 22, 14  # in pixels
PHONE_PX = 500  # a page that is no wider was taken for a phone


@dataclass(frozen=True, slots=True)
class Cell:
    """The room for one page, in pixels; what is longer is cut."""

    width: int
    height: int
    across: int
    down: int


DESKTOP, PHONE = Cell(500, 560, 4, 3), Cell(300, 900, 6, 2)


def write(folder: Path, files: Sequence[Path]) -> list[Path]:
    """As many sheets as the files need: `<folder>-1.png` and so on, beside the folder."""
    for earlier in folder.parent.glob(f"{folder.name}-*.png"):
        earlier.unlink()
    if not files:
        return []
    with Image.open(files[0]) as first:
        cell = PHONE if first.width <= PHONE_PX else DESKTOP
    written, many = [], cell.across * cell.down
    for number, start in enumerate(range(0, len(files), many), 1):
        path = folder.with_name(f"{folder.name}-{number}.png")
        _sheet(files[start : start + many], cell).save(path)
        written.append(path)
    return written


def _sheet(files: Sequence[Path], cell: Cell) -> Image.Image:
    rows = -(-len(files) // cell.across)
    size = (cell.across * (cell.width + GAP) + GAP, rows * (cell.height + LABEL + GAP) + GAP)
    sheet = Image.new("RGB", size, "#777777")
    draw = ImageDraw.Draw(sheet)
    for number, file in enumerate(files):
        row, column = divmod(number, cell.across)
        x, y = GAP + column * (cell.width + GAP), GAP + row * (cell.height + LABEL + GAP)
        draw.text((x, y + 4), file.stem[:60], fill="#ffffff")
        with Image.open(file) as page:
            longest = page.width * cell.height // cell.width
            shown = page.convert("RGB").crop((0, 0, page.width, min(page.height, longest)))
            sheet.paste(ImageOps.contain(shown, (cell.width, cell.height)), (x, y + LABEL))
    return sheet
