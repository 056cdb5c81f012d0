"""Copies images from a folder into the storage of the settings."""

from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import storages
from django.core.management.base import CommandParser

from accounts.management.base import OperatorCommand


class Command(OperatorCommand):
    help = "Copy images from a folder into the storage that the settings name. What is there already is left."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="such as var/images, where they lay before")

    def work(self, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            self.refuse(f"{folder} is not a folder.")
        # Names that begin with a dot are what a crash left of files that never became whole.
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
        copied = sum(self._copy(path, path.relative_to(folder).as_posix()) for path in files)
        self.stdout.write(f"{copied} copied, {len(files) - copied} were there already")

    def _copy(self, path: Path, name: str) -> bool:
        images = storages["images"]
        try:
            if images.exists(name) and images.size(name) == path.stat().st_size:
                return False
            with path.open("rb") as file:
                images.save(name, File(file))
        except OSError as error:
            self.refuse(f"{name} could not be copied: {error}")
        return True
