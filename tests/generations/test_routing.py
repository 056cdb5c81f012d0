"""Which upstream is next, and when there is none."""

import datetime
from collections import Counter

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.access import Access
from accounts.errors import InvalidField
from accounts.models import Shop
from generations import lifecycle, routing
from generations.errors import UpstreamMissing
from generations.models import Generation, Upstream, UpstreamState
from tests.makers import a_generation, a_request, an_access, an_organization, an_upstream, status_of

pytestmark = pytest.mark.django_db
HOUR_S = 3600


@pytest.fixture
def access(db: None) -> Access:
    return an_access(an_organization(1000))


def reread(*upstreams: Upstream) -> list[Upstream]:
    return [Upstream.objects.select_related("state").get(pk=one.pk) for one in upstreams]


def names(route: routing.Route) -> list[str]:
    assert isinstance(route, routing.Try), route
    return [upstream.name for upstream in route.upstreams]


def open_circuit(upstream: Upstream, *, for_s: float, reason: str = "failing") -> None:
    now = timezone.now()
    UpstreamState.objects.filter(upstream=upstream).update(
        opened_at=now, open_until=now + datetime.timedelta(seconds=for_s), reason=reason
    )


def fill(upstream: Upstream) -> None:
    UpstreamState.objects.filter(upstream=upstream).update(in_flight=upstream.concurrency)


# --- Choosing -----------------------------------------------------------------------------------


def test_smaller_priority_goes_first_whatever_it_weighs(db: None) -> None:
    later, first = an_upstream(priority=2, weight=100), an_upstream(priority=1)
    assert names(routing.choose(reread(later, first), [])) == [first.name, later.name]


def test_equals_are_drawn_by_weight(db: None) -> None:
    light, heavy = reread(an_upstream(weight=1), an_upstream(weight=9))
    drawn = Counter(names(routing.choose([light, heavy], []))[0] for _ in range(2000))
    assert 1650 < drawn[heavy.name] < 1950


def test_full_or_broken_ones_are_passed_over(db: None) -> None:
    full, broken, ready = an_upstream(priority=1), an_upstream(priority=2), an_upstream(priority=3)
    fill(full)
    open_circuit(broken, for_s=HOUR_S)
    assert names(routing.choose(reread(full, broken, ready), [])) == [ready.name]


def test_when_all_are_full_an_order_waits_for_a_place(db: None) -> None:
    full = an_upstream()
    fill(full)
    assert routing.choose(reread(full), []) == routing.Wait(routing.PARK_S)


def test_when_all_are_broken_it_waits_for_the_first_to_be_probed(db: None) -> None:
    soon, later = an_upstream(), an_upstream()
    open_circuit(soon, for_s=40)
    open_circuit(later, for_s=400)
    route = routing.choose(reread(soon, later), [])
    assert isinstance(route, routing.Wait)
    assert 30 < route.wait_s <= 40
    open_circuit(soon, for_s=-1)
    assert names(routing.choose(reread(soon, later), [])) == [soon.name]


def test_nobody_waits_for_an_upstream_that_refuses_our_account(db: None) -> None:
    refused, broken = an_upstream(), an_upstream()
    open_circuit(refused, for_s=HOUR_S, reason="account")
    assert routing.choose(reread(refused), []) == routing.Nobody("upstream_unavailable")
    open_circuit(broken, for_s=40)
    assert isinstance(routing.choose(reread(refused, broken), []), routing.Wait)


# --- Again, and elsewhere -----------------------------------------------------------------------


def test_a_busy_upstream_is_tried_again_then_others_first(db: None) -> None:
    first, second = reread(an_upstream(priority=1), an_upstream(priority=2))
    once = routing.choose([first, second], [(first.pk, "busy")])
    assert isinstance(once, routing.Try)
    assert (names(once)[0], once.after_s) == (first.name, routing.BUSY_WAIT_S[0])
    twice = routing.choose([first, second], [(first.pk, "busy")] * 2)
    assert isinstance(twice, routing.Try)
    assert (names(twice)[0], twice.after_s) == (second.name, 0)
    alone = routing.choose([first], [(first.pk, "busy")] * 9)
    assert isinstance(alone, routing.Try)
    assert alone.after_s == routing.BUSY_WAIT_S[-1]


