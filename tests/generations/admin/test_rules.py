"""Blocked phrases and takedowns at the desk."""

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from generations.models import BlockedPhrase, Image, Takedown
from tests.generations.kept_images import an_image, files, keep_images_in

pytestmark = pytest.mark.django_db
PHRASES = "/admin/generations/blockedphrase/"


@pytest.fixture
def image(tmp_path: Path, settings: Settings) -> Image:
    keep_images_in(tmp_path, settings)
    return an_image(0)


def test_a_phrase_is_added_once_and_not_an_invisible_one(desk: Client) -> None:
    assert desk.post(f"{PHRASES}add/", {"phrase": "red dragon"}).status_code == 302
    assert "blocked already" in desk.post(f"{PHRASES}add/", {"phrase": "red dragon"}).content.decode()
    assert "nothing to be seen" in desk.post(f"{PHRASES}add/", {"phrase": "\u200b"}).content.decode()
    assert list(BlockedPhrase.objects.values_list("phrase", flat=True)) == ["red dragon"]
    assert "red dragon" in desk.get(PHRASES).content.decode()


def test_an_image_is_taken_down_with_a_reason(
    desk: Client, operator: User, image: Image, tmp_path: Path
) -> None:
    path = f"/admin/generations/image/{image.pk}/take-down/"
    assert "cannot be undone" in desk.get(path).content.decode()
    assert desk.post(path, {"reason": " "}).status_code == 200
    assert not Takedown.objects.exists()
    page = desk.post(path, {"reason": "A person in it asked"}, follow=True).content.decode()
    assert "is taken down" in page
    row = Takedown.objects.get()
    assert (row.actor, row.reason) == (f"staff:{operator.uuid}", "A person in it asked")
    assert files(tmp_path) == 0
    assert "A person in it asked" in desk.get("/admin/generations/image/").content.decode()


def test_an_image_is_found_by_its_task(desk: Client, image: Image) -> None:
    found = desk.get(f"/admin/generations/image/?q={image.generation.task_id}").content.decode()
    assert image.public_id in found
    assert image.public_id not in desk.get("/admin/generations/image/?q=task_nothing").content.decode()


def test_taking_down_needs_the_right_to(image: Image) -> None:
    staff = User.objects.create_user("staff@shop.example", "long enough to be one", is_staff=True)
    client = Client()
    client.force_login(staff)
    assert client.post(f"/admin/generations/image/{image.pk}/take-down/", {"reason": "x"}).status_code == 403
    assert not Takedown.objects.exists()
