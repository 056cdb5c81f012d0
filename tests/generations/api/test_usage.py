"""GET /api/v1/usage: what an organization used, from the orders themselves."""

import datetime

import pytest

from accounts.clock import db_now, read_db_now
from generations import lifecycle, runner
from generations.models import Generation
from tests.cast import Person, new_key
from tests.generations.api.asking import get, order, question_refused
from tests.makers import stored_images

DAY = datetime.timedelta(days=1)


def ended(generation: Generation, *, seconds: float, days_ago: int = 0) -> None:
    created = db_now() - days_ago * DAY
    Generation.objects.filter(pk=generation.pk).update(
        created_at=created, finished_at=created + datetime.timedelta(seconds=seconds)
    )


def succeed(generation: Generation, images: int) -> None:
    claimed = lifecycle.claim(generation.pk)
    assert claimed
    attempt = lifecycle.mark_submitted(claimed, "sandbox")
    assert attempt
    assert lifecycle.succeed(claimed, attempt, stored_images(claimed, images))


def test_usage_counts_by_day_key_and_model(alice: Person, charlie: Person) -> None:
    (one, first), (two, second) = new_key(alice), new_key(alice)
    for seconds in (1.0, 1.2, 2.8):
        generation = order(first)
        succeed(generation, 1)
        ended(generation, seconds=seconds, days_ago=3)
    partly = order(second, n=4)
    succeed(partly, 3)
    ended(partly, seconds=4, days_ago=2)
    failed = order(second, prompt="sandbox:failed")
    runner.run(failed.pk)
    ended(failed, seconds=60, days_ago=2)
    lifecycle.cancel(order(second))
    order(second)
    order(new_key(charlie)[1])
    order(new_key(alice, livemode=False)[1])
    today = read_db_now().date()

    def usage(**query: str) -> list[tuple[object, ...]]:
        answer = get(first, "usage", **query)
        assert (answer["object"], answer["next_cursor"]) == ("list", None)
        return [tuple(row.values()) for row in answer["data"]]

    start = (today - 29 * DAY).isoformat()
    assert usage() == [(start, None, None, 4, 1, 90, 1.2, 4.0)]
    model = "z-image-turbo"
    assert usage(group_by="model") == [(start, None, model, 4, 1, 90, 1.2, 4.0)]
    by_key = usage(group_by="key")
    assert sorted(by_key) == sorted(
        [(start, one.prefix, None, 3, 0, 45, 1.2, 2.8), (start, two.prefix, None, 1, 1, 45, 4.0, 4.0)]
    )
    then = [(today - ago * DAY).isoformat() for ago in (0, 2, 3)]
    assert usage(group_by="model,day,key") == [
        (then[0], two.prefix, model, 0, 0, 0, None, None),
        (then[1], two.prefix, model, 1, 1, 45, 4.0, 4.0),
        (then[2], one.prefix, model, 3, 0, 45, 1.2, 2.8),
    ]
    assert usage(group_by="day", start=then[1], end=then[1]) == [(then[1], None, None, 1, 1, 45, 4.0, 4.0)]
    assert usage(start="2001-01-01", end="2001-12-31") == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"group_by": ""}, "group_by"),
        ({"group_by": "day,day"}, "group_by"),
        ({"group_by": "day,hour"}, "group_by"),
        ({"start": "2026-02-30"}, "start"),
        ({"start": "2026-01-01T00:00:00Z"}, "start"),
        ({"end": "tomorrow"}, "end"),
        ({"start": "2026-01-02", "end": "2026-01-01"}, "start"),
        ({"start": "2025-01-01", "end": "2026-01-02"}, "start"),
        ({"end": "9999-12-31"}, "end"),
        ({"month": "2026-01"}, "month"),
    ],
)
def test_bad_questions_are_refused(alice: Person, query: dict[str, str], param: str) -> None:
    assert question_refused(new_key(alice)[1], "usage", **query) == ("invalid_field", param)


def test_366_days_are_not_too_many(alice: Person) -> None:
    assert get(new_key(alice)[1], "usage", start="2024-01-01", end="2024-12-31")["data"] == []
