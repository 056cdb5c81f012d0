import os
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages
from PIL import Image
from pytest_django import Settings

from generations import storage
from generations.storage import CheckedImage, DurableFileSystemStorage, check


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    location = tmp_path / "images"
    put_behind_alias(settings, DurableFileSystemStorage, location)
    return location


def put_behind_alias(settings: Settings, backend: type[FileSystemStorage], location: Path) -> None:
    name = f"{backend.__module__}.{backend.__qualname__}"
    settings.STORAGES = settings.STORAGES | {"images": {"BACKEND": name, "OPTIONS": {"location": location}}}


def picture(image_format: str = "PNG", size: tuple[int, int] = (800, 600), mode: str = "RGB") -> CheckedImage:
    file = BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(file, image_format)
    return check(file.getvalue())


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(("image_format", "extension"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp")])
def test_key_tells_task_claim_index_and_format(folder: Path, image_format: str, extension: str) -> None:
    image = picture(image_format)
    key = storage.store("task_1", 2, 3, image)
    assert key == f"task_1/2/3.{extension}"
    assert storage.read(key) == image.data
    with storage.open_image(key) as file:
        assert file.read() == image.data


def test_file_and_folders_are_open_to_nobody_else(folder: Path) -> None:
    storage.store("task_1", 1, 0, picture())
    modes = {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    assert modes == {"images": 0o700, "task_1": 0o700, "1": 0o700, "0.png": 0o600}


def test_file_and_every_new_folder_are_on_disk_before_save_returns(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real_fsync = os.fsync

    def watched_fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    key = storage.store("task_1", 1, 0, picture())
    for path in (folder.parent, folder, folder / "task_1", folder / "task_1" / "1", folder / key):
        assert path.stat().st_ino in synced


def test_storing_again_under_the_same_key_replaces_the_file(folder: Path) -> None:
    storage.store("task_1", 1, 0, picture(size=(50, 50)))
    later = picture(size=(60, 60))
    assert storage.read(storage.store("task_1", 1, 0, later)) == later.data
    assert files(folder) == ["task_1/1/0.png"]


class Broken(BytesIO):
    """Ends badly once the first bytes are out."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError("no space left on device")
        return super().read(4)


def test_failed_save_leaves_neither_new_file_nor_damage_to_the_old(folder: Path) -> None:
    storages["images"].save("a/b.png", ContentFile(b"old"))
    with pytest.raises(OSError, match="no space"):
        storages["images"].save("a/b.png", File(Broken(b"much more")))
    assert files(folder) == ["a/b.png"]
    assert storage.read("a/b.png") == b"old"


def test_failed_save_leaves_no_folder(folder: Path) -> None:
    with pytest.raises(OSError, match="no space"):
        storages["images"].save("a/1/b.png", File(Broken(b"much more")))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["../outside.png", "/etc/passwd", "a/../../outside.png"])
def test_no_key_leads_out_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(SuspiciousFileOperation):
        storages["images"].save(name, ContentFile(b"x"))


def test_delete_takes_file_thumbnail_and_emptied_folders(folder: Path) -> None:
    first, second = (storage.store("task_1", 1, index, picture()) for index in (0, 1))
    storage.thumbnail(first)
    storage.delete([first])
    assert files(folder) == ["task_1/1/1.png"]
    storage.delete([second])
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_deleting_what_is_gone_is_fine(folder: Path) -> None:
    key = storage.store("task_1", 1, 0, picture())
    storage.delete([key, key, "task_9/1/0.png"])
    storage.delete([key])


def test_delete_takes_what_a_crash_left_of_the_same_image(folder: Path) -> None:
    key = storage.store("task_1", 1, 0, picture())
    (folder / "task_1" / "1" / ".0.png.0123456789abcdef").write_bytes(b"half a picture")
    storage.delete([key])
    assert list(folder.iterdir()) == []


def test_folders_pruned_while_others_store_cost_no_image(folder: Path) -> None:
    """One thread stores and deletes claim 1 of a task, another claim 2: both in one folder."""
    image, rounds = picture(size=(8, 8)), 150
    meet = threading.Barrier(2)

    def come_and_go(claim: int) -> None:
        meet.wait(10)
        for _ in range(rounds):
            key = storage.store("task_1", claim, 0, image)
            assert storage.read(key) == image.data
            storage.delete([key])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(come_and_go, (1, 2)))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("size", "small"),
    [((800, 600), (384, 288)), ((600, 800), (288, 384)), ((1536, 256), (384, 64)), ((100, 50), (100, 50))],
)
def test_thumbnail_is_a_webp_of_at_most_384_pixels_a_side(
    folder: Path, size: tuple[int, int], small: tuple[int, int]
) -> None:
    key = storage.store("task_1", 1, 0, picture(size=size))
    made = check(storage.thumbnail(key))
    assert (made.extension, made.width, made.height) == ("webp", *small)


@pytest.mark.parametrize(
    ("image_format", "mode"),
    [
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("PNG", "I;16"),
        ("PNG", "LA"),
        ("JPEG", "CMYK"),
        ("JPEG", "L"),
    ],
)
def test_every_kind_of_image_has_a_thumbnail(folder: Path, image_format: str, mode: str) -> None:
    key = storage.store("task_1", 1, 0, picture(image_format, mode=mode))
    assert check(storage.thumbnail(key)).width == 384


def test_thumbnail_is_made_once_and_kept_beside_the_image(folder: Path) -> None:
    key = storage.store("task_1", 1, 0, picture())
    made = storage.thumbnail(key)
    kept = folder / f"{key}.thumb.webp"
    assert kept.read_bytes() == made
    kept.write_bytes(b"kept")
    assert storage.thumbnail(key) == b"kept"


def test_missing_image_has_no_thumbnail(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.thumbnail("task_1/1/0.png")
    assert files(folder.parent) == []


def test_concurrent_first_views_all_get_the_whole_thumbnail_and_leave_one_file(folder: Path) -> None:
    key = storage.store("task_1", 1, 0, picture())
    meet = threading.Barrier(8)

    def view(_: int) -> bytes:
        meet.wait(10)
        return storage.thumbnail(key)

    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(view, range(8)))
    assert len(seen) == 1
    assert files(folder) == ["task_1/1/0.png", "task_1/1/0.png.thumb.webp"]


def test_plain_file_storage_would_leave_a_second_thumbnail(settings: Settings, tmp_path: Path) -> None:
    """The control: what two first views do to a storage that never replaces."""
    put_behind_alias(settings, FileSystemStorage, tmp_path)
    for _ in range(2):
        storages["images"].save("0.png.thumb.webp", ContentFile(b"x"))
    assert len(files(tmp_path)) == 2


class DeletesMeanwhile(DurableFileSystemStorage):
    """The image is deleted by somebody else just before its thumbnail is written."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        if name.endswith(storage.THUMBNAIL_EXTENSION):
            storage.delete([name.removesuffix(f".{storage.THUMBNAIL_EXTENSION}")])
        return super()._save(name, content)


def test_thumbnail_of_an_image_deleted_meanwhile_does_not_stay(settings: Settings, tmp_path: Path) -> None:
    put_behind_alias(settings, DeletesMeanwhile, tmp_path)
    key = storage.store("task_1", 1, 0, picture())
    with pytest.raises(FileNotFoundError):
        storage.thumbnail(key)
    assert files(tmp_path) == []
