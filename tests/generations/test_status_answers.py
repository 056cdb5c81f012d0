"""GET /api/status: every member, in every state."""

import datetime
import re
import time
from typing import Any

import pytest
from django.db.models import F
from pytest_django import Settings

from billing.reads import balance
from generations import lifecycle, runner
from generations.models import Generation, Image
from generations.sweeps import delete_old_images
from tests.accounts.client import FOX, data_of, generate, send, status, task_of
from tests.cast import Person, new_key

MEMBERS = {
    *("status", "task_id", "request", "response", "consumed_credits", "created_at", "error_message"),
    *("seed", "expires_at", "images_deleted_at"),
}
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice)[1]


def ordered(key: str, **fields: Any) -> Generation:
    return Generation.objects.get(task_id=task_of(generate(key, FOX | fields)))


def asked(key: str, generation: Generation) -> dict[str, Any]:
    """`data`, of which no member is ever missing."""
    data = data_of(status(key, generation.task_id))
    assert set(data) == MEMBERS
    assert data["task_id"] == generation.task_id
    assert TIME.fullmatch(data["created_at"])
    assert set(data["request"]) == {"prompt", "aspect_ratio", "size", "seed"}
    return data


def as_seconds(text: str) -> float:
    """Unix time of a time as the contract writes it: UTC without a zone."""
    return datetime.datetime.strptime(f"{text} +0000", "%Y-%m-%d %H:%M:%S %z").timestamp()


def test_waiting_task_has_all_members(key: str) -> None:
    generation = ordered(key)
    data = asked(key, generation)
    assert data == {
        "status": "IN_PROGRESS",
        "task_id": generation.task_id,
        "request": {"prompt": "a fox in the snow", "aspect_ratio": "1:1", "size": "1024*1024", "seed": "-1"},
        "response": [],
        "consumed_credits": 0,
        "created_at": generation.created_at.strftime("%Y-%m-%d %H:%M:%S"),
        "error_message": None,
        "seed": None,
        "expires_at": None,
        "images_deleted_at": None,
    }
    assert abs(as_seconds(data["created_at"]) - time.time()) < 60


def test_running_task_knows_its_seed_and_is_still_in_progress(key: str) -> None:
    generation = ordered(key)
    lifecycle.claim(generation.pk)
    data = asked(key, generation)
    assert (data["status"], data["response"], data["consumed_credits"]) == ("IN_PROGRESS", [], 0)
    assert isinstance(data["seed"], int)
    assert 0 <= data["seed"] <= 2_147_483_647


