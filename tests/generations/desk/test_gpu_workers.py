"""Workers with a GPU as operators see them: which take orders, which do not and why."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generations.models import GpuWorker
from tests.makers import ago
from tests.operators import clerk, desk_of, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
LIST = "/admin/generations/gpuworker/"


def a_worker(name: str, **fields: object) -> GpuWorker:
    return GpuWorker.objects.create(name=name, device="A card", **fields)


def test_each_says_how_it_is_and_how_fast() -> None:
    a_worker("one cuda:0 7", ready=True, images=12, seconds_per_megapixel=1.234)
    a_worker("two cuda:1 8")
    a_worker("three cuda:0 9", problem="CUDA error: it is <b>gone</b>")
    a_worker("four cuda:0 10", ready=True, seen_at=ago(60))
    desk = desk_of(operator())
    page = desk.get(LIST)
    for words in ("takes orders", "is still loading", "stands still", "says nothing any more", "1.23", "12"):
        assert words in text_of(page), words
    assert "GPU workers" in text_of(desk.get("/admin/")), "It is in the menu"
    page = desk.get(f"{LIST}three cuda_3A0 9/change/")
    assert "CUDA error: it is" in text_of(page)
    assert "<b>gone</b>" not in page.content.decode()


def test_the_database_is_asked_for_its_time_once_for_all_of_them() -> None:
    desk = desk_of(operator())
    asked = list[int]()
    for names in (["one"], ["two", "three", "four"]):
        for name in names:
            a_worker(name)
        desk.get(LIST)  # what is kept for a while is known by the second time
        with CaptureQueriesContext(connection) as queries:
            page = desk.get(LIST)
        assert all(name in text_of(page) for name in names)
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_nobody_writes_them_by_hand_and_who_may_not_look_does_not() -> None:
    worker = a_worker("one")
    desk = desk_of(operator())
    for path in ("add/", "one/change/", "one/delete/"):
        assert desk.post(LIST + path, {"post": "yes", "name": "two"}).status_code == 403
    assert list(GpuWorker.objects.all()) == [worker]
    assert desk_of(clerk("view_upstream")).get(LIST).status_code == 403


def test_who_may_look_may_look_at_nothing_else() -> None:
    a_worker("one")
    desk = desk_of(clerk("view_gpuworker"))
    assert "one" in text_of(desk.get(LIST))
    assert desk.get("/admin/generations/upstream/").status_code == 403
