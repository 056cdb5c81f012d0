"""What OpenAI's Images API takes, and what becomes of it."""

from typing import Any

import pytest

from accounts.errors import DomainError
from generations.api.openai import read
from generations.request import USUAL

FOX = {"prompt": "a fox"}


def test_prompt_alone_is_the_usual_image() -> None:
    asked = read(FOX)
    request = asked.image_request
    assert (request.width, request.height, request.output_format, request.seed) == (1024, 1024, "jpeg", -1)
    assert (request.model, request.n, request.metadata) == (USUAL["model"], 1, {})
    assert not asked.inline


def test_null_is_absent() -> None:
    names = ("model", "n", "size", "response_format", "output_format", "user", "quality", "style", "stream")
    assert read(FOX | dict.fromkeys(names)) == read(FOX)


def test_all_that_is_offered_is_taken() -> None:
    asked = read(
        FOX
        | {
            "model": "z-image-turbo",
            "n": 4,
            "size": "1536x256",
            "response_format": "b64_json",
            "output_format": "webp",
            "user": "u",
        }
    )
    request = asked.image_request
    assert (request.model, request.n, request.width, request.height) == ("z-image-turbo", 4, 1536, 256)
    assert (request.output_format, request.metadata, asked.inline) == ("webp", {"user": "u"}, True)


def test_rest_is_ignored() -> None:
    more = {
        "quality": "high",
        "style": 7,
        "background": [],
        "seed": 5,
        "aspect_ratio": "16:9",
        "moderation": "x",
    }
    assert read(FOX | more | {"size": "auto"}) == read(FOX)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", None),
        ("prompt", " "),
        ("model", 1),
        ("n", 0),
        ("n", 5),
        ("n", "2"),
        ("n", True),
        ("n", 1.0),
        ("size", "large"),
        ("size", "1025x1024"),
        ("size", {}),
        ("response_format", "png"),
        ("response_format", []),
        ("output_format", "gif"),
        ("user", 5),
        ("user", "u" * 257),
        ("stream", True),
    ],
)
def test_bad_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(DomainError) as refused:
        read(FOX | {field: value})
    assert (refused.value.status, refused.value.param) == (400, field)
