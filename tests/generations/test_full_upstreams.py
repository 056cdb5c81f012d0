"""A shop that says 429 is full for a while: new orders wait, those under way go on, and it is no failure."""

import datetime

import pytest

from accounts.access import Access
from accounts.clock import read_db_now
from generations import circuit, lifecycle, routing
from generations.models import Upstream, UpstreamState
from generations.providers.base import OutcomeKind
from tests.makers import a_generation, an_access, an_organization, an_upstream

pytestmark = pytest.mark.django_db


@pytest.fixture
def access(db: None) -> Access:
    return an_access(an_organization(1000))


def reread(upstream: Upstream) -> Upstream:
    return Upstream.objects.select_related("state").get(pk=upstream.pk)


def test_new_orders_wait_for_as_long_as_it_asked(access: Access) -> None:
    upstream = an_upstream()
    circuit.hold_off(upstream.pk, 30)
    found = routing.choose([reread(upstream)], [])
    assert isinstance(found, routing.Wait)
    assert 25 < found.wait_s <= 30
    assert routing.with_places(upstream.shop_id) == []
    with pytest.raises(lifecycle.NoPlace):
        lifecycle.begin(a_generation(access), upstream)
    UpstreamState.objects.update(full_until=read_db_now() - datetime.timedelta(seconds=1))
    assert isinstance(routing.choose([reread(upstream)], []), routing.Try)
    assert lifecycle.begin(a_generation(access), upstream) is not None


def test_another_one_serves_meanwhile() -> None:
    full, free = an_upstream(priority=1), an_upstream(priority=2)
    circuit.hold_off(full.pk, 30)
    found = routing.choose([reread(full), reread(free)], [])
    assert isinstance(found, routing.Try)
    assert [upstream.pk for upstream in found.upstreams] == [free.pk]


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    upstream = an_upstream()
    circuit.hold_off(upstream.pk, 30)
    circuit.hold_off(upstream.pk, 1)
    until = UpstreamState.objects.get(pk=upstream.pk).full_until
    assert until is not None
    assert (until - read_db_now()).total_seconds() > 25


def test_however_often_it_is_full_its_circuit_stays_closed(access: Access) -> None:
    upstream = an_upstream()
    for _ in range(2 * circuit.FAILURES_BEFORE_OPENING):
        attempt = lifecycle.begin(a_generation(access), upstream)
        assert attempt is not None
        assert lifecycle.hand_back(
            attempt.generation, 0, attempt=attempt, outcome=OutcomeKind.LIMITED, limited=False
        )
    state = UpstreamState.objects.get(pk=upstream.pk)
    assert (state.opened_at, state.failures, state.in_flight) == (None, 0, 0)
