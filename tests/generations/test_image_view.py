import datetime
from io import BytesIO
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image as Picture
from pytest_django.fixtures import Settings

from accounts.models import Organization, Shop
from generations import storage
from generations.models import Generation, Image, ImageModel

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(settings: Settings, tmp_path: Path) -> Image:
    backend = {
        "BACKEND": "generations.storage.DurableFileSystemStorage",
        "OPTIONS": {"location": tmp_path / "images"},
    }
    settings.STORAGES = settings.STORAGES | {"images": backend}
    shop, _ = Shop.objects.get_or_create(slug="tintype")
    model, _ = ImageModel.objects.get_or_create(slug="z-image-turbo", defaults={"name": "Z-Image Turbo"})
    generation = Generation.objects.create(
        organization=Organization.objects.create(shop=shop, slug="alice", name="Alice"),
        model=model,
        livemode=False,
        price_credits=0,
        prompt="a fox",
        width=640,
        height=480,
        requested_seed="",
        output_format="jpeg",
        request_digest="",
        dispatch_after=Now(),
        deadline_at=Now(),
    )
    file = BytesIO()
    Picture.linear_gradient("L").resize((640, 480)).convert("RGB").save(file, "JPEG")
    checked = storage.check(file.getvalue())
    image: Image = Image.objects.create(
        generation=generation,
        index=0,
        storage_key=storage.store(generation.task_id, 1, 0, checked),
        content_type=checked.content_type,
        width=checked.width,
        height=checked.height,
        byte_size=len(checked.data),
        sha256=checked.sha256,
    )
    return image


def address(image: Image, extension: str = "jpeg", seconds: int = 100) -> str:
    return storage.signed_path(image.public_id, extension, int(timezone.now().timestamp()) + seconds)


def test_signed_address_opens_without_sign_in(client: Client, image: Image) -> None:
    response = client.get(address(image))
    assert response.status_code == 200
    assert response.content == storage.read(image.storage_key)
    assert response["Content-Type"] == "image/jpeg"
    assert response["Content-Length"] == str(image.byte_size)
    assert not response.cookies


def test_answer_can_be_embedded_but_neither_sniffed_nor_run(client: Client, image: Image) -> None:
    response = client.get(address(image))
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["Content-Disposition"] == f'inline; filename="{image.public_id}.jpeg"'


def test_answer_may_be_kept_as_long_as_the_link_lives(client: Client, image: Image) -> None:
    kind, _, seconds = client.get(address(image, seconds=100))["Cache-Control"].rpartition("=")
    assert kind == "private, max-age"
    assert 95 <= int(seconds) <= 100


def test_thumbnail_has_an_address_and_tag_of_its_own(client: Client, image: Image) -> None:
    response = client.get(address(image, "thumb.webp"))
    small = storage.check(response.content)
    assert (response.status_code, response["Content-Type"]) == (200, "image/webp")
    assert (small.extension, small.width, small.height) == ("webp", 384, 288)
    assert response["ETag"] != client.get(address(image))["ETag"]


def test_head_tells_the_length_and_sends_nothing(client: Client, image: Image) -> None:
    response = client.head(address(image), headers={"Range": "bytes=0-3"})
    assert (response.status_code, response.content) == (200, b"")
    assert response["Content-Length"] == str(image.byte_size)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(client: Client, image: Image, method: str) -> None:
    assert client.generic(method, address(image)).status_code == 405


def test_expired_address_is_forbidden(client: Client, image: Image) -> None:
    assert client.get(address(image, seconds=0)).status_code == 403


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (".jpeg", ".png"),
        (".jpeg", ".thumb.webp"),
        (".jpeg", ""),
        ("/i/img_", "/i/img_0"),
        ("?e=", "?e=9"),
        ("?e=", "?e=0"),
        ("?e=", "?x="),
        ("&s=", "&s=0"),
        ("&s=", "&t="),
        ("&s=", "&s=%00%ff"),
        ("&s=", "&e=1&s="),
        ("?e=", "?s=0&e="),
        ("?e=", "?utm=1&e="),
        ("?", "?_="),
    ],
)
def test_altered_address_is_forbidden_with_one_and_the_same_body(
    client: Client, image: Image, old: str, new: str
) -> None:
    same_id = {"X-Request-Id": "one"}
    response = client.get(address(image).replace(old, new, 1), headers=same_id)
    assert response.status_code == 403
    assert response.json()["error"]["type"] == "link_closed"
    assert response.json() == client.get(address(image, seconds=-1), headers=same_id).json()
    assert response["Cache-Control"] == "no-store"


