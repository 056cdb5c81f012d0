"""POST /api/v1/generations: what is ordered, and what is refused."""

import json
from typing import Any

import pytest

from accounts.models import ApiKey
from billing.reads import balance
from generations import catalogue, runner
from generations.models import Generation, ImageModel, ModelPrice
from tests.accounts.client import FOX, content, error_of, generate, send, word_of
from tests.cast import Person, new_key
from tests.generations.api.asking import GENERATIONS, created, get, order, post, refused

SHAPE: dict[str, Any] = {
    "id": str,
    "object": str,
    "livemode": bool,
    "status": str,
    "progress": int,
    "model": str,
    "prompt": str,
    "aspect_ratio": (str, type(None)),
    "width": int,
    "height": int,
    "seed": (int, type(None)),
    "n": int,
    "output_format": str,
    "price_credits": int,
    "consumed_credits": int,
    "images": list,
    "images_deleted_at": (str, type(None)),
    "metadata": dict,
    "error": (dict, type(None)),
    "created_at": str,
    "started_at": (str, type(None)),
    "finished_at": (str, type(None)),
    "expires_at": (str, type(None)),
}
EVERYTHING = {
    "prompt": "a fox, „schön“ 🦊",
    "aspect_ratio": "16:9",
    "seed": 7,
    "output_format": "webp",
    "model": "z-image-turbo",
    "n": 2,
    "metadata": {"order": "A-17", "tags": ["x", {"y": 1.5}], "paid": True, "note": None},
    "webhook_url": "https://customer.example/hook?a=1",
}


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice)[1]


def nested(depth: int) -> dict[str, Any]:
    inner: Any = 1
    for _ in range(depth):
        inner = {"a": inner}
    return inner  # type: ignore[no-any-return]


def test_new_generation_has_the_agreed_shape(alice: Person, key: str) -> None:
    response = send("POST", GENERATIONS, key=key, body=EVERYTHING)
    data = content(response)
    assert response.status_code == 200, data
    assert set(data) == set(SHAPE)
    for name, kind in SHAPE.items():
        assert isinstance(data[name], kind), name
    assert response["Location"] == f"{GENERATIONS}/{data['id']}"
    assert {name: data[name] for name in ("status", "progress", "livemode", "width", "height")} == {
        "status": "queued",
        "progress": 0,
        "livemode": True,
        "width": 1280,
        "height": 720,
    }
    for name in EVERYTHING.keys() - {"webhook_url"}:
        assert data[name] == EVERYTHING[name], name
    assert (data["price_credits"], data["consumed_credits"]) == (30, 0)
    assert balance(alice.organization.pk).held == 30
    row = Generation.objects.get()
    assert (row.webhook_url, row.metadata) == (EVERYTHING["webhook_url"], EVERYTHING["metadata"])
    assert get(key, f"generations/{data['id']}") == data


def test_images_come_with_two_addresses_that_open(client: Any, key: str) -> None:
    generation = order(key, n=2, size="256x256")
    runner.run(generation.pk)
    data = get(key, f"generations/{generation.task_id}")
    assert (data["status"], data["progress"], data["consumed_credits"]) == ("succeeded", 100, 30)
    assert len(data["images"]) == 2
    assert data["started_at"] <= data["finished_at"] < data["expires_at"]
    for image in data["images"]:
        assert set(image) == {
            "id",
            "url",
            "thumbnail_url",
            "width",
            "height",
            "content_type",
            "bytes",
            "sha256",
        }
        assert (image["width"], image["height"], image["content_type"]) == (256, 256, "image/jpeg")
        whole = client.get(image["url"].partition("localhost:8000")[2] or image["url"])
        assert (whole.status_code, len(whole.content)) == (200, image["bytes"])
        small = client.get(image["thumbnail_url"].partition("localhost:8000")[2])
        assert (small.status_code, small["Content-Type"]) == (200, "image/webp")


def test_failed_one_says_why(key: str) -> None:
    generation = order(key, prompt="sandbox:content_rejected")
    runner.run(generation.pk)
    data = get(key, f"generations/{generation.task_id}")
    assert (data["status"], data["images"], data["consumed_credits"]) == ("failed", [], 0)
    assert data["error"] == {
        "type": "content_rejected",
        "message": "content_rejected: prompt or image was refused",
    }


def test_null_means_absent(key: str) -> None:
    nulls = dict.fromkeys(EVERYTHING.keys() - {"prompt", "aspect_ratio"})
    data = created(key, **nulls)
    assert (data["n"], data["metadata"], data["model"]) == (1, {}, "z-image-turbo")


@pytest.mark.parametrize("n", [0, -1, 5, "1", 1.5, 1.0, True, False, [1], 10**30])
def test_count_of_images_is_one_to_four(key: str, n: Any) -> None:
    assert refused(key, FOX | {"n": n}) == ("invalid_field", "n")


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        "a",
        1,
        nested(4),
        {"a": [[[1]]]},
        nested(30),
        {"a": "x" * 4096},
        {"a": "é" * 2048},
        {"nul": "\x00"},
        {"\x00": 1},
        {"\ud800": 1},
        {"half": ["\udfff"]},
    ],
)
def test_metadata_that_cannot_be_kept_is_refused(alice: Person, key: str, metadata: Any) -> None:
    assert refused(key, FOX | {"metadata": metadata}) == ("invalid_field", "metadata")
    assert balance(alice.organization.pk).held == 0


@pytest.mark.parametrize("metadata", ['{"a":1e999}', '{"a":[-1e999]}'])
def test_numbers_that_no_answer_can_hold_are_refused(key: str, metadata: str) -> None:
    body = f'{{"prompt":"a","aspect_ratio":"1:1","metadata":{metadata}}}'.encode()
    assert refused(key, body) == ("invalid_field", "metadata")


