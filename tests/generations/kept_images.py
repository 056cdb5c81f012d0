"""Images that lie in a folder of the test's own."""

from pathlib import Path

from django.core.files.storage import storages
from pytest_django import Settings

from generations import lifecycle, storage
from generations.models import Image
from generations.providers.base import Job
from generations.providers.sandbox import draw
from tests.makers import a_submitted, ago, an_access, an_organization

DAY_S = 86_400


def keep_images_in(folder: Path, settings: Settings) -> None:
    options = {**settings.STORAGES["images"]["OPTIONS"], "location": folder}
    settings.STORAGES = {**settings.STORAGES, "images": {**settings.STORAGES["images"], "OPTIONS": options}}
    storages._storages.clear()  # type: ignore[attr-defined] # Django keeps made storages and offers no way to forget


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
