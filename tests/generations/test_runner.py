"""From a ring to an end, whatever the upstream answers and whatever becomes of the disk."""

import errno
from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from accounts.access import Access
from accounts.models import Organization
from generations import lifecycle, runner, storage
from generations.models import Attempt, Generation, Image
from generations.providers.base import Job, OnProgress, Outcome, OutcomeKind
from generations.providers.sandbox import draw
from tests.generations.providers import Upstream, upstream
from tests.makers import (
    a_generation,
    age,
    an_access,
    an_organization,
    books_are_right,
    set_price,
    settlements_of,
    status_of,
    wallet_of,
)

pytestmark = pytest.mark.django_db
HTML = b"<html><body>502 Bad Gateway</body></html>"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    """The image storage of this test."""
    options = {**settings.STORAGES["images"]["OPTIONS"], "location": tmp_path / "images"}
    settings.STORAGES = {**settings.STORAGES, "images": {**settings.STORAGES["images"], "OPTIONS": options}}
    storages._storages.clear()  # type: ignore[attr-defined] # Django keeps made storages and offers no way to forget
    return tmp_path / "images"


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def small(job: Job) -> bytes:
    return draw(Job(job.task_id, job.attempt_key, job.prompt, 256, 256, job.seed, "jpeg"), 0)


def ok(job: Job, _progress: OnProgress) -> Outcome:
    return Outcome(OutcomeKind.OK, images=(small(job),) * job.n, cost_micros=700)


def attempts(generation: Generation) -> list[tuple[int, str, int]]:
    return list(
        Attempt.objects.filter(generation=generation)
        .order_by("number")
        .values_list("number", "outcome", "cost_micros")
    )


def test_a_ring_makes_the_image_and_charges_for_it(
    organization: Organization, access: Access, folder: Path
) -> None:
    generation = a_generation(access)
    with upstream(Upstream(ok)) as asked:
        runner.run(generation.pk)
        runner.run(generation.pk)  # a second ring finds nothing to do
    assert asked.called_with == [f"{generation.task_id}:1"]
    assert status_of(generation) == ("succeeded", "")
    assert files(folder) == [f"{generation.task_id}/1/0.jpeg"]
    assert storage.read(Image.objects.get().storage_key)
    assert attempts(generation) == [(1, "ok", 700)]
    assert wallet_of(organization)[:2] == (85, 0)
    assert books_are_right()


def test_nothing_runs_where_no_upstream_serves_live_keys(
    organization: Organization, access: Access, settings: Settings
) -> None:
    generation = a_generation(access)
    settings.DEMO = False
    runner.run(generation.pk)
    assert status_of(generation) == ("failed", "upstream_unavailable")
    assert wallet_of(organization)[:2] == (100, 0)


@pytest.mark.parametrize(
    ("kind", "error_type"),
    [
        (OutcomeKind.ACCOUNT, "upstream_unavailable"),
        (OutcomeKind.REJECTED, "content_rejected"),
        (OutcomeKind.INVALID, "invalid_request"),
        (OutcomeKind.TIMEOUT, "timeout"),
        (OutcomeKind.FAILED, "generation_failed"),
    ],
)
def test_an_image_that_was_not_made_costs_nothing(
    organization: Organization, access: Access, kind: OutcomeKind, error_type: str
) -> None:
    generation = a_generation(access)
    with upstream(Upstream(lambda _job, _progress: Outcome(kind, detail="because", cost_micros=9))):
        runner.run(generation.pk)
    assert status_of(generation) == ("failed", error_type)
    assert attempts(generation) == [(1, kind.value, 9)]
    assert wallet_of(organization)[:2] == (100, 0)
    assert books_are_right()


def test_a_busy_upstream_is_asked_again_later_under_a_new_key(access: Access) -> None:
    generation = a_generation(access)
    busy = Upstream(lambda _job, _progress: Outcome(OutcomeKind.BUSY))
    with upstream(busy):
        for _ in range(4):
            runner.run(generation.pk)
    assert busy.called_with == [f"{generation.task_id}:{number}" for number in (1, 2, 3)]
    assert status_of(generation) == ("failed", "upstream_unavailable")
    assert settlements_of(generation) == ["release"]


