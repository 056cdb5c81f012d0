"""GET /api/status: which tasks can be asked for, and that all others look the same."""

from urllib.parse import quote

import pytest

from tests.accounts.client import STATUS, data_of, error_of, generate, send, status, task_of
from tests.cast import Person, new_key

SAME = {"X-Request-Id": "same"}


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice)[1]


def test_every_key_of_the_organization_sees_its_tasks(alice: Person, bob: Person, key: str) -> None:
    task = task_of(generate(key))
    assert data_of(status(new_key(bob)[1], task))["task_id"] == task


def test_task_of_another_organization_looks_like_one_that_never_was(key: str, charlie: Person) -> None:
    task = task_of(generate(key))
    stranger = new_key(charlie)[1]
    hidden = status(stranger, task, headers=SAME)
    assert hidden.content == (
        b'{"code":404,"message":"Not found","data":null,"error":{"type":"not_found","param":null,'
        b'"limit_source":null,"retry_after":null,"fix_url":null,"request_id":"same"}}'
    )
    never_was = task[:-1] + ("0" if task[-1] != "0" else "1")
    assert status(stranger, never_was, headers=SAME).content == hidden.content


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "task_",
        "\x00",
        "task_\x00",
        "task_" + "0" * 10_000,
        "任务",
        "🦊" * 100,
        "task_ ",
        "' OR 1=1",
        "%00",
        "../x",
        "\xff",
    ],
    ids=range(12),
)
def test_nonsense_is_404_with_the_same_body(key: str, text: str) -> None:
    response = status(key, quote(text), headers=SAME)
    assert error_of(response, 404)["type"] == "not_found"
    assert response.content == status(key, "task_" + "0" * 26, headers=SAME).content


def test_task_id_counts_to_the_letter(key: str) -> None:
    task = task_of(generate(key))
    for other in (task.lower(), f"{task} ", f"{task}\n", task.removeprefix("task_"), f"{task}\x00"):
        error_of(status(key, quote(other)), 404)


@pytest.mark.parametrize("query", ["", "task_id=", "task=x", "TASK_ID=x", "%00"])
def test_missing_task_id_is_400_that_names_it(key: str, query: str) -> None:
    error = error_of(send("GET", STATUS, key=key, QUERY_STRING=query), 400)
    assert (error["type"], error["param"]) == ("missing_field", "task_id")


@pytest.mark.parametrize(
    "query", ["task_id=%ff%fe", "task_id=%zz", "task_id=a&task_id=b", "%ff=%ff&task_id=x", ";;;&task_id=x"]
)
def test_broken_query_is_404(key: str, query: str) -> None:
    error_of(send("GET", STATUS, key=key, QUERY_STRING=query), 404)


def test_query_with_thousands_of_parameters_is_400(key: str) -> None:
    query = "&".join(f"a{number}=1" for number in range(3000))
    assert error_of(send("GET", STATUS, key=key, QUERY_STRING=query), 400)["type"] == "invalid_field"


def test_body_of_a_get_is_not_looked_at(key: str) -> None:
    task = task_of(generate(key))
    assert status(key, task, body=b"{", content_type="text/plain").status_code == 200


def test_head_is_answered_like_get_without_the_body(key: str) -> None:
    task = task_of(generate(key))
    response = send("HEAD", STATUS, key=key, QUERY_STRING=f"task_id={task}")
    assert (response.status_code, response.content) == (200, b"")
    assert send("HEAD", STATUS, key=key, QUERY_STRING="task_id=x").status_code == 404
    assert send("HEAD", STATUS).status_code == 401