@hypothesis_settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0), character=st.sampled_from("0123456789abcdefXYZ.&=%?_- "))
def test_no_address_with_another_character_opens(
    client: Client, image: Image, at: int, character: str
) -> None:
    good = address(image)
    at = 4 + at % (len(good) - 4)  # behind "/i/" and the first letter, so that it still is this view's
    altered = good[:at] + character + good[at + 1 :]
    assert client.get(altered).status_code == (200 if altered == good else 403)


def test_deleted_image_is_gone(client: Client, image: Image) -> None:
    Image.objects.update(deleted_at=timezone.now())
    assert client.get(address(image)).status_code == 410


def test_image_past_retention_is_gone_before_the_sweep_comes(
    client: Client, image: Image, settings: Settings
) -> None:
    Image.objects.update(created_at=timezone.now() - datetime.timedelta(days=settings.RETENTION_DAYS))
    assert client.get(address(image)).status_code == 410


def test_image_whose_file_is_lost_is_gone(client: Client, image: Image) -> None:
    storage.delete([image.storage_key])
    assert client.get(address(image)).status_code == 410
    assert client.get(address(image, "thumb.webp")).status_code == 410


def test_image_we_never_had_is_not_found(client: Client, image: Image) -> None:
    path = storage.signed_path("img_never", "jpeg", int(timezone.now().timestamp()) + 100)
    assert client.get(path).status_code == 404
    assert client.get(address(image, "png")).status_code == 404


@pytest.mark.parametrize("sent", ["{}", "W/{}", '"other", {}', "*"])
def test_known_image_is_not_sent_again(client: Client, image: Image, sent: str) -> None:
    etag = client.get(address(image))["ETag"]
    response = client.get(address(image), headers={"If-None-Match": sent.format(etag)})
    assert (response.status_code, response.content) == (304, b"")
    assert response["ETag"] == etag
    assert response["Cache-Control"].startswith("private")


def test_image_is_sent_to_those_who_know_another(client: Client, image: Image) -> None:
    assert client.get(address(image), headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10-", 10, None),
        ("bytes=-5", -5, None),
        ("bytes=-99999999", 0, None),
        ("bytes=10-99999999", 10, None),
    ],
)
def test_one_range_is_sent_alone(
    client: Client, image: Image, asked: str, start: int, stop: int | None
) -> None:
    data = storage.read(image.storage_key)
    response = client.get(address(image), headers={"Range": asked})
    first = start % len(data)
    last = (stop or len(data)) - 1
    assert (response.status_code, response.content) == (206, data[start:stop])
    assert response["Content-Range"] == f"bytes {first}-{last}/{len(data)}"
    assert response["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-99999999", "bytes=-0"])
def test_range_outside_is_refused_with_the_size(client: Client, image: Image, asked: str) -> None:
    response = client.get(address(image), headers={"Range": asked})
    assert (response.status_code, response.content) == (416, b"")
    assert response["Content-Range"] == f"bytes */{image.byte_size}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-3", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=٣-٤", ""]
)
def test_range_that_is_none_is_ignored(client: Client, image: Image, asked: str) -> None:
    response = client.get(address(image), headers={"Range": asked})
    assert (response.status_code, len(response.content)) == (200, image.byte_size)


def test_range_is_honoured_only_while_the_image_is_the_same(client: Client, image: Image) -> None:
    etag = client.get(address(image))["ETag"]
    for sent, status in (
        (etag, 206),
        (f"W/{etag}", 200),
        ('"other"', 200),
        ("Sun, 22 Nov 2026 18:00:00 GMT", 200),
    ):
        response = client.get(address(image), headers={"Range": "bytes=0-9", "If-Range": sent})
        assert response.status_code == status


def test_storage_that_is_away_is_503_and_not_the_end_of_the_image(
    client: Client, image: Image, settings: Settings
) -> None:
    file = Path(settings.STORAGES["images"]["OPTIONS"]["location"]) / image.storage_key
    data = file.read_bytes()
    file.unlink()
    file.mkdir()  # there, and yet not to be read
    response = client.get(address(image))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json()["error"]["type"] == "unavailable"
    file.rmdir()
    file.write_bytes(data)
    assert client.get(address(image)).content == data
