"""OpenAI itself, and engines that speak like it."""

import dataclasses
from collections.abc import Callable

import pytest

from generations.providers.base import OutcomeKind
from generations.providers.openai_compatible import OUT_OF_MEMORY
from generations.providers.wire import Account
from tests.generations.adapters.driving import ask, images_of, job, submit
from tests.upstreams.running import Up


@pytest.fixture
def up(stand_in: Callable[[str], Up]) -> Up:
    return stand_in("openai_compatible")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("moderation", OutcomeKind.REJECTED),
        ("policy", OutcomeKind.REJECTED),
        ("quota", OutcomeKind.FUNDS),
        ("billing", OutcomeKind.FUNDS),
        ("nomodel", OutcomeKind.ACCOUNT),
        ("nodata", OutcomeKind.FAILED),
        ("badbase64", OutcomeKind.FAILED),
        ("url", OutcomeKind.OK),
    ],
)
def test_ends(up: Up, word: str, kind: OutcomeKind) -> None:
    assert submit(up.adapter, up.account(), job(f"up:{word}")).end.kind == kind


def test_a_memory_that_is_too_small_can_be_told_apart(up: Up) -> None:
    end = submit(up.adapter, up.account(), job("up:oom")).end
    assert end.kind == OutcomeKind.BUSY
    assert end.detail.startswith(OUT_OF_MEMORY)
    assert end.once


def test_images_come_with_the_answer(up: Up) -> None:
    assert up.adapter.waits(up.account())
    end = submit(up.adapter, up.account(), job("a lighthouse", n=2)).end
    assert len(set(images_of(end))) == 2
    assert not end.image_urls


def test_engines_are_told_seed_and_steps(up: Up) -> None:
    submit(up.adapter, up.account(), job("a lighthouse", seed=9))
    body = up.log()[-1]["body"]
    assert (body["seed"], body["num_inference_steps"], body["response_format"]) == (9, 8, "b64_json")


def test_engines_without_a_key_get_none(up: Up) -> None:
    assert "Authorization" not in up.adapter.submit(up.account(credential=""), job("x")).headers


@pytest.mark.parametrize("base_url", ["http://gpu:8000", "http://gpu:8000/v1"])
def test_the_version_may_be_part_of_the_base_address(up: Up, base_url: str) -> None:
    request = up.adapter.submit(up.account(base_url=base_url), job("x"))
    assert request.url == "http://gpu:8000/v1/images/generations"


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-3"])
def test_openai_gets_only_what_it_knows(up: Up, model: str) -> None:
    """The adapter goes by the host, so the order is made for theirs and carried to the stand-in."""
    account = Account("https://api.openai.com", up.credential, model)
    order = job("up:hosted a lighthouse", output_format="jpeg")
    request = up.adapter.submit(account, order)
    assert request.url == "https://api.openai.com/v1/images/generations"
    carried = dataclasses.replace(request, url=f"{up.base_url}/v1/images/generations")
    assert up.adapter.read_submit(account, order, ask(carried)).kind == OutcomeKind.OK
    # What is for engines, such as a seed, it would refuse.
    engine = up.adapter.submit(up.account(), order)
    assert up.adapter.read_submit(account, order, ask(engine)).kind == OutcomeKind.INVALID
