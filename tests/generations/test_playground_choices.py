"""What can be chosen in the playground: images, models, credits or a free sample; and that it is remembered."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Role
from billing import ledger
from generations import runner
from generations.catalogue import ALWAYS
from generations.forms import PlaygroundForm
from generations.models import Generation, ImageModel, ModelPrice, Status
from tests.cast import Person, join, new_key
from tests.makers import wallet_of
from tests.pages import browser_of, made, order, ordered, text_of

HTMX = {"HX-Request": "true"}


def poor(person: Person, credits: int = 10) -> None:
    ledger.take(person.organization.pk, 1500 - credits, reference="manual:poor", actor="system")


def second_model(person: Person) -> None:
    model = ImageModel.objects.create(slug="grand", name="Grand")
    ModelPrice.objects.create(shop=person.organization.shop, model=model, credits=40, valid_from=ALWAYS)


def is_chosen(client: Client, name: str, value: str, path: str = "/playground/") -> bool:
    text = client.get(path).content.decode()
    return bool(re.search(rf'name="{name}" value="{value}" checked', text)) or bool(
        re.search(rf'<option value="{value}"[^>]* selected', text)
    )


# --- How many, and of which model ------------------------------------------------------------------


def test_several_images_are_one_order_for_their_price(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client, n="3")
    assert (generation.n, generation.price_credits) == (3, 45)
    assert wallet_of(alice.organization)[:2] == (1455, 0)
    page = client.get(f"/playground/{generation.task_id}/").content.decode()
    assert page.count(" download>Download") == 3
    assert "Make 3 images · 45 credits" in text_of(client.get("/playground/"))


@pytest.mark.parametrize("n", ["0", "5", "-1", "two", "1.5", "9" * 5000])
def test_another_number_of_images_is_refused_beside_the_field(alice: Person, n: str) -> None:
    response = order(browser_of(alice), n=n)
    assert response.status_code == 400
    assert "Choose 1 to 4 images." in text_of(response)
    assert not Generation.objects.exists()


def test_one_model_is_not_asked_for_two_are_with_their_prices(alice: Person) -> None:
    client = browser_of(alice)
    assert '<select id="model"' not in client.get("/playground/").content.decode()
    second_model(alice)
    page = client.get("/playground/")
    assert "Grand, 40 credits an image" in text_of(page)
    assert "Make image · 15 credits" in text_of(page)
    assert 'data-for="2x80"' in page.content.decode()
    assert ordered(client, model="grand").price_credits == 40


def test_model_that_is_no_longer_sold_is_refused_in_words_for_people(alice: Person) -> None:
    response = order(browser_of(alice), model="gone")
    assert response.status_code == 400
    assert "This model is no longer sold." in text_of(response)


def test_usual_model_named_or_not_is_the_same_order() -> None:
    fields = {"prompt": "a fox", "aspect_ratio": "1:1"}
    digests = set()
    for more in ({}, {"model": "z-image-turbo", "n": "1"}):
        form = PlaygroundForm({**fields, **more}, models=["z-image-turbo"])
        assert form.is_valid()
        digests.add(form.image_request.digest("playground"))
    assert len(digests) == 1


# --- A free sample ---------------------------------------------------------------------------------


def test_sample_costs_nothing_and_is_drawn_by_the_sandbox(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client, mode="test")
    assert (generation.livemode, generation.price_credits, generation.status) == (False, 0, Status.SUCCEEDED)
    assert wallet_of(alice.organization)[:2] == (1500, 0)
    page = text_of(client.get(f"/playground/{generation.task_id}/"))
    assert "free sample" in page
    assert "Make sample · free" in page


def test_sample_is_found_among_the_free_images_and_not_among_the_paid(alice: Person) -> None:
    client = browser_of(alice)
    sample = made(client, mode="test").task_id
    paid = made(client, prompt="paid for").task_id
    listed = {path: client.get(path).content.decode() for path in ("/gallery/", "/gallery/?mode=test")}
    assert [paid in listed["/gallery/"], sample in listed["/gallery/"]] == [True, False]
    assert [paid in listed["/gallery/?mode=test"], sample in listed["/gallery/?mode=test"]] == [False, True]
    assert "It cost nothing." in text_of(client.get(f"/gallery/{sample}/"))


def test_sample_is_watched_canceled_and_deleted_like_any_other(alice: Person, charlie: Person) -> None:
    client = browser_of(alice)
    path = f"/playground/{ordered(client, mode='test').task_id}/"
    assert "A free sample: nothing is charged." in text_of(client.get(path))
    assert client.get(f"{path}progress", headers=HTMX).status_code == 200
    assert browser_of(charlie).get(path).status_code == 404
    assert client.post(f"{path}cancel").status_code == 302
    assert Generation.objects.get().status == Status.CANCELED
    drawn = made(client, mode="test", prompt="another")
    assert client.post(f"/gallery/{drawn.task_id}/delete").status_code == 302
    assert not drawn.images.filter(deleted_at=None).exists()


def test_who_has_too_little_is_offered_the_free_way_first(alice: Person) -> None:
    client = browser_of(alice)
    assert is_chosen(client, "mode", "live")
    poor(alice)
    assert is_chosen(client, "mode", "test")
    refused = order(client, prompt="a kept fox")
    assert refused.status_code == 402
    assert 'name="free" value="yes"' in refused.content.decode()
    assert ordered(client, prompt="a kept fox", mode="live", free="yes").livemode is False


def test_samples_at_once_are_limited(alice: Person, settings: Settings) -> None:
    settings.MAX_OPEN_TASKS = 2
    client = browser_of(alice)
    ordered(client, mode="test", prompt="one")
    ordered(client, mode="test", prompt="two")
    response = order(client, mode="test", prompt="three")
    assert (response.status_code, response["Retry-After"]) == (429, "2")
    for one in Generation.objects.all():
        runner.run(one.pk)
    ordered(client, mode="test", prompt="three")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.BILLING])
def test_role_that_makes_no_images_makes_no_samples_either(alice: Person, role: Role) -> None:
    client = browser_of(join("dora@studio.example", alice.organization, role))
    assert order(client, mode="test").status_code == 403


def test_sandbox_tries_out_what_keys_meet(alice: Person) -> None:
    response = order(browser_of(alice), mode="test", prompt="sandbox:402 fox")
    assert response.status_code == 402
    assert "Not enough credits: an image costs 15, you have 0." in text_of(response)


# --- Remembered ------------------------------------------------------------------------------------


def test_choices_are_there_again_without_the_prompt(alice: Person, bob: Person) -> None:
    client = browser_of(alice)
    ordered(client, aspect_ratio="9:16", output_format="webp", n="2", seed="77", mode="test")
    for name, value in {"aspect_ratio": "9:16", "output_format": "webp", "n": "2", "mode": "test"}.items():
        assert is_chosen(client, name, value), name
    page = client.get("/playground/").content.decode()
    assert 'name="seed" value="77"' in page
    assert "a fox in the snow</textarea>" not in page
    assert is_chosen(browser_of(bob), "aspect_ratio", "1:1")


def test_refused_order_is_not_remembered(alice: Person) -> None:
    client = browser_of(alice)
    order(client, aspect_ratio="9:16", n="7")
    assert is_chosen(client, "aspect_ratio", "1:1")


def test_remembered_model_that_is_gone_gives_way_to_the_usual_one(alice: Person) -> None:
    second_model(alice)
    client = browser_of(alice)
    ordered(client, model="grand")
    assert is_chosen(client, "model", "grand")
    ImageModel.objects.filter(slug="grand").update(active=False)
    assert 'id="model" value="z-image-turbo"' in client.get("/playground/").content.decode()


def test_order_of_a_model_that_is_gone_says_what_is_chosen_in_its_place(alice: Person) -> None:
    second_model(alice)
    client = browser_of(alice)
    task_id = made(client, model="grand").task_id
    paths = (f"/playground/{task_id}/", f"/playground/?vary={task_id}")
    words = "ordered from Grand, which is not sold at the moment. Z-Image-Turbo is chosen in its place."
    assert not any(words in text_of(client.get(path)) for path in paths)
    ImageModel.objects.filter(slug="grand").update(active=False)
    for path in paths:
        page = client.get(path)
        assert words in text_of(page)
        assert 'id="model" value="z-image-turbo"' in page.content.decode()


# --- Again, otherwise, and as code -----------------------------------------------------------------


def test_vary_is_the_same_with_another_seed(alice: Person) -> None:
    client = browser_of(alice)
    generation = made(client, prompt="a varied fox", seed="42")
    page = client.get(f"/playground/?vary={generation.task_id}").content.decode()
    assert "a varied fox</textarea>" in page
    assert 'name="seed" value=""' in page
    assert re.search(r'<button class="button" id="make" autofocus>', page)


def code_of(client: Client, generation: Generation, name: str) -> str:
    page = client.get(f"/playground/{generation.task_id}/").content.decode()
    found = re.search(rf'id="code-{name}">(.*?)</code>', page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_code_is_the_same_order_with_the_beginning_of_the_readers_own_key(alice: Person, bob: Person) -> None:
    client = browser_of(alice)
    generation = made(client, prompt='it\'s a "fox" <b>', n="2")
    assert "tt_live_YOUR_KEY" in code_of(client, generation, "curl")
    own, _secret = new_key(alice)
    new_key(bob)
    new_key(alice, livemode=False)
    curl, python = (code_of(client, generation, name) for name in ("curl", "python"))
    assert f"Bearer {own.prefix}..." in curl
    body: Any = {}
    exec(  # as a reader would run it, with a stand-in for the library
        python.replace("import requests", ""), {"requests": Posted(body), "print": lambda *_words: None}
    )
    assert body["json"] == {
        "prompt": 'it\'s a "fox" <b>',
        "aspect_ratio": "16:9",
        "seed": generation.seed,
        "output_format": "jpeg",
        "model": "z-image-turbo",
        "n": 2,
    }


class Posted:
    """What stands in for the library `requests`."""

    status_code = 201

    def __init__(self, kept: dict[str, Any]) -> None:
        self._kept = kept

    def post(self, _address: str, **arguments: Any) -> "Posted":
        self._kept.update(arguments)
        return self

    def json(self) -> None:
        return None


def test_code_of_a_sample_names_a_test_key(alice: Person) -> None:
    client = browser_of(alice)
    key, _secret = new_key(alice, livemode=False)
    assert f"{key.prefix}..." in code_of(client, made(client, mode="test"), "curl")
