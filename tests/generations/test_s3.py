"""The image storage in a bucket: what holds for a folder holds here."""

import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation, SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from PIL import Image
from pytest_django import Settings

from accounts.privacy import archive
from generations import s3, storage
from generations.s3 import S3ImageStorage
from generations.storage import CheckedImage, check
from tests.generations.s3_server import S3Server, running_s3
from tests.threads import together


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(server: S3Server, settings: Settings) -> Iterator[S3Server]:
    """Behind the alias that the product uses; empty afterwards."""
    use(settings, **server.options)
    yield server
    server.empty()


def use(settings: Settings, **options: object) -> None:
    images = {"BACKEND": "generations.s3.S3ImageStorage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"images": images}


def picture(image_format: str = "PNG", size: tuple[int, int] = (800, 600)) -> CheckedImage:
    file = BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(file, image_format)
    return check(file.getvalue())


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_image_is_stored_under_its_key_and_read_again(bucket: S3Server, image_format: str) -> None:
    image = picture(image_format)
    key = storage.store("task_1", 2, 3, image)
    assert key == f"task_1/2/3.{image.extension}"
    assert bucket.stored() == [f"shop/one/{key}"]
    assert storage.read(key) == image.data
    with storage.open_image(key) as file:
        assert file.read(10) == image.data[:10]
    assert storages["images"].size(key) == len(image.data)


def test_largest_image_is_stored_whole(bucket: S3Server) -> None:
    data = bytes(range(256)) * (storage.MAX_IMAGE_BYTES // 256)
    storages["images"].save("task_1/1/0.png", ContentFile(data))
    assert storage.read("task_1/1/0.png") == data


def test_storing_again_under_the_same_key_replaces_the_object(bucket: S3Server) -> None:
    storage.store("task_1", 1, 0, picture(size=(50, 50)))
    later = picture(size=(60, 60))
    assert storage.read(storage.store("task_1", 1, 0, later)) == later.data
    assert bucket.stored() == ["shop/one/task_1/1/0.png"]


def test_thumbnail_is_made_once_and_kept_beside_the_image(bucket: S3Server) -> None:
    key = storage.store("task_1", 1, 0, picture())
    made = check(storage.thumbnail(key))
    assert (made.extension, made.width, made.height) == ("webp", 384, 288)
    assert bucket.stored() == [f"shop/one/{key}", f"shop/one/{key}.thumb.webp"]
    storages["images"].save(f"{key}.thumb.webp", ContentFile(b"kept"))
    assert storage.thumbnail(key) == b"kept"


def test_an_archive_lies_there_in_parts_until_it_is_removed(
    bucket: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "PART_BYTES", 1000)
    image = picture()
    parts = archive.PartWriter("exports/abc")
    with archive.Archive(parts) as target:
        target.add_document("numbers.json", ({"n": number} for number in range(3)))
        target.add_file("images/one.png", image.data)
    assert len(bucket.stored()) == parts.count > 1
    content = b"".join(archive.Reader("exports/abc", parts.count))
    assert len(content) == parts.byte_size
    with zipfile.ZipFile(BytesIO(content)) as zipped:
        assert zipped.read("images/one.png") == image.data
        assert json.loads(zipped.read("numbers.json")) == [{"n": 0}, {"n": 1}, {"n": 2}]
    archive.remove("exports/abc")
    archive.remove("exports/abc")
    assert bucket.stored() == []
    with pytest.raises(FileNotFoundError):
        archive.Reader("exports/abc", parts.count)


def test_what_is_not_there_is_not_found(bucket: S3Server) -> None:
    for read in (storage.read, storage.thumbnail, storage.open_image, storages["images"].size):
        with pytest.raises(FileNotFoundError):
            read("task_9/1/0.png")
    assert not storages["images"].exists("task_9/1/0.png")
    assert storages["images"].listdir("task_9") == ([], [])


def test_delete_takes_image_and_thumbnail_and_what_is_gone_is_fine(bucket: S3Server) -> None:
    first, second = (storage.store("task_1", 1, index, picture()) for index in (0, 1))
    storage.thumbnail(first)
    storage.delete([first, first, "task_9/1/0.png"])
    assert bucket.stored() == [f"shop/one/{second}"]


def test_what_lost_claims_stored_is_removed(bucket: S3Server) -> None:
    keys = [storage.store("task_1", claim, index, picture()) for claim in (1, 2, 10) for index in (0, 1)]
    other = storage.store("task_10", 1, 0, picture())
    storage.thumbnail(keys[0])
    storage.delete_earlier_claims("task_1", 10)
    assert bucket.stored() == sorted(f"shop/one/{key}" for key in (*keys[4:], other))
    storage.delete_unsettled("task_1", 10)
    assert bucket.stored() == [f"shop/one/{other}"]
    storage.delete_unsettled("task_9", 3)


def test_first_views_at_once_all_get_the_same_thumbnail(bucket: S3Server) -> None:
    key = storage.store("task_1", 1, 0, picture())
    views = together(8, lambda _: storage.thumbnail(key))
    assert len({view for view in views if isinstance(view, bytes)}) == 1
    assert len(views) == 8
    assert len(bucket.stored()) == 2


@pytest.mark.parametrize("name", ["../outside.png", "a/../../../outside.png"])
def test_no_key_leads_out_of_the_prefix(bucket: S3Server, name: str) -> None:
    for use_it in (lambda: storages["images"].save(name, ContentFile(b"x")), lambda: storage.read(name)):
        with pytest.raises((SuspiciousOperation, SuspiciousFileOperation)):
            use_it()


def test_there_is_no_public_address(bucket: S3Server) -> None:
    key = storage.store("task_1", 1, 0, picture())
    with pytest.raises(ValueError, match="no public address"):
        storages["images"].url(key)


TROUBLE = {
    "another secret": {"secret_key": "wrong"},
    "unknown key": {"access_key": "AKIAWRONGWRONGWRONG0"},
    "another bucket": {"bucket_name": "somebody-elses"},
}


@pytest.mark.parametrize("changes", TROUBLE.values(), ids=TROUBLE)
def test_bucket_that_refuses_us_is_trouble_and_not_a_missing_file(
    bucket: S3Server, settings: Settings, changes: dict[str, str]
) -> None:
    key = storage.store("task_1", 1, 0, picture())
    use(settings, **{**bucket.options, **changes})
    assert_all_is_trouble(key)


def assert_all_is_trouble(key: str) -> None:
    images = storages["images"]
    for attempt in (
        lambda: storage.store("task_2", 1, 0, picture()),
        lambda: storage.read(key),
        lambda: storage.thumbnail(key),
        lambda: storage.delete([key]),
        lambda: storage.delete_unsettled("task_1", 1),
        lambda: images.exists(key),
        lambda: images.size(key),
    ):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - any but the one kind
            attempt()
        assert not isinstance(caught.value, FileNotFoundError)


def test_bucket_that_is_away_is_asked_again_after_a_while_or_by_who_has_an_image(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "AWAY_S", 1000)
    with running_s3(tmp_path, open_to_all=True) as server:
        use(settings, **server.options)
        key = storage.store("task_1", 1, 0, picture())
        server.kill()
        assert_all_is_trouble(key)
        server.start()
        with pytest.raises(ConnectionError, match="a moment ago"):
            storage.read(key)
        storage.discard([key])  # stays, and stops nobody
        key = storage.store("task_1", 1, 1, picture())  # comes through, so the bucket is back
        assert check(storage.read(key)) == picture()
        server.kill()
        monkeypatch.setattr(s3, "AWAY_S", 0)
        with pytest.raises(ConnectionError, match="connect"):
            storage.read(key)
        server.start()
        with pytest.raises(FileNotFoundError):  # it forgot everything, but it is asked
            storage.read(key)


def test_bucket_that_answers_nothing_is_given_up(
    bucket: S3Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "READ_S", 0.3)
    use(settings, **bucket.options)
    key = storage.store("task_1", 1, 0, picture())
    bucket.freeze()
    try:
        with pytest.raises(ConnectionError, match="Timeout"):
            storage.read(key)
    finally:
        bucket.thaw()


def test_patience_is_bounded() -> None:
    made = S3ImageStorage(bucket_name="images", access_key="key", secret_key="secret")
    config = made.connection.meta.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 10)
    assert config.retries["total_max_attempts"] == 2
