"""GET /api/v1/generations: every one once, whatever comes meanwhile, and a bounded look however few are found."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import newest_first
from accounts.access import access_of_key
from generations import runner
from generations.models import Generation
from tests import scale
from tests.accounts.client import send
from tests.cast import Person, new_key
from tests.generations.api.asking import GENERATIONS, get, order, pages, question_refused
from tests.makers import a_generation, age

HOUR_S = 3600


@pytest.fixture
def key(alice: Person) -> str:
    return new_key(alice)[1]


def ids(found: list[list[dict[str, Any]]]) -> list[str]:
    return [row["id"] for page in found for row in page]


@settings(max_examples=scale.count(8, 200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 4), arrivals=st.lists(st.integers(0, 3), max_size=6))
def test_what_comes_while_paging_loses_and_doubles_nothing(
    alice: Person, limit: int, arrivals: list[int]
) -> None:
    row, secret = new_key(alice, livemode=False)
    access = access_of_key(row)
    for _ in range(3):
        a_generation(access)
    there = [one.task_id for one in Generation.objects.visible_to(access).order_by("-pk").only("task_id")]
    seen: list[str] = []
    cursor: str | None = ""
    later = iter(arrivals)
    while cursor is not None:
        asked = {"cursor": cursor} if cursor else {}
        answer = get(secret, "generations", limit=str(limit), **asked)
        seen += [one["id"] for one in answer["data"]]
        cursor = answer["next_cursor"]
        for _ in range(next(later, 0)):
            a_generation(access)
        Generation.objects.visible_to(access).update(finished_at="2026-01-01T00:00:00Z", status="failed")
    assert seen == there
    Generation.objects.visible_to(access).delete()


def test_filters_find_what_fits_and_nothing_else(alice: Person, key: str) -> None:
    other_row, other = new_key(alice)
    made, failed = order(key), order(key, prompt="sandbox:failed")
    of_other = order(other)
    for one in (made, failed):
        runner.run(one.pk)

    def found(**query: str) -> list[str]:
        return ids(pages(key, "generations", **query))

    assert found() == [of_other.task_id, failed.task_id, made.task_id]
    assert found(status="succeeded") == [made.task_id]
    assert found(status="failed") == [failed.task_id]
    assert found(status="canceled") == []
    assert found(key=other_row.public_id) == [of_other.task_id]
    assert len(found(model="z-image-turbo")) == 3
    assert found(status="queued", key=other_row.public_id) == [of_other.task_id]
    [first] = get(key, "generations", status="succeeded")["data"]
    assert len(first["images"]) == 1


@pytest.mark.parametrize("window", [2, 3, 2000])
def test_a_look_is_bounded_and_finds_everything_in_the_end(
    key: str, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(newest_first, "WINDOW", window)
    monkeypatch.setattr(newest_first, "CLOSE", 1)
    made = [order(key) for _ in range(7)]
    for hours, one in zip(range(21, 0, -3), made, strict=True):
        age(one, created_at=hours * HOUR_S + 60)
    for one in (made[0], made[5]):
        runner.run(one.pk)
    found = pages(key, "generations", status="succeeded")
    assert ids(found) == [made[5].task_id, made[0].task_id]
    moments = [Generation.objects.get(pk=one.pk).created_at for one in made]
    since, until = moments[2].isoformat(), moments[5].isoformat()
    for limit in ("1", "100"):
        found = pages(key, "generations", created_after=since, created_before=until, limit=limit)
        assert ids(found) == [one.task_id for one in (made[4], made[3], made[2])]
    assert len(ids(pages(key, "generations", created_after=since))) == 5
    assert len(ids(pages(key, "generations", created_before=until))) == 5
    assert ids(pages(key, "generations", created_before="2001-01-01T00:00:00Z")) == []
    assert ids(pages(key, "generations", created_after="2999-01-01T00:00:00Z")) == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"status": "done"}, "status"),
        ({"model": "none"}, "model"),
        ({"key": "key_none"}, "key"),
        ({"key": "\x00"}, "key"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_before": "2026-01-01T00:00:00"}, "created_before"),
        ({"created_before": "0001-01-01T00:00:00Z"}, "created_before"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "x" * 100}, "cursor"),
        ({"statuses": "failed"}, "statuses"),
        ({"api_key": "x"}, "api_key"),
    ],
)
def test_bad_questions_are_refused(key: str, query: dict[str, str], param: str) -> None:
    assert question_refused(key, "generations", **query) == ("invalid_field", param)


def test_altered_cursors_and_those_of_others_are_refused(alice: Person, charlie: Person, key: str) -> None:
    for _ in range(2):
        order(key)
    cursor = get(key, "generations", limit="1")["next_cursor"]
    changed = {cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in (0, 30, -1)}
    for bad in {cursor + "=", cursor[:-1], cursor + "!", *changed} - {cursor}:
        assert question_refused(key, "generations", cursor=bad) == ("invalid_field", "cursor"), bad
    assert question_refused(key, "ledger", cursor=cursor) == ("invalid_field", "cursor")
    for stranger in (new_key(charlie)[1], new_key(alice, livemode=False)[1]):
        assert question_refused(stranger, "generations", cursor=cursor) == ("invalid_field", "cursor")


def test_modes_and_organizations_do_not_see_each_other(alice: Person, charlie: Person, key: str) -> None:
    live, test_key = order(key), new_key(alice, livemode=False)[1]
    test = order(test_key)
    live_row = alice.organization.api_keys.get(livemode=True)
    assert ids(pages(key, "generations")) == [live.task_id]
    assert ids(pages(test_key, "generations")) == [test.task_id]
    stranger = new_key(charlie)[1]
    assert ids(pages(stranger, "generations")) == []
    for secret in (test_key, stranger):
        assert question_refused(secret, "generations", key=live_row.public_id)[1] == "key"
        for method, path in (("GET", ""), ("GET", "/receipt"), ("POST", "/cancel")):
            response = send(method, f"{GENERATIONS}/{live.task_id}{path}", key=secret)
            assert response.status_code == 404, (method, path)
    assert Generation.objects.filter(status="queued").count() == 2


@pytest.mark.parametrize("query", ["status=failed&status=queued", "limit=1&limit=1"])
def test_parameters_are_given_once(key: str, query: str) -> None:
    assert send("GET", GENERATIONS, key=key, QUERY_STRING=query).status_code == 400
