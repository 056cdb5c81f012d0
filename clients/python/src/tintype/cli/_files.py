"""Where images go, decided before anything is ordered."""

from __future__ import annotations

import os
from pathlib import Path

from tintype.results import Generation, Image

FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp"}
ENDINGS = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}


def format_of(path: Path | None) -> str | None:
    """As its ending says; None leaves it to the shop."""
    return FORMATS.get(path.suffix.lower()) if path is not None else None


def require_room(path: Path) -> None:
    """Raises OSError where no file could be written, so that nothing is paid in vain."""
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        raise FileNotFoundError(2, "There is no such folder", str(folder))
    if not os.access(folder, os.W_OK):
        raise PermissionError(13, "No file may be written there", str(folder))


def targets(path: Path, generation: Generation) -> list[tuple[Image, Path]]:
    """out.jpg for one image, out-1.jpg, out-2.jpg … for an order of several; in a folder they are named by the task."""
    if path.is_dir():
        name = "".join(sign for sign in generation.id if sign.isalnum() or sign in "_-")
        path /= name + ENDINGS.get(generation.output_format or "", ".jpg")
    if generation.n <= 1 and len(generation.images) <= 1:
        return [(image, path) for image in generation.images]
    numbered = enumerate(generation.images, 1)
    return [(image, path.with_stem(f"{path.stem}-{number}")) for number, image in numbered]
