"""POST /api/generate: bodies that are refused cost nothing, bodies that clients in the wild send are taken."""

import json
from typing import Any

import pytest

from billing.reads import balance
from generations.models import Generation
from tests.accounts.client import FOX, content, error_of, generate, send, task_of
from tests.cast import Person, new_key


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice)[1]


GOOD = json.dumps(FOX).encode()
REFUSED: list[tuple[int, str, str | None, dict[str, Any]]] = [
    (400, "invalid_json", None, {"body": b""}),
    (400, "invalid_json", None, {"body": GOOD[:-1]}),
    (400, "invalid_json", None, {"body": [FOX]}),
    (400, "invalid_json", None, {"body": b'"a fox"'}),
    (400, "invalid_json", None, {"body": b'{"prompt":"a","prompt":"b","aspect_ratio":"1:1"}'}),
    (400, "invalid_json", None, {"body": b'{"x":{"a":1,"a":2},' + GOOD[1:]}),
    (400, "invalid_json", None, {"body": b'{"seed":NaN,' + GOOD[1:]}),
    (400, "invalid_json", None, {"body": b"\xef\xbb\xbf" + GOOD}),
    (400, "invalid_json", None, {"body": GOOD.decode().encode("utf-16")}),
    (400, "invalid_json", None, {"body": GOOD.decode().encode("utf-16-le")}),
    (400, "invalid_json", None, {"body": '{"prompt":"füchse","aspect_ratio":"1:1"}'.encode("latin-1")}),
    (400, "invalid_json", None, {"body": b'{"prompt":"a\x00b","aspect_ratio":"1:1"}'}),
    (400, "invalid_json", None, {"body": b"[" * 60_000}),
    (400, "invalid_json", None, {"body": b'{"x":' + b"[" * 29_000 + b"]" * 29_000 + b"," + GOOD[1:]}),
    (400, "invalid_json", None, {"body": GOOD, "tintype.body_problem": "incomplete"}),
    (400, "invalid_json", None, {"body": b'{"seed":' + b"1" * 5000 + b"," + GOOD[1:]}),
    (400, "invalid_field", "seed", {"body": b'{"seed":1e999,' + GOOD[1:]}),
    (400, "invalid_field", "seed", {"body": b'{"seed":true,' + GOOD[1:]}),
    (400, "invalid_field", "seed", {"body": b'{"seed":1.5,' + GOOD[1:]}),
    (400, "invalid_field", "seed", {"body": b'{"seed":99999999999999999999,' + GOOD[1:]}),
    (400, "invalid_field", "prompt", {"body": FOX | {"prompt": True}}),
    (400, "invalid_field", "prompt", {"body": FOX | {"prompt": "a\x00b"}}),
    (400, "invalid_field", "prompt", {"body": FOX | {"prompt": "\ud83d"}}),
    (400, "invalid_field", "prompt", {"body": FOX | {"prompt": "x" * 1001}}),
    (400, "invalid_field", "prompt", {"body": FOX | {"prompt": "  "}}),
    (400, "missing_field", "prompt", {"body": {}}),
    (400, "missing_field", "aspect_ratio", {"body": {"prompt": "a fox"}}),
    (400, "invalid_field", "aspect_ratio", {"body": FOX | {"aspect_ratio": "2:1"}}),
    (400, "invalid_field", "size", {"body": FOX | {"size": "1000*1000"}}),
    (400, "invalid_field", "output_format", {"body": FOX | {"output_format": "gif"}}),
    (408, "body_timeout", None, {"body": GOOD, "tintype.body_problem": "timeout"}),
    (413, "body_too_large", None, {"body": GOOD, "tintype.body_problem": "too_large"}),
    (415, "unsupported_media_type", None, {"body": GOOD, "content_type": None}),
    (415, "unsupported_media_type", None, {"body": GOOD, "content_type": "text/json"}),
    (415, "unsupported_media_type", None, {"body": GOOD, "content_type": "application/jsonp"}),
    (
        415,
        "unsupported_media_type",
        None,
        {"body": GOOD, "content_type": "application/x-www-form-urlencoded"},
    ),
    (415, "unsupported_media_type", None, {"body": b"", "content_type": "multipart/form-data; boundary=x"}),
    (415, "unsupported_media_type", None, {"body": GOOD, "headers": {"Content-Encoding": "gzip"}}),
]


@pytest.mark.parametrize(("code", "word", "param", "request_"), REFUSED, ids=range(len(REFUSED)))
def test_bad_body_is_refused_and_costs_nothing(
    alice: Person, key: str, code: int, word: str, param: str | None, request_: dict[str, Any]
) -> None:
    error = error_of(generate(key, **request_), code)
    assert (error["type"], error["param"]) == (word, param)
    assert (error["limit_source"], error["retry_after"], error["fix_url"]) == (None, None, None)
    assert balance(alice.organization.pk).available == 1500
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
    ],
)
def test_json_is_taken_under_every_spelling_of_its_type(key: str, content_type: str) -> None:
    assert task_of(generate(key, content_type=content_type))


@pytest.mark.parametrize(
    "prompt",
    ["😀" * 1000, '"\\\b\f\n\r\t/', "a\u2028\u2029", "\ufeffa", "\U0010ffff", "a\u0301" * 500, "\x7f\x1b[0m"],
)
@pytest.mark.parametrize("is_escaped", [True, False])
def test_prompt_is_stored_as_it_was_meant(key: str, prompt: str, is_escaped: bool) -> None:
    body = json.dumps(FOX | {"prompt": prompt}, ensure_ascii=is_escaped).encode()
    task = task_of(generate(key, body))
    assert Generation.objects.get(task_id=task).prompt == prompt


def test_what_clients_in_the_wild_send_besides_is_ignored(key: str) -> None:
    wild = {
        "model": "z-image-turbo",
        "negative_prompt": "blurry",
        "width": 5,
        "height": None,
        "n": 9,
        "seed": None,
    }
    task_of(generate(key, FOX | wild))
    generation = Generation.objects.get()
    assert (generation.width, generation.height, generation.n, generation.requested_seed) == (
        1024,
        1024,
        1,
        "-1",
    )


@pytest.mark.parametrize("accept", ["*/*", "text/html", "image/png", "application/xml;q=0.9", "nonsense", ""])
def test_any_accept_header_gets_json(key: str, accept: str) -> None:
    response = generate(key, headers={"Accept": accept})
    assert response["Content-Type"] == "application/json"
    assert task_of(response)


def test_answer_is_the_documented_one_to_the_byte(key: str) -> None:
    response = generate(key)
    task = Generation.objects.get().task_id
    assert response.content.decode() == (
        f'{{"code":200,"message":"success","data":{{"task_id":"{task}","status":"IN_PROGRESS"}}}}'
    )


def test_task_ids_do_not_follow_from_one_another(key: str) -> None:
    ids = [task_of(generate(key)) for _ in range(10)]
    assert len({task[-16:] for task in ids}) == 10  # 80 bits of chance each


def test_body_in_the_query_string_is_no_body(key: str) -> None:
    response = send("POST", "/api/generate?prompt=a&aspect_ratio=1:1", key=key, body={})
    assert content(response)["error"]["param"] == "prompt"
