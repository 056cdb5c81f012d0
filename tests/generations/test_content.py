"""What a shop does not make is refused before anything is held."""

import logging

import pytest
from django.core.exceptions import ImproperlyConfigured

from accounts.access import Access
from accounts.errors import Unavailable
from accounts.models import Organization, Shop
from accounts.shops import first_shop
from generations import content, ordering
from generations.apps import _classifier
from generations.errors import ContentRejected
from generations.models import BlockedPhrase, Generation
from generations.request import ImageRequest
from tests.cast import Person
from tests.makers import a_request, an_access, wallet_of
from tests.pages import browser_of

pytestmark = pytest.mark.django_db


def block(*phrases: str) -> None:
    for phrase in phrases:
        BlockedPhrase.objects.create(shop=first_shop(), phrase=phrase)


def order(access: Access, prompt: str) -> Generation:
    return ordering.order(access, a_request(prompt), endpoint="test")


@pytest.mark.parametrize(
    "prompt",
    [
        "a Red Dragon at dusk",
        "RED   DRAGON",
        "red\u200bdra\u00adgon and red dragon",
        "ｒｅｄ ｄｒａｇｏｎ",
        "(red\ndragon)",
        "red dragon",
        "一条赤い竜の絵",
    ],
)
def test_a_blocked_phrase_is_found_however_it_is_written(
    organization: Organization, access: Access, prompt: str
) -> None:
    block("red dragon", "赤い竜")
    with pytest.raises(ContentRejected) as refusal:
        order(access, prompt)
    assert (refusal.value.status, refusal.value.type, refusal.value.param) == (
        400,
        "content_rejected",
        "prompt",
    )
    assert not Generation.objects.exists()
    assert wallet_of(organization)[:2] == (100, 0)


@pytest.mark.parametrize(
    "prompt", ["a bored dragon", "red dragonfly", "dragon red", "a reddragon", "red-dragon"]
)
def test_what_only_looks_like_it_is_made(access: Access, prompt: str) -> None:
    block("red dragon")
    assert order(access, prompt).prompt == prompt


def test_signs_and_phrases_of_patterns_are_taken_literally(access: Access) -> None:
    block("c++", ".*", "50%")
    order(access, "c and b")
    for prompt in ("in c++ style", "the text .* in red", "50% grey"):
        with pytest.raises(ContentRejected):
            order(access, prompt)


def test_an_empty_phrase_blocks_nothing(access: Access) -> None:
    block("\u200b")
    order(access, "a lighthouse")


def test_each_shop_has_its_own_rules(access: Access) -> None:
    BlockedPhrase.objects.create(shop=Shop.objects.create(slug="elsewhere"), phrase="lighthouse")
    order(access, "a lighthouse")


def test_test_keys_are_held_to_the_same_rules(organization: Organization) -> None:
    block("red dragon")
    with pytest.raises(ContentRejected):
        order(an_access(organization, livemode=False), "red dragon")


def test_the_prompt_itself_stays_as_it_was_written(access: Access) -> None:
    block("red dragon")
    prompt = "  ＢＬＵＥ\u200b dragon  "
    assert order(access, prompt).prompt == prompt


# --- Classifiers --------------------------------------------------------------------------------


def test_a_classifier_refuses_with_a_reason_for_the_log_alone(
    access: Access, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    def classify(organization: Organization, request: ImageRequest) -> str | None:
        asked.append(organization.slug)
        return "scores 0.98" if "dragon" in request.prompt else None

    monkeypatch.setattr(content, "classifiers", [classify])
    order(access, "a lighthouse")
    with caplog.at_level(logging.INFO), pytest.raises(ContentRejected) as refusal:
        order(access, "a dragon")
    assert "0.98" in caplog.text
    assert "0.98" not in str(refusal.value.message)
    assert asked == [access.organization.slug] * 2


def test_a_classifier_that_fails_lets_nothing_through(
    organization: Organization, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_organization: Organization, _request: ImageRequest) -> str | None:
        raise ConnectionError

    monkeypatch.setattr(content, "classifiers", [broken])
    with pytest.raises(Unavailable) as refusal:
        order(access, "a lighthouse")
    assert refusal.value.retry_after == content.CLASSIFIER_RETRY_S
    assert wallet_of(organization)[:2] == (100, 0)


def test_a_classifier_is_named_by_its_path() -> None:
    assert _classifier("tests.generations.test_content.block").__name__ == "block"
    for path in ("tests.nowhere.function", "tests.generations.test_content.nothing", "nothing"):
        with pytest.raises(ImproperlyConfigured, match="CONTENT_CLASSIFIER"):
            _classifier(path)
    with pytest.raises(ImproperlyConfigured, match="not a function"):
        _classifier("tests.makers.MICROS")


# --- What people see ----------------------------------------------------------------------------


def test_the_page_says_so_and_keeps_the_prompt(alice: Person) -> None:
    block("red dragon")
    answer = browser_of(alice).post(
        "/playground/", {"prompt": "a red dragon", "aspect_ratio": "1:1", "output_format": "jpeg"}
    )
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "against the content rules of this shop" in page
    assert "a red dragon</textarea>" in page
    assert not Generation.objects.exists()
