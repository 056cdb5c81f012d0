"""A folder of images moves into another storage, and again without harm."""

from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from tests.accounts.commands import Shell


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """What a shop has on its disk; its settings name another place."""
    options = {"location": tmp_path / "elsewhere", "base_url": None}
    backend = {"BACKEND": "generations.storage.DurableFileSystemStorage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"images": backend}
    for name in ("task_1/1/0.png", "task_1/1/0.png.thumb.webp", "task_2/3/1.jpeg", "task_2/3/.2.jpeg.0a1b"):
        file = tmp_path / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return tmp_path / "images"


def copied(folder: Path) -> dict[str, bytes]:
    there = folder.parent / "elsewhere"
    return {
        path.relative_to(there).as_posix(): path.read_bytes() for path in there.rglob("*") if path.is_file()
    }


def test_every_whole_file_is_copied_once(folder: Path, run: Shell) -> None:
    names = ("task_1/1/0.png", "task_1/1/0.png.thumb.webp", "task_2/3/1.jpeg")
    assert run.answer("copy_images", str(folder)) == "3 copied, 0 were there already"
    assert copied(folder) == {name: name.encode() for name in names}
    assert run.answer("copy_images", str(folder)) == "0 copied, 3 were there already"
    assert (folder / "task_1/1/0.png").exists(), "It copies, and moves nothing"


def test_copy_that_broke_off_is_made_good(folder: Path, run: Shell) -> None:
    run.answer("copy_images", str(folder))
    (folder.parent / "elsewhere" / "task_2/3/1.jpeg").write_bytes(b"half")
    storages["images"].delete("task_1/1/0.png")
    assert run.answer("copy_images", str(folder)) == "2 copied, 1 were there already"
    assert copied(folder)["task_2/3/1.jpeg"] == b"task_2/3/1.jpeg"


def test_folder_that_is_not_there_is_refused(folder: Path, run: Shell) -> None:
    assert run.refusal("copy_images", str(folder / "x")) == f"{folder / 'x'} is not a folder."


def test_storage_that_refuses_is_said_in_one_line(folder: Path, run: Shell) -> None:
    (folder.parent / "elsewhere").write_bytes(b"a file where a folder should be")
    assert "task_1/1/0.png" in run.refusal("copy_images", str(folder))
