"""One image from an upstream with its saved settings, and what an operator reads when there is none."""

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from generations import trial
from generations.models import Attempt, Generation, Upstream
from tests.makers import an_upstream
from tests.upstreams.running import Up, running

pytestmark = pytest.mark.django_db


def tried(desk: Client, upstream: Upstream, prompt: str = "a lighthouse") -> str:
    path = f"/admin/generations/upstream/{upstream.pk}/try/"
    assert "Make one image" in desk.get(path).content.decode()
    answer = desk.post(path, {"prompt": prompt, "ratio": "16:9"})
    assert answer.status_code == 200
    assert not Generation.objects.exists()
    assert not Attempt.objects.exists()
    return answer.content.decode()


def at(up: Up, **fields: object) -> Upstream:
    usual: dict[str, object] = {
        "base_url": up.base_url,
        "credential": up.credential,
        "model_names": {"z-image-turbo": up.model},
        "cost_micros": 5000,
    }
    return an_upstream(up.name, **{**usual, **fields})


def test_it_shows_the_image_every_step_and_the_cost(desk: Client, portal: Up) -> None:
    page = tried(desk, at(portal))
    assert "It made an image." in page
    assert "data:image/jpeg;base64," in page
    assert "it cost 0.005" in page
    for step in ("POST http://127.0.0.1", "GET http://127.0.0.1", "1280 x 720"):
        assert step in page
    assert portal.credential not in page


@pytest.mark.parametrize("name", ["fal", "replicate", "dashscope", "wavespeed", "openai_compatible"])
def test_every_provider_can_be_tried(desk: Client, name: str) -> None:
    with running(name) as up:
        assert "It made an image." in tried(desk, at(up))


@pytest.mark.parametrize(
    ("prompt", "fields", "said"),
    [
        ("up:401", {}, "It refuses our account."),
        ("x", {"credential": "wrong"}, "It refuses our account."),
        ("x", {"base_url": "http://127.0.0.1:9"}, "It could not serve us."),
        ("up:503", {}, "It could not serve us."),
        ("up:html", {}, "It could not serve us."),
        ("up:blocked", {}, "It refused the prompt."),
        ("up:422", {}, "It did not accept our request."),
        ("up:failed", {}, "It failed."),
        ("up:wrongtype=html", {}, "It failed."),
        ("up:hang", {}, "It did not answer in time."),
        ("up:late=30", {}, "It was still working on it after a minute."),
        ("up:echo up:403", {}, "It refuses our account."),
    ],
)
def test_what_went_wrong_is_said_in_plain_words(
    desk: Client,
    portal: Up,
    monkeypatch: pytest.MonkeyPatch,
    prompt: str,
    fields: dict[str, object],
    said: str,
) -> None:
    monkeypatch.setattr(trial, "CALL_S", 0.5)
    monkeypatch.setattr(trial, "TOTAL_S", 1.0)
    monkeypatch.setattr(trial, "POLL_S", 0.1)
    page = tried(desk, at(portal, **fields), prompt)
    assert said in page
    assert "data:image" not in page
    assert portal.credential not in page


def test_a_credential_that_cannot_be_read_is_said(desk: Client, portal: Up) -> None:
    upstream = at(portal)
    Upstream.objects.update(sealed_credential="sealed by another key")
    assert "cannot be read" in tried(desk, upstream)


def test_what_an_upstream_says_is_shown_as_text(desk: Client, portal: Up, settings: Settings) -> None:
    upstream = at(portal)
    portal.behave(status=400, body={"message": "<script>alert(1)</script>"}, times=1)
    page = tried(desk, upstream)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    connection.close()
