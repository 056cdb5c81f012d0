"""A bucket that takes its time to remove what a lost worker stored keeps no order from its deadline."""

import threading
from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from accounts.access import Access
from generations import storage, sweeps
from tests.makers import a_submitted, age, status_of
from tests.waiting import wait_until


class SlowBucket(storage.DurableFileSystemStorage):
    """Answers once the gate is open."""

    is_far = True
    gate = threading.Event()

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        assert self.gate.wait(30)
        return super().listdir(path)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    SlowBucket.gate.clear()
    backend = f"{SlowBucket.__module__}.{SlowBucket.__qualname__}"
    settings.STORAGES = {
        **settings.STORAGES,
        "images": {"BACKEND": backend, "OPTIONS": {"location": tmp_path / "images", "base_url": None}},
    }
    storages._storages.clear()  # type: ignore[attr-defined] # Django keeps made storages and offers no way to forget
    return tmp_path / "images"


def test_slow_bucket_keeps_no_order_from_its_deadline_and_is_tidied_all_the_same(
    access: Access, folder: Path
) -> None:
    lost = [a_submitted(access)[0] for _ in range(3)]
    image = storage.CheckedImage(b"x", "image/png", "png", 256, 256, "0" * 64)
    for generation in lost:
        storage.store(generation.task_id, generation.claim, 0, image)
        age(generation, deadline_at=1)
    assert sweeps.expire_overdue() == 3, "While the bucket has not answered once"
    assert {status_of(generation) for generation in lost} == {("failed", "timeout")}
    SlowBucket.gate.set()
    wait_until(lambda: not any(path.is_file() for path in folder.rglob("*")), "the files to be removed")
