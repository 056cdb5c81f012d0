"""After the days of retention files go first and are marked after, so that a crash leaves nothing behind."""

from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from generations import lifecycle, storage, sweeps
from generations.models import Image
from generations.providers.base import Job
from generations.providers.sandbox import draw
from tests.makers import a_submitted, ago, an_access, an_organization

pytestmark = pytest.mark.django_db
DAY_S = 86_400


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """The image storage of this test."""
    options = {**settings.STORAGES["images"]["OPTIONS"], "location": tmp_path}
    settings.STORAGES = {**settings.STORAGES, "images": {**settings.STORAGES["images"], "OPTIONS": options}}
    storages._storages.clear()  # type: ignore[attr-defined] # Django keeps made storages and offers no way to forget
    return tmp_path


def an_image(days_old: float) -> Image:
    """Of a generation that succeeded, with its file."""
    generation, attempt = a_submitted(an_access(an_organization(15)))
    job = Job(generation.task_id, attempt.key, "a lighthouse", 256, 256, 1, "jpeg")
    checked = storage.check(draw(job, 0))
    key = storage.store(generation.task_id, generation.claim, 0, checked)
    assert lifecycle.succeed(generation, attempt, [lifecycle.Stored(0, key, checked)])
    Image.objects.filter(generation=generation).update(created_at=ago(days_old * DAY_S))
    return Image.objects.get(generation=generation)


def files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


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
