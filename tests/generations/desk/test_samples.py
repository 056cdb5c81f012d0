"""The images with which a shop shows what it makes: drawn ones until its operator picks others of their own."""

import base64
import re
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from PIL import Image as Picture
from PIL import ImageChops, ImageStat

from accounts.models import Membership, Role
from generations import samples
from generations.closing import forget_orders
from generations.models import Image, Sample
from generations.retention import delete_image
from generations.takedown import take_down
from tests.cast import Person
from tests.operators import clerk, desk_of, operator
from tests.pages import browser_of, made, text_of
from tests.processes import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(alice: Person) -> Image:
    return Image.objects.get(generation=made(browser_of(alice)))


@pytest.fixture
def desk(alice: Person) -> Client:
    """Of an operator who belongs to alice's organization."""
    user = operator()
    Membership.objects.create(organization=alice.organization, user=user, role=Role.VIEWER)
    return desk_of(user)


def show(desk: Client, image: Image) -> Any:
    sent = {"action": "show_them", "_selected_action": [str(image.pk)]}
    return desk.post("/admin/generations/image/", sent, follow=True)


def shown() -> list[str]:
    """Addresses of the pictures on the landing page."""
    return re.findall(r'<img class="plate" src="([^"]+)"', browser_of().get("/").content.decode())


def test_until_one_is_picked_the_sandbox_has_drawn_them(db: None) -> None:
    assert len(shown()) == len(samples.DRAWN)
    assert "Drawn by the sandbox" in text_of(browser_of().get("/"))


@pytest.mark.parametrize("number", range(1, len(samples.DRAWN) + 1))
def test_what_ships_is_what_the_sandbox_draws(number: int) -> None:
    file = ROOT / "static" / "img" / "samples" / f"{number}.webp"
    assert file.stat().st_size < 20_000
    drawn = samples.drawn(*samples.DRAWN[number - 1])
    with Picture.open(file) as shipped, Picture.open(BytesIO(drawn)) as anew:
        assert shipped.size == anew.size == samples.SIDES_PIXELS
        difference = ImageStat.Stat(ImageChops.difference(shipped.convert("RGB"), anew.convert("RGB")))
    assert max(difference.mean) < 4


def test_picked_image_is_shown_small_in_place_of_those(desk: Client, image: Image) -> None:
    assert "is on the landing page now" in text_of(show(desk, image))
    (path,) = shown()
    answer = browser_of().get(path)
    assert answer["Content-Type"] == "image/webp"
    with Picture.open(BytesIO(answer.content)) as picture:
        assert picture.size == samples.SIDES_PIXELS
    words = browser_of().get("/").content.decode()
    assert 'alt="a fox in the snow"' in words
    assert "Made in this shop." in words
    show(desk, image)
    assert len(shown()) == 1


def test_it_is_in_its_page_at_the_desk_which_may_be_at_another_host(desk: Client, image: Image) -> None:
    show(desk, image)
    sample = Sample.objects.get()
    page = desk.get(f"/admin/generations/sample/{sample.pk}/change/").content.decode()
    assert f"base64,{base64.b64encode(bytes(sample.data)).decode()}" in page


def test_it_stays_when_the_customers_file_goes(desk: Client, image: Image) -> None:
    show(desk, image)
    delete_image(image)
    assert browser_of().get(shown()[0]).status_code == 200


def test_image_of_somebody_else_is_not_for_show(image: Image) -> None:
    assert "Only images of an organization that you belong to" in text_of(show(desk_of(operator()), image))
    assert not Sample.objects.exists()


def test_image_that_is_gone_is_not_for_show(desk: Client, image: Image) -> None:
    delete_image(image)
    assert "only while they are kept" in text_of(show(desk, image))
    assert not Sample.objects.exists()


def test_what_is_taken_down_is_shown_no_more(desk: Client, image: Image) -> None:
    show(desk, image)
    (path,) = shown()
    take_down(image, actor="staff:x", reason="asked to")
    assert browser_of().get(path).status_code == 404
    assert path not in shown()
    assert "Only images" in text_of(show(desk, image))


def test_what_a_closed_organization_made_is_shown_no_more(desk: Client, image: Image, alice: Person) -> None:
    show(desk, image)
    list(forget_orders(alice.organization))
    assert not Sample.objects.exists()


def test_operator_removes_it_again(desk: Client, image: Image) -> None:
    show(desk, image)
    sample = Sample.objects.get()
    assert sample.caption in text_of(desk.get("/admin/generations/sample/"))
    assert desk.get(f"/admin/generations/sample/{sample.pk}/change/").status_code == 200
    assert (
        desk.post(f"/admin/generations/sample/{sample.pk}/delete/", {"post": "yes"}, follow=True).status_code
        == 200
    )
    assert len(shown()) == len(samples.DRAWN)


def test_clerk_without_the_right_shows_and_removes_nothing(desk: Client, image: Image) -> None:
    show(desk, image)
    looked = desk_of(clerk("view_image", "view_sample"))
    Sample.objects.update(caption="kept")
    show(looked, image)
    assert (
        looked.post(
            f"/admin/generations/sample/{Sample.objects.get().pk}/delete/", {"post": "yes"}
        ).status_code
        == 403
    )


def test_most_recent_ones_are_shown(desk: Client, alice: Person) -> None:
    client = browser_of(alice)
    for number in range(samples.MOST + 1):
        show(desk, Image.objects.get(generation=made(client, prompt=f"hill {number}")))
    html = browser_of().get("/").content.decode()
    assert re.findall(r'alt="hill (\d)"', html) == ["4", "3", "2", "1"]
