"""One image from one upstream: what happened, step by step, and nothing of it kept."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from billing.models import LedgerEntry
from generations import trial
from generations.models import Attempt, Generation, Upstream
from generations.providers import ADAPTERS
from generations.providers.base import OutcomeKind
from tests.makers import an_upstream
from tests.operators import desk_of, operator
from tests.pages import text_of
from tests.upstreams.running import Up, running

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def portal() -> Iterator[Up]:
    with running("portal") as up:
        yield up


@pytest.fixture(scope="module")
def engine() -> Iterator[Up]:
    with running("openai_compatible") as up:
        yield up


@pytest.fixture
def desk() -> Client:
    return desk_of(operator())


def upstream_at(up: Up, **fields: Any) -> Upstream:
    usual = {"base_url": up.base_url, "credential": up.credential, "model_names": {"z-image-turbo": up.model}}
    return an_upstream(up.name, **{**usual, "cost_micros": 5000, **fields})


def tried(row: Upstream, prompt: str = "a lighthouse") -> trial.Trial:
    return asyncio.run(trial.try_out(row, prompt, 1024, 1024))


def test_polled_upstream_shows_order_questions_and_image(portal: Up, desk: Client) -> None:
    row = upstream_at(portal)
    form = desk.get(f"/admin/generations/upstream/{row.pk}/try/")
    assert "Make one image" in text_of(form)
    assert portal.log() == []
    response = desk.post(
        f"/admin/generations/upstream/{row.pk}/try/", {"prompt": "a hill up:late=0.6", "size": "1280x720"}
    )
    assert response.status_code == 200
    page = text_of(response)
    assert "It works." in page
    assert "it costs you 0.005 USD" in page
    assert "1280 × 720, image/jpeg" in page
    assert page.index("/api/generate") < page.index("/api/status") < page.index("/results/")
    assert 'src="data:image/jpeg;base64,' in response.content.decode()
    assert portal.credential not in response.content.decode()
    assert portal.log()[0]["body"]["prompt"] == "a hill up:late=0.6"


def test_nothing_of_it_is_an_order(engine: Up) -> None:
    found = tried(upstream_at(engine))
    assert (found.kind, [step.status for step in found.steps]) == (OutcomeKind.OK, [200])
    assert found.image is not None
    assert found.cost_micros == 5000
    assert not Generation.objects.exists()
    assert not Attempt.objects.exists()
    assert not LedgerEntry.objects.filter(kind="hold").exists()


@pytest.mark.parametrize(
    ("prompt", "kind", "says"),
    [
        ("up:401", OutcomeKind.ACCOUNT, "refuses our account"),
        ("up:402", OutcomeKind.FUNDS, "balance there is used up"),
        ("up:429", OutcomeKind.BUSY, "no time for us"),
        ("up:html", OutcomeKind.BUSY, "no time for us"),
        ("up:moderation", OutcomeKind.REJECTED, "refused this prompt"),
        ("up:nodata", OutcomeKind.FAILED, "It failed"),
        ("up:url up:wrongtype=html", OutcomeKind.FAILED, "It failed"),
        ("up:drop", OutcomeKind.FAILED, "It failed"),
    ],
)
def test_what_goes_wrong_is_said_in_words(engine: Up, prompt: str, kind: OutcomeKind, says: str) -> None:
    found = tried(upstream_at(engine), prompt)
    assert found.kind == kind, found
    assert says in found.words
    assert found.image is None
    assert len(found.steps) >= 1


def test_wrong_address_and_wrong_credential_show(engine: Up, portal: Up) -> None:
    nobody = tried(upstream_at(engine, base_url="http://127.0.0.1:9"))
    assert (nobody.kind, nobody.steps[0].status) == (OutcomeKind.BUSY, None)
    assert "Connect" in nobody.detail
    wrong = tried(upstream_at(portal, credential="tt_live_wrong"))
    assert (wrong.kind, wrong.steps[0].status) == (OutcomeKind.ACCOUNT, 401)
    lost = tried(upstream_at(engine, base_url=f"{engine.base_url}/elsewhere"))
    assert lost.kind == OutcomeKind.ACCOUNT
    assert lost.cost_micros == 0


def test_credential_that_is_said_back_is_not_shown(portal: Up) -> None:
    found = tried(upstream_at(portal), "up:500 up:echo")
    assert portal.credential not in repr(found)
    assert found.kind == OutcomeKind.BUSY


def test_it_ends_in_time(engine: Up, portal: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "TOTAL_S", 1.0)
    hung = tried(upstream_at(engine), "up:hang")
    assert (hung.kind, hung.steps[0].status) == (OutcomeKind.TIMEOUT, None)
    late = tried(upstream_at(portal), "up:late=30")
    assert late.kind == OutcomeKind.WAIT
    assert "It may still be billed" in late.words
    assert late.cost_micros == 5000


def test_unreadable_credential_and_unknown_provider_are_said(engine: Up, settings: Any) -> None:
    row = upstream_at(engine)
    settings.SEALING_KEYS = ["another key of at least thirty-two"]
    assert "CREDENTIALS_KEY" in tried(row).detail
    assert "no such provider" in tried(an_upstream("gone")).detail


def test_form_refuses_what_is_no_order(engine: Up, desk: Client) -> None:
    row = upstream_at(engine, sizes=["512x512"])
    before = len(engine.log())
    for sent in (
        {"prompt": "", "size": "512x512"},
        {"prompt": "a", "size": "9x9"},
        {"prompt": "x" * 1001, "size": "512x512"},
    ):
        assert desk.post(f"/admin/generations/upstream/{row.pk}/try/", sent).status_code == 200
    assert len(engine.log()) == before
    assert desk.get("/admin/generations/upstream/999/try/").status_code == 404


def test_other_methods_are_refused(desk: Client) -> None:
    response = desk.put(f"/admin/generations/upstream/{an_upstream().pk}/try/")
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("provider", sorted(ADAPTERS.keys() - {"portal", "openai_compatible"}))
def test_every_other_provider_can_be_tried_too(provider: str) -> None:
    with running(provider) as up:
        found = tried(upstream_at(up))
    assert (found.kind, found.cost_micros) == (OutcomeKind.OK, 5000), found
    assert found.image is not None
    assert not any(up.credential in step.address + step.excerpt for step in found.steps)