def test_an_adapter_that_raises_ends_the_task_and_not_the_worker(
    organization: Organization, access: Access, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(_job: Job, _progress: OnProgress) -> Outcome:
        raise RuntimeError("a bug")

    generation = a_generation(access)
    with upstream(Upstream(explode)):
        runner.run(generation.pk)
    assert status_of(generation) == ("failed", "generation_failed")
    assert Attempt.objects.get().detail == "RuntimeError: a bug"
    assert wallet_of(organization)[:2] == (100, 0)
    assert "provider sandbox raised" in caplog.text


@pytest.mark.parametrize(
    ("images", "detail"),
    [
        ((), "the answer held no image"),
        ((HTML,), "unusable image: not a readable PNG, JPEG or WebP: UnidentifiedImageError"),
        ((b"",), "unusable image: not a readable PNG, JPEG or WebP: UnidentifiedImageError"),
    ],
)
def test_an_answer_without_a_usable_image_costs_nothing(
    organization: Organization, access: Access, folder: Path, images: tuple[bytes, ...], detail: str
) -> None:
    generation = a_generation(access)
    with upstream(Upstream(lambda _job, _progress: Outcome(OutcomeKind.OK, images=images, cost_micros=700))):
        runner.run(generation.pk)
    assert status_of(generation) == ("failed", "generation_failed")
    assert Attempt.objects.get().detail == detail
    assert attempts(generation) == [(1, "failed", 700)]
    assert files(folder) == []
    assert wallet_of(organization)[:2] == (100, 0)


def test_the_usable_images_of_an_answer_are_delivered_and_paid(folder: Path) -> None:
    organization = an_organization(100)
    set_price(20)
    generation = a_generation(an_access(organization))
    Generation.objects.update(n=4)

    def one_is_html(job: Job, _progress: OnProgress) -> Outcome:
        return Outcome(OutcomeKind.OK, images=(small(job), HTML, small(job), small(job), small(job)))

    with upstream(Upstream(one_is_html)):
        runner.run(generation.pk)
    assert list(Image.objects.order_by("index").values_list("index", flat=True)) == [0, 2, 3]
    assert len(files(folder)) == 3
    assert wallet_of(organization)[:2] == (85, 0)
    assert books_are_right()


# --- Late ----------------------------------------------------------------------------------------


def test_a_worker_that_lost_its_generation_leaves_no_file(
    organization: Organization, access: Access, folder: Path
) -> None:
    generation = a_generation(access)

    def taken_over(job: Job, progress: OnProgress) -> Outcome:
        age(generation, lease_until=1)
        assert lifecycle.hand_back(Generation.objects.get(pk=generation.pk), 0, lost=True)
        assert lifecycle.claim(generation.pk) is not None
        assert not progress(50)
        return ok(job, progress)

    with upstream(Upstream(taken_over)):
        runner.run(generation.pk)
    assert status_of(generation) == ("running", "")
    assert files(folder) == []
    assert not Image.objects.exists()
    assert settlements_of(generation) == []
    assert attempts(generation) == [(1, "", 0)]


def test_a_canceled_generation_is_free_and_its_image_is_not_kept(
    organization: Organization, access: Access, folder: Path
) -> None:
    generation = a_generation(access)

    def canceled_meanwhile(job: Job, progress: OnProgress) -> Outcome:
        lifecycle.cancel(generation)
        return ok(job, progress)

    with upstream(Upstream(canceled_meanwhile)):
        runner.run(generation.pk)
    assert status_of(generation) == ("canceled", "canceled")
    assert files(folder) == []
    assert attempts(generation) == [(1, "canceled_cost", 700)]
    assert wallet_of(organization)[:2] == (100, 0)
    assert books_are_right()


def test_an_upstream_that_was_told_to_stop_changes_nothing(access: Access) -> None:
    generation = a_generation(access)

    def stops(_job: Job, progress: OnProgress) -> Outcome:
        lifecycle.cancel(generation)
        assert not progress(10)
        return Outcome(OutcomeKind.CANCELED)

    with upstream(Upstream(stops)):
        runner.run(generation.pk)
    assert status_of(generation) == ("canceled", "canceled")


def test_nothing_is_asked_of_an_upstream_when_the_lease_was_lost_first(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = a_generation(access)
    take = lifecycle.take

    def slow_take(queued: Generation) -> bool:
        taken = take(queued)
        age(generation, lease_until=1)
        return taken

    monkeypatch.setattr(lifecycle, "take", slow_take)
    with upstream(Upstream(ok)) as asked:
        runner.run(generation.pk)
    assert asked.called_with == []
    assert not Attempt.objects.exists()


# --- The disk is full ----------------------------------------------------------------------------


class FullDisk(storage.DurableFileSystemStorage):
    """Has room for `room` files."""

    room = 0

    def _save(self, name: str, content: object) -> str:
        if not FullDisk.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        FullDisk.room -= 1
        return super()._save(name, content)  # type: ignore[arg-type] # as Django calls it


def fill_disk(settings: Settings, room: int) -> None:
    FullDisk.room = room
    entry = {**settings.STORAGES["images"], "BACKEND": f"{__name__}.FullDisk"}
    settings.STORAGES = {**settings.STORAGES, "images": entry}
    storages._storages.clear()  # type: ignore[attr-defined] # as above


def test_what_cannot_be_stored_is_tried_again_and_not_charged(
    organization: Organization, access: Access, folder: Path, settings: Settings
) -> None:
    generation = a_generation(access)
    with upstream(Upstream(ok)):
        fill_disk(settings, room=0)
        runner.run(generation.pk)
        assert status_of(generation) == ("queued", "")
        assert wallet_of(organization)[:2] == (85, 15)
        fill_disk(settings, room=9)
        runner.run(generation.pk)
    assert status_of(generation) == ("succeeded", "")
    assert attempts(generation) == [(1, "not_stored", 700), (2, "ok", 700)]
    assert files(folder) == [f"{generation.task_id}/2/0.jpeg"]
    assert books_are_right()


def test_a_disk_that_stays_full_costs_the_customer_nothing(
    organization: Organization, access: Access, folder: Path, settings: Settings
) -> None:
    set_price(20)
    generation = a_generation(access)
    Generation.objects.update(n=4)
    with upstream(Upstream(ok)):
        for _ in range(3):
            fill_disk(settings, room=2)
            runner.run(generation.pk)
    assert status_of(generation) == ("failed", "generation_failed")
    assert files(folder) == []
    assert wallet_of(organization)[:2] == (100, 0)
    assert books_are_right()