def test_finished_task_shows_its_image_and_what_it_cost(alice: Person, key: str, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    settings.IMAGE_LINK_SECONDS = 3600
    generation = ordered(key, seed="7")
    runner.run(generation.pk)
    data = asked(key, generation)
    assert (data["status"], data["consumed_credits"], data["error_message"]) == ("SUCCESS", 15, None)
    assert (data["seed"], data["images_deleted_at"]) == (7, None)
    [address] = data["response"]
    found = re.fullmatch(
        r"https://shop\.example/i/img_[0-9A-Z]{26}\.jpeg\?e=([0-9]+)&s=[0-9a-f]{64}", address
    )
    assert found
    assert int(found[1]) == as_seconds(data["expires_at"])
    assert abs(int(found[1]) - time.time() - 3600) < 60
    assert balance(alice.organization.pk).available == 1485


@pytest.mark.parametrize("output_format", ["jpeg", "png", "webp"])
def test_address_ends_in_the_format_that_was_asked_for(key: str, output_format: str) -> None:
    generation = ordered(key, output_format=output_format)
    runner.run(generation.pk)
    [address] = asked(key, generation)["response"]
    assert f".{output_format}?" in address


def test_address_opens_without_a_key(key: str, settings: Settings) -> None:
    generation = ordered(key, size="512*256")
    runner.run(generation.pk)
    [address] = asked(key, generation)["response"]
    opened = send("GET", address.removeprefix(settings.PUBLIC_URL))
    assert (opened.status_code, opened["Content-Type"]) == (200, "image/jpeg")


def test_address_never_starts_with_the_host_that_was_asked(key: str, settings: Settings) -> None:
    settings.UNKNOWN_HOSTS = "first"
    generation = ordered(key)
    runner.run(generation.pk)
    data = data_of(
        status(key, generation.task_id, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    )
    assert "evil" not in str(data)


def test_addresses_are_signed_afresh_at_every_call(key: str, settings: Settings) -> None:
    generation = ordered(key)
    runner.run(generation.pk)
    before = asked(key, generation)
    settings.IMAGE_LINK_SECONDS += 1000
    after = asked(key, generation)
    assert after["response"] != before["response"]
    assert as_seconds(after["expires_at"]) - as_seconds(before["expires_at"]) >= 1000


@pytest.mark.parametrize(
    ("fields", "echo"),
    [
        ({"seed": 42}, {"aspect_ratio": "1:1", "size": "1024*1024", "seed": "42"}),
        ({"seed": "007"}, {"aspect_ratio": "1:1", "size": "1024*1024", "seed": "007"}),
        ({"aspect_ratio": "9:16"}, {"aspect_ratio": "9:16", "size": "720*1280", "seed": "-1"}),
        ({"size": "512x768"}, {"aspect_ratio": "1:1", "size": "512*768", "seed": "-1"}),
        (
            {"size": "512x768", "aspect_ratio": "odd"},
            {"aspect_ratio": "odd", "size": "512*768", "seed": "-1"},
        ),
        ({"size": "512*768", "aspect_ratio": None}, {"aspect_ratio": None, "size": "512*768", "seed": "-1"}),
        ({"size": "512*768", "aspect_ratio": 5}, {"aspect_ratio": None, "size": "512*768", "seed": "-1"}),
    ],
)
def test_request_is_echoed_as_it_was_asked_for(
    key: str, fields: dict[str, Any], echo: dict[str, Any]
) -> None:
    assert asked(key, ordered(key, **fields))["request"] == {"prompt": FOX["prompt"]} | echo


def test_asked_for_seed_is_known_from_the_start(key: str) -> None:
    assert asked(key, ordered(key, seed="7"))["seed"] == 7


@pytest.mark.parametrize(
    ("error_type", "message"),
    [
        ("upstream_unavailable", "upstream_unavailable: please retry later"),
        ("content_rejected", "content_rejected: prompt or image was refused"),
        ("invalid_request", "invalid_request: parameters not accepted"),
        ("timeout", "timeout: generation took too long"),
        ("generation_failed", "generation_failed"),
        ("a word of later versions", "generation_failed"),
    ],
)
def test_failed_task_says_why_and_costs_nothing(
    alice: Person, key: str, error_type: str, message: str
) -> None:
    generation = ordered(key)
    claimed = lifecycle.claim(generation.pk)
    assert claimed is not None
    lifecycle.fail(claimed, error_type, detail="upstream said: account 4711 has no money")
    data = asked(key, generation)
    assert (data["status"], data["error_message"]) == ("FAILED", message)
    assert (data["response"], data["consumed_credits"], data["expires_at"]) == ([], 0, None)
    assert balance(alice.organization.pk).available == 1500


def test_canceled_task_reads_as_failed(alice: Person, key: str) -> None:
    generation = ordered(key)
    lifecycle.cancel(generation)
    data = asked(key, generation)
    assert (data["status"], data["error_message"], data["consumed_credits"]) == ("FAILED", "canceled", 0)
    assert balance(alice.organization.pk).available == 1500


def test_expired_task_reads_as_a_timeout(key: str) -> None:
    generation = ordered(key)
    Generation.objects.filter(pk=generation.pk).update(deadline_at=F("created_at"))
    assert lifecycle.expire(generation)
    assert asked(key, generation)["error_message"] == "timeout: generation took too long"


def test_after_retention_the_task_has_succeeded_but_shows_no_image(key: str, settings: Settings) -> None:
    generation = ordered(key)
    runner.run(generation.pk)
    days = datetime.timedelta(days=settings.RETENTION_DAYS)
    Image.objects.update(created_at=F("created_at") - days)
    due = Image.objects.get().created_at + days
    for _sweep in ("not yet swept", "swept"):
        data = asked(key, generation)
        assert (data["status"], data["response"], data["expires_at"]) == ("SUCCESS", [], None)
        assert data["consumed_credits"] == 15
        assert 0 <= as_seconds(data["images_deleted_at"]) - int(due.timestamp()) < 60
        delete_old_images()
    assert Image.objects.get().deleted_at is not None


def test_day_before_retention_ends_the_image_is_still_shown(key: str, settings: Settings) -> None:
    generation = ordered(key)
    runner.run(generation.pk)
    Image.objects.update(created_at=F("created_at") - datetime.timedelta(days=settings.RETENTION_DAYS - 1))
    delete_old_images()
    assert len(asked(key, generation)["response"]) == 1