def test_nesting_without_end_is_refused_as_for_every_body(key: str) -> None:
    body = b'{"prompt":"a","aspect_ratio":"1:1","metadata":' + b'{"a":' * 9000 + b"1" + b"}" * 9001
    assert refused(key, body) == ("invalid_json", None)


def test_metadata_may_fill_its_4096_bytes(key: str) -> None:
    metadata = {"a": "x" * (4096 - len('{"a":""}'))}
    assert created(key, metadata=metadata)["metadata"] == metadata
    assert created(key, metadata=nested(3))["metadata"] == nested(3)


@pytest.mark.parametrize(
    "address",
    [
        "",
        7,
        "customer.example/hook",
        "ftp://customer.example/",
        "http://customer.example/hook",
        "https://user:secret@customer.example/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://customer.example:22/",
        "https://customer.example/\x00",
        "https://customer.example/\ud800",
        "https://customer.example/" + "x" * 2024,
    ],
)
def test_webhook_address_that_will_not_be_called_is_refused(key: str, address: Any) -> None:
    assert refused(key, FOX | {"webhook_url": address}) == ("invalid_field", "webhook_url")


def test_webhook_address_may_have_2048_characters(key: str) -> None:
    address = "https://customer.example/".ljust(2048, "x")
    assert order(key, webhook_url=address).webhook_url == address


@pytest.mark.parametrize(
    ("fields", "word", "param"),
    [
        ({"negative_prompt": "x"}, "invalid_field", "negative_prompt"),
        ({"ключ": 1}, "invalid_field", None),
        ({"aspect_ratio": "2:1"}, "invalid_field", "aspect_ratio"),
        ({"aspect_ratio": "2:1", "size": "512x512"}, "invalid_field", "aspect_ratio"),
        ({"aspect_ratio": None}, "missing_field", "aspect_ratio"),
        ({"prompt": None}, "missing_field", "prompt"),
        ({"model": "gpt-image-9"}, "invalid_field", "model"),
        ({"model": 7}, "invalid_field", "model"),
        ({"model": ""}, "invalid_field", "model"),
    ],
)
def test_what_is_not_known_is_refused(key: str, fields: dict[str, Any], word: str, param: str | None) -> None:
    assert refused(key, FOX | fields) == (word, param)
    assert not Generation.objects.exists()


def test_unknown_model_is_the_same_where_upstreams_are_missing(key: str, settings: Any) -> None:
    settings.DEMO = False
    assert refused(key, FOX | {"model": "gpt-image-9"}) == ("invalid_field", "model")
    assert word_of(send("POST", GENERATIONS, key=key, body=FOX)) == (503, "unavailable")


def test_another_model_has_its_own_price(alice: Person, key: str) -> None:
    model = ImageModel.objects.create(slug="big", name="Big")
    ModelPrice.objects.create(
        shop=alice.organization.shop, model=model, credits=40, valid_from=catalogue.ALWAYS
    )
    data = created(key, model="big", n=3)
    assert (data["model"], data["price_credits"]) == ("big", 120)
    assert get(key, f"generations/{data['id']}")["model"] == "big"


def test_query_is_refused_since_nothing_is_read_from_it(key: str) -> None:
    response = send("POST", GENERATIONS, key=key, body=FOX, QUERY_STRING="seed=7")
    assert error_of(response, 400)["param"] == "seed"


def test_same_idempotency_key_finds_the_same_generation(key: str) -> None:
    headers = {"Idempotency-Key": "once"}
    first = post(key, "generations", FOX | {"n": 2}, headers=headers)
    runner.run(Generation.objects.get().pk)
    again = post(key, "generations", FOX | {"n": 2}, headers=headers)
    assert (again["id"], again["status"], len(again["images"])) == (first["id"], "succeeded", 2)
    for other in ({"n": 3}, {"n": 2, "metadata": {"a": 1}}, {"n": 2, "webhook_url": "https://a.example/"}):
        assert word_of(send("POST", GENERATIONS, key=key, body=FOX | other, headers=headers)) == (
            422,
            "idempotency_mismatch",
        )
    # The documented API is another endpoint.
    assert word_of(generate(key, headers=headers)) == (422, "idempotency_mismatch")
    assert Generation.objects.count() == 1


def test_test_keys_pay_nothing(alice: Person) -> None:
    key = new_key(alice, livemode=False)[1]
    data = created(key, n=4)
    assert (data["livemode"], data["price_credits"]) == (False, 0)
    error = error_of(send("POST", GENERATIONS, key=key, body=FOX | {"prompt": "sandbox:402", "n": 3}), 402)
    assert (error["type"], error["required"]) == ("insufficient_credits", 45)


def test_refusals_are_problems_for_who_asks_so(key: str) -> None:
    response = send("POST", GENERATIONS, key=key, body={}, headers={"Accept": "application/problem+json"})
    assert json.loads(response.content)["error_type"] == "missing_field"


def test_scopes_are_asked_for_by_method(alice: Person) -> None:
    maker = new_key(alice, scopes=["generate"])[1]
    reader = new_key(alice, scopes=["read"])[1]
    generation = order(maker)
    path = f"{GENERATIONS}/{generation.task_id}"
    for method, path_, secret in (
        ("GET", GENERATIONS, maker),
        ("HEAD", GENERATIONS, maker),
        ("GET", path, maker),
        ("GET", f"{path}/receipt", maker),
        ("POST", GENERATIONS, reader),
        ("POST", f"{path}/cancel", reader),
    ):
        response = send(method, path_, key=secret, body=FOX if method == "POST" else b"")
        assert response.status_code == 403, (method, path_)
    assert send("HEAD", GENERATIONS, key=reader).status_code == 200
    assert ApiKey.objects.count() == 2
