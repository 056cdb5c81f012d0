"""Orders that go from shop to shop are counted, and end."""

import pytest

from generations import hops, lifecycle, routing
from generations.models import Generation
from tests.makers import a_generation, an_access, an_organization, an_upstream, status_of

KEY = "task_01M8JZTCA1G9NJSDMB51MNN78B:1"


@pytest.mark.parametrize(
    ("request_id", "count"),
    [
        ("", 0),
        ("req_0123456789ab", 0),
        (KEY, 1),
        (f"{KEY}~2", 2),
        (f"{KEY}~9", 9),
        (f"{KEY}~0", 0),
        (f"{KEY}~10", 0),
        (f"{KEY}~2 and more", 0),
        ("trial_01M8JZTCA1G9NJSDMB51MNN78B", 0),
    ],
)
def test_what_an_order_is_called_tells_how_far_it_has_come(request_id: str, count: int) -> None:
    assert hops.hops_of(Generation(request_id=request_id)) == count


def test_each_shop_adds_one() -> None:
    name = KEY
    for count in range(hops.MOST):
        name = hops.named(KEY, count)
        assert hops.hops_of(Generation(request_id=name)) == count + 1


@pytest.mark.django_db
def test_after_so_many_shops_it_goes_on_to_none() -> None:
    generation = a_generation(an_access(an_organization(100)))
    an_upstream()
    generation.request_id = hops.named(KEY, hops.MOST - 2)
    assert isinstance(routing.route(generation), routing.Try)
    generation.request_id = hops.named(KEY, hops.MOST - 1)
    assert routing.route(generation) == routing.Nobody("upstream_unavailable")
    own = an_upstream("local", base_url="")
    found = routing.route(generation)
    assert isinstance(found, routing.Wait), "An own GPU may make it, once it has a worker"
    own.delete()
    assert lifecycle.give_up(generation, "upstream_unavailable")
    assert status_of(generation) == ("failed", "upstream_unavailable")
