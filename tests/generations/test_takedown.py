"""An image that an operator removes is gone for everybody at once, whatever becomes of the disk."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from generations import storage, sweeps, takedown
from generations.models import Image, Takedown
from generations.storage import signed_path
from tests.cast import Person
from tests.generations.kept_images import an_image, files, keep_images_in
from tests.pages import browser_of, made, text_of

pytestmark = pytest.mark.django_db
REASON = "A person in it asked for that"
ACTOR = "staff:5f6ef0a0-0000-4000-8000-000000000000"
FAR = 4_000_000_000


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    keep_images_in(tmp_path, settings)
    return tmp_path


def opens(image: Image, extension: str = "jpeg") -> int:
    return Client().get(signed_path(image.public_id, extension, FAR)).status_code


def test_its_links_close_its_file_goes_and_it_is_recorded(folder: Path) -> None:
    image, other = an_image(0), an_image(0)
    assert [opens(image), opens(image, "thumb.webp")] == [200, 200]
    row = takedown.take_down(image, actor=ACTOR, reason=REASON)
    assert [opens(image), opens(image, "thumb.webp"), opens(other)] == [410, 410, 200]
    assert files(folder) == 1
    row.refresh_from_db()
    assert (row.actor, row.reason, row.file_removed_at is not None) == (ACTOR, REASON, True)


def test_twice_is_once_and_the_first_reason_stands(folder: Path) -> None:
    image = an_image(0)
    first = takedown.take_down(image, actor=ACTOR, reason=REASON)
    again = takedown.take_down(image, actor=ACTOR, reason="Another")
    assert (again.pk, Takedown.objects.get().reason) == (first.pk, REASON)
    assert not takedown.finish(again)


def test_a_file_that_cannot_go_now_goes_later_and_is_not_shown_meanwhile(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = an_image(0)

    def refuse(_keys: object) -> None:
        raise OSError("the bucket is away")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "delete", refuse)
        takedown.take_down(image, actor=ACTOR, reason=REASON)
        assert takedown.finish_all() == 0
    assert (opens(image), files(folder)) == (410, 1)
    assert takedown.finish_all() == 1
    assert (files(folder), takedown.finish_all()) == (0, 0)
    assert sweeps.delete_old_images() == 0


def test_the_customer_reads_that_it_was_removed_and_keeps_the_rest(folder: Path, alice: Person) -> None:
    browser = browser_of(alice)
    generation = made(browser)
    takedown.take_down(generation.images.get(), actor=ACTOR, reason=REASON)
    page = text_of(browser.get(f"/playground/{generation.task_id}/"))
    assert "removed by the operator of this shop" in page
    assert REASON not in page
