"""After the days of retention files go first and are marked after, so that a crash leaves nothing behind."""

from pathlib import Path

import pytest
from pytest_django import Settings

from generations import storage, sweeps
from generations.models import Image
from tests.generations.kept_images import an_image, files, keep_images_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """The image storage of this test."""
    keep_images_in(tmp_path, settings)
    return tmp_path


def is_marked(image: Image) -> bool:
    return Image.objects.get(pk=image.pk).deleted_at is not None


def test_only_what_is_past_retention_is_deleted(folder: Path) -> None:
    old, young = an_image(30.1), an_image(29.9)
    assert sweeps.delete_old_images() == 1
    assert (is_marked(old), is_marked(young)) == (True, False)
    assert storage.read(young.storage_key)
    with pytest.raises(FileNotFoundError):
        storage.read(old.storage_key)
    assert sweeps.delete_old_images() == 0


def test_thumbnails_and_empty_folders_go_too(folder: Path) -> None:
    old = an_image(31)
    storage.thumbnail(old.storage_key)
    assert files(folder) == 2
    sweeps.delete_old_images()
    assert list(folder.iterdir()) == []


def test_a_crash_after_the_file_went_is_made_up_for(folder: Path) -> None:
    old = an_image(31)
    storage.delete([old.storage_key])
    assert sweeps.delete_old_images() == 1
    assert is_marked(old)


def test_a_file_that_cannot_be_deleted_is_not_marked_and_stops_no_other(folder: Path) -> None:
    stuck, other = an_image(32), an_image(31)
    path = folder / stuck.storage_key
    path.unlink()
    (path / "something").mkdir(parents=True)  # a full folder in its place: refused, even to root
    assert sweeps.delete_old_images() == 1
    assert (is_marked(stuck), is_marked(other)) == (False, True)