def test_a_failure_goes_to_one_other_and_no_further(db: None) -> None:
    one, other, third = reread(an_upstream(), an_upstream(), an_upstream())
    elsewhere = routing.choose([one, other], [(one.pk, "failed")])
    assert names(elsewhere) == [other.name]
    assert routing.choose([one], [(one.pk, "failed")]) == routing.Nobody("generation_failed")
    both = [(one.pk, "failed"), (other.pk, "failed")]
    assert routing.choose([one, other, third], both) == routing.Nobody("generation_failed")


def test_who_refused_our_account_is_not_asked_again_for_this_order(db: None) -> None:
    one, other = reread(an_upstream(priority=1), an_upstream(priority=2))
    assert names(routing.choose([one, other], [(one.pk, "account")])) == [other.name]
    assert routing.choose([one], [(one.pk, "account")]) == routing.Nobody("upstream_unavailable")


# --- Which can make it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "can"),
    [
        ({}, True),
        ({"sizes": ["1024x1024"]}, True),
        ({"sizes": ["512x512"]}, False),
        ({"max_side": 1023}, False),
        ({"min_side": 1025}, False),
        ({"model_names": {"another": "x"}}, False),
        ({"provider": "gone"}, False),
        ({"sealed_credential": "not sealed by us"}, False),
    ],
)
def test_an_upstream_gets_only_what_it_can_make(db: None, fields: dict[str, object], can: bool) -> None:
    assert routing.can_make(an_upstream(**fields), "z-image-turbo", 1024, 1024) is can  # type: ignore[arg-type]


def test_who_has_brought_an_image_since_is_not_busy_any_more(access: Access) -> None:
    upstream = an_upstream()
    [listed] = reread(upstream)
    waited = routing.choose([listed], [(upstream.pk, "busy")])
    at_once = routing.choose([listed], [(upstream.pk, "busy"), (upstream.pk, "ok")])
    assert isinstance(waited, routing.Try)
    assert isinstance(at_once, routing.Try)
    assert (waited.after_s > 0, at_once.after_s) == (True, 0)


def test_orders_go_to_enabled_upstreams_of_their_own_shop(access: Access) -> None:
    elsewhere = Shop.objects.create(slug="elsewhere")
    mine, _off, theirs = an_upstream(), an_upstream(enabled=False), an_upstream()
    Upstream.objects.filter(pk=theirs.pk).update(shop=elsewhere)
    assert names(routing.route(a_generation(access))) == [mine.name]


def test_test_keys_never_touch_an_upstream(access: Access) -> None:
    an_upstream()
    route = routing.route(a_generation(an_access(access.organization, livemode=False)))
    assert isinstance(route, routing.InProcess)


def test_a_demo_draws_live_orders_until_it_has_an_upstream(access: Access) -> None:
    generation = a_generation(access)
    assert isinstance(routing.route(generation), routing.InProcess)
    an_upstream()
    assert isinstance(routing.route(generation), routing.Try)


def test_unknown_outcome_is_driven_again_where_it_is(access: Access) -> None:
    chosen, other = an_upstream(priority=1), an_upstream(priority=2)
    generation = a_generation(access)
    attempt = lifecycle.begin(generation, chosen)
    assert attempt is not None
    assert lifecycle.send_again(attempt, 0)
    open_circuit(chosen, for_s=HOUR_S)
    Upstream.objects.filter(pk=chosen.pk).update(enabled=False)
    assert names(routing.route(Generation.objects.get(pk=generation.pk))) == [chosen.name]
    assert other.name not in names(routing.route(Generation.objects.get(pk=generation.pk)))


# --- At the door --------------------------------------------------------------------------------


def test_without_an_upstream_live_orders_are_refused(access: Access, settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(UpstreamMissing):
        a_generation(access)
    assert not Generation.objects.exists()
    a_generation(an_access(access.organization, livemode=False))


def test_orders_are_refused_while_every_upstream_refuses_our_account(access: Access) -> None:
    refused = an_upstream()
    open_circuit(refused, for_s=HOUR_S, reason="account")
    with pytest.raises(UpstreamMissing) as refusal:
        a_generation(access)
    assert refusal.value.retry_after == routing.MISSING_RETRY_S
    open_circuit(refused, for_s=-1, reason="account")
    routing.forget()
    assert status_of(a_generation(access)) == ("queued", "")


def test_a_size_that_nobody_makes_is_refused_by_name(access: Access) -> None:
    an_upstream(sizes=["1024x1024"])
    request = a_request(size="512x512")
    with pytest.raises(InvalidField) as refusal:
        lifecycle.submit(access, request, endpoint="test")
    assert refusal.value.param == "size"
    assert not Generation.objects.exists()
