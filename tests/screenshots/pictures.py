"""The pictures of the README: the top of some pages, small enough for everybody who opens it."""

from pathlib import Path

from PIL import Image

from tests.processes import ROOT

FOLDER = ROOT / "docs" / "images"
WIDTH, HEIGHT = 960, 600  # in pixels, of each
MOST_BYTES = 60_000
# Where each is among the screenshots.
SOURCES = {
    "landing": "en/desktop-light/public-landing",
    "playground": "en/desktop-dark/member-playground-x-0",
    "gallery": "en/desktop-light/member-gallery",
    "usage": "en/desktop-light/member-usage",
    "docs": "en/desktop-light/public-docs",
    "desk": "de/desktop-light/member-admin",
}


def write(taken: Path, folder: Path = FOLDER) -> list[Path]:
    """As WebP, from the screenshots in `taken`; those that are not there are left as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, source in SOURCES.items():
        file = taken / f"{source}.png"
        if file.exists():
            written.append(_picture(file, folder / f"{name}.webp"))
    return written


def _picture(source: Path, target: Path) -> Path:
    with Image.open(source) as page:
        top = page.convert("RGB").crop((0, 0, page.width, page.width * HEIGHT // WIDTH))
    small = top.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    for quality in range(85, 30, -5):
        small.save(target, "WEBP", quality=quality, method=6)
        if target.stat().st_size <= MOST_BYTES:
            break
    return target
