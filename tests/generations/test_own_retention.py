"""An organization may have its images and prompts gone sooner than the shop's; the shop may let prompts go as well."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Organization
from generations import retention, storage
from generations.models import Attempt, Generation, Image, RetentionMark
from generations.storage import link_expiry, signed_path
from tests.accounts.client import data_of, status
from tests.accounts.privacy.steps import DAY_S, access_of, an_image_of
from tests.cast import Person, new_key
from tests.generations.kept_images import files, keep_images_in
from tests.makers import a_generation, ago
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    keep_images_in(tmp_path, settings)
    return tmp_path


def keep_for(person: Person, days: int | None) -> None:
    Organization.objects.filter(pk=person.organization.pk).update(retention_days=days)


def prompts() -> list[str]:
    return list(Generation.objects.order_by("pk").values_list("prompt", flat=True))


def kept() -> list[bool]:
    return [image.deleted_at is None for image in Image.objects.order_by("pk")]


def test_what_is_past_the_organizations_own_days_goes(alice: Person, charlie: Person, folder: Path) -> None:
    for person in (alice, charlie):
        an_image_of(person, "ten days old", days_old=10)
        an_image_of(person, "two days old", days_old=2)
    keep_for(alice, 7)
    assert retention.apply() == 1
    assert kept() == [False, True, True, True]
    assert prompts() == ["", "two days old", "ten days old", "two days old"]
    assert files(folder) == 3
    assert retention.apply() == 0


def test_what_tells_the_prompt_goes_with_it(alice: Person) -> None:
    an_image_of(alice, "secret plans", days_old=10)
    Attempt.objects.update(detail="refused: secret plans", handle={"prompt": "secret plans"})
    Generation.objects.update(metadata_text='{"plan": "secret"}', webhook_url="https://secret.example/")
    keep_for(alice, 7)
    retention.apply()
    row = Generation.objects.get()
    assert (row.prompt, row.request_digest, row.idempotency_key) == ("", "", None)
    assert (row.metadata, row.webhook_url) == ({}, "")
    assert Attempt.objects.values_list("detail", "handle").get() == ("", None)


def test_failed_orders_forget_their_prompts_too_and_open_ones_stop_the_walk(alice: Person) -> None:
    waiting = a_generation(access_of(alice))
    Generation.objects.filter(pk=waiting.pk).update(created_at=ago(9 * DAY_S))
    an_image_of(alice, "after it", days_old=8)
    keep_for(alice, 7)
    assert retention.apply() == 0
    Generation.objects.filter(pk=waiting.pk).update(
        status="failed", finished_at=ago(8 * DAY_S), error_type="timeout"
    )
    assert retention.apply() == 2
    assert prompts() == ["", ""]


def test_the_walk_goes_on_where_it_was(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PORTION", 2)
    monkeypatch.setattr(retention, "PORTIONS_AT_ONCE", 2)
    for number in range(5):
        an_image_of(alice, f"number {number}", days_old=10)
    keep_for(alice, 7)
    assert [retention.apply() for _ in range(3)] == [4, 1, 0]
    mark = RetentionMark.objects.get(subject=f"organization:{alice.organization.pk}:live")
    assert mark.up_to == Generation.objects.latest("pk").pk


def test_a_file_that_cannot_be_deleted_stops_no_other_and_is_tried_again(
    alice: Person, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "PORTION", 1)
    stuck, other = an_image_of(alice, "stuck", days_old=10), an_image_of(alice, "other", days_old=9)
    path = folder / stuck.storage_key
    path.unlink()
    (path / "something").mkdir(parents=True)  # a full folder in its place: refused, even to root
    keep_for(alice, 7)
    retention.apply()
    assert kept() == [True, False]
    assert prompts() == ["", ""]
    assert "could not be deleted" in caplog.text
    (path / "something").rmdir()
    path.rmdir()
    retention.apply()
    assert kept() == [False, False]
    assert other.storage_key


def test_the_answers_say_so_before_the_sweep_comes(alice: Person) -> None:
    image = an_image_of(alice, "ten days old", days_old=10)
    task_id, secret = image.generation.task_id, new_key(alice)[1]
    path = signed_path(image.public_id, "jpeg", link_expiry(image.created_at) + 20 * DAY_S)
    assert len(data_of(status(secret, task_id))["response"]) == 1
    assert Client().get(path).status_code == 200
    keep_for(alice, 7)
    for swept in (False, True):
        if swept:
            retention.apply()
        data = data_of(status(secret, task_id))
        assert (data["status"], data["response"], data["expires_at"]) == ("SUCCESS", [], None)
        assert data["images_deleted_at"] is not None
        assert data["request"]["prompt"] == ("" if swept else "ten days old")
        assert Client().get(path).status_code == 410
        assert "This image is no longer kept." in text_of(browser_of(alice).get(f"/playground/{task_id}/"))
    with pytest.raises(FileNotFoundError):
        storage.read(image.storage_key)


def test_an_organization_cannot_have_them_kept_for_longer_than_the_shop(alice: Person) -> None:
    keep_for(alice, 1000)
    assert retention.days_kept(1000) == 30
    image = an_image_of(alice, days_old=31)
    assert data_of(status(new_key(alice)[1], image.generation.task_id))["response"] == []


def test_the_shop_lets_prompts_go_and_images_stay(alice: Person, charlie: Person, settings: Settings) -> None:
    for person in (alice, charlie):
        an_image_of(person, "ten days old", days_old=10)
        an_image_of(person, "two days old", days_old=2)
    assert retention.apply() == 0
    settings.PROMPT_RETENTION_DAYS = 7
    # The walk is along the numbers of orders, which in a shop come in the order of time.
    assert retention.apply() == 1
    Generation.objects.update(finished_at=ago(8 * DAY_S))
    assert retention.apply() == 3
    assert prompts() == [""] * 4
    assert kept() == [True] * 4
