"""What each answer and silence of an upstream leads to."""

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.access import Access
from accounts.models import Organization
from generations import circuit, lifecycle, ordering, runner, storage
from generations.models import Attempt, Generation, Image, Upstream, UpstreamState
from tests.generations.at_upstreams.driving import (
    COST_MICROS,
    FORMATS,
    at,
    ended,
    open_attempts,
    order,
    outcomes,
)
from tests.generations.kept_images import files
from tests.makers import (
    a_request,
    settlements_of,
    status_of,
    wallet_of,
)
from tests.upstreams.running import Up
from tests.waiting import wait_until

# --- Success ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_an_image_is_made_stored_and_charged(
    organization: Organization, access: Access, folder: Path, ups: dict[str, Up], name: str
) -> None:
    upstream = at(ups[name])
    generation = order(access)
    assert ended(generation) == ("succeeded", "")
    assert outcomes(generation) == [("ok", COST_MICROS)]
    assert settlements_of(generation) == ["capture"]
    assert wallet_of(organization)[:2] == (985, 0)
    image = Image.objects.get(generation=generation)
    assert storage.read(image.storage_key)
    assert UpstreamState.objects.get(pk=upstream.pk).in_flight == 0


def test_who_leaves_a_place_takes_up_the_next(access: Access, ups: dict[str, Up]) -> None:
    at(ups["openai_compatible"], concurrency=1)
    first, waiting = order(access, "first"), order(access, "second")
    ups["openai_compatible"].behave(manner="wait")
    assert runner.run(first.pk)
    assert not runner.run(waiting.pk), "There is no place for it"
    assert Generation.objects.get(pk=waiting.pk).claim == 0
    ups["openai_compatible"].behave()
    wait_until(lambda: Generation.objects.get(pk=waiting.pk).has_ended, "the second", timeout_s=30)
    assert (status_of(first)[0], status_of(waiting)[0]) == ("succeeded", "succeeded")


# --- Another try --------------------------------------------------------------------------------


def test_a_busy_one_is_tried_again(access: Access, ups: dict[str, Up]) -> None:
    at(ups["portal"])
    ups["portal"].behave(status=503, body={}, times=1)
    generation = order(access)
    assert ended(generation) == ("succeeded", "")
    assert outcomes(generation) == [("busy", 0), ("ok", COST_MICROS)]


def test_the_pause_that_an_upstream_asks_for_is_kept(
    access: Access, ups: dict[str, Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generations.routing.BUSY_WAIT_S", (0.6,))
    upstream = at(ups["portal"])
    ups["portal"].behave(status=429, body={}, headers={"Retry-After": "1"}, times=1)
    generation = order(access)
    assert ended(generation) == ("succeeded", "")
    busy, ok = Attempt.objects.filter(generation=generation).order_by("number")
    assert busy.finished_at is not None
    assert (ok.submitted_at - busy.finished_at).total_seconds() >= 0.95
    assert UpstreamState.objects.get(pk=upstream.pk).opened_at is None


def test_all_places_are_filled_and_nobody_stands_in_the_way(access: Access, ups: dict[str, Up]) -> None:
    full = at(ups["replicate"], sizes=["1024x1024"], concurrency=1)
    UpstreamState.objects.filter(upstream=full).update(in_flight=1)
    free = at(ups["openai_compatible"], sizes=["256x256"], concurrency=10)
    stuck = [ordering.order(access, a_request("x", size="1024*1024"), endpoint="test") for _ in range(6)]
    waiting = [order(access, "a lighthouse up:late=0.3") for _ in range(3)]
    assert runner.take_next(free.shop_id) == 3
    wait_until(lambda: all(status_of(one)[0] == "succeeded" for one in waiting), "all of them", timeout_s=30)
    assert {status_of(one)[0] for one in stuck} == {"queued"}
    UpstreamState.objects.filter(upstream=full).update(in_flight=0)
    for one in stuck:
        lifecycle.cancel(one)


def test_an_unknown_outcome_keeps_its_key_also_when_the_next_answer_is_busy(
    access: Access, ups: dict[str, Up]
) -> None:
    at(ups["portal"], resends=True)
    generation = order(access)
    ups["portal"].behave(manner="drop", times=1, then={"status": 503, "body": {}, "times": 1})
    assert ended(generation) == ("succeeded", "")
    assert outcomes(generation) == [("ok", COST_MICROS)]
    assert Attempt.objects.get(generation=generation).sends == 3


def keys_sent(up: Up, generation: Generation) -> int:
    keys = [asked["headers"].get("idempotency-key", "") for asked in up.log()]
    return sum(key == f"{generation.task_id}:1" for key in keys)


def test_an_upstream_that_is_not_there_is_busy(access: Access, ups: dict[str, Up]) -> None:
    gone, there = (
        at(ups["portal"], base_url="http://127.0.0.1:9", priority=1),
        at(ups["replicate"], priority=2),
    )
    generation = order(access)
    assert ended(generation) == ("succeeded", "")
    assert outcomes(generation) == [("busy", 0), ("busy", 0), ("ok", COST_MICROS)]
    assert list(generation.attempts.order_by("number").values_list("upstream", flat=True)) == [
        gone.pk,
        gone.pk,
        there.pk,
    ]


def test_too_little_memory_twice_is_a_failure(access: Access, ups: dict[str, Up]) -> None:
    at(ups["openai_compatible"])
    generation = order(access, "a lighthouse up:oom")
    assert ended(generation) == ("failed", "generation_failed")
    assert [outcome for outcome, _cost in outcomes(generation)] == ["busy", "failed"]


def test_our_account_refused_ends_it_when_nobody_else_is_there(access: Access, ups: dict[str, Up]) -> None:
    upstream = at(ups["portal"], credential="not ours")
    generation = order(access)
    assert ended(generation) == ("failed", "upstream_unavailable")
    assert UpstreamState.objects.get(pk=upstream.pk).reason == "account"
    later = order_in_spite(access)
    assert not runner.run(later.pk)
    assert status_of(later) == ("failed", "upstream_unavailable")


def order_in_spite(access: Access) -> Generation:
    """One that was accepted while the upstream was still thought to be fine."""
    state = UpstreamState.objects.get()
    UpstreamState.objects.update(opened_at=None, open_until=None, reason="")
    generation = order(access)
    UpstreamState.objects.update(opened_at=state.opened_at, open_until=state.open_until, reason=state.reason)
    return generation


@pytest.mark.parametrize(
    ("prompt", "error_type", "outcome"),
    [
        ("up:blocked", "content_rejected", "rejected"),
        ("up:422", "invalid_request", "invalid"),
        ("up:failed", "generation_failed", "failed"),
        ("up:404 up:at=image", "generation_failed", "failed"),
        ("up:wrongtype=html", "generation_failed", "failed"),
    ],
)
def test_what_the_customer_learns_and_pays_of_each_end(
    organization: Organization,
    access: Access,
    folder: Path,
    ups: dict[str, Up],
    prompt: str,
    error_type: str,
    outcome: str,
) -> None:
    at(ups["portal"])
    generation = order(access, f"a lighthouse {prompt}")
    assert ended(generation) == ("failed", error_type)
    assert [found for found, _cost in outcomes(generation)] == [outcome]
    assert wallet_of(organization)[:2] == (1000, 0)
    assert files(folder) == 0


# --- Silence ------------------------------------------------------------------------------------


def test_a_silent_one_that_makes_us_wait_is_a_timeout_that_may_have_cost(
    access: Access, ups: dict[str, Up], settings: Settings
) -> None:
    settings.CALL_TOTAL_S = 1.0
    at(ups["openai_compatible"])
    generation = order(access, "a lighthouse up:hang")
    assert ended(generation) == ("failed", "timeout")
    assert outcomes(generation) == [("timeout", COST_MICROS)]


def test_a_connection_that_breaks_before_the_image_is_an_orphan(access: Access, ups: dict[str, Up]) -> None:
    at(ups["openai_compatible"])
    generation = order(access, "a lighthouse up:drop")
    assert ended(generation) == ("failed", "generation_failed")
    assert outcomes(generation) == [("orphan", COST_MICROS)]


def test_who_breaks_connections_gets_no_more_orders(access: Access, ups: dict[str, Up]) -> None:
    upstream = at(ups["openai_compatible"])
    for _ in range(circuit.FAILURES_BEFORE_OPENING):
        assert ended(order(access, "a lighthouse up:drop"))[0] == "failed"
    state = UpstreamState.objects.get(pk=upstream.pk)
    assert (state.reason, state.in_flight) == (circuit.FAILING, 0)


def test_where_it_may_be_it_is_sent_again_so_often_and_no_more(access: Access, ups: dict[str, Up]) -> None:
    at(ups["portal"], resends=True)
    generation = order(access, "a lighthouse up:drop")
    assert ended(generation) == ("failed", "generation_failed")
    assert outcomes(generation) == [("orphan", COST_MICROS)]
    assert Attempt.objects.get(generation=generation).sends == 3


def test_an_accepted_one_whose_answer_was_lost_is_found(access: Access, ups: dict[str, Up]) -> None:
    at(ups["replicate"])
    generation = order(access, "a lighthouse up:crash")
    assert ended(generation) == ("succeeded", "")
    assert outcomes(generation) == [("ok", COST_MICROS)]
    assert Attempt.objects.get(generation=generation).sends == 1


def test_one_that_never_arrived_is_sent_again(access: Access, ups: dict[str, Up]) -> None:
    at(ups["replicate"])
    ups["replicate"].behave(manner="drop", times=1)
    generation = order(access)
    assert ended(generation) == ("succeeded", "")
    assert Attempt.objects.get(generation=generation).sends == 2


def test_one_that_cannot_be_asked_about_waits_for_its_deadline(access: Access, ups: dict[str, Up]) -> None:
    at(ups["fal"])
    generation = order(access, "a lighthouse up:drop")
    runner.run(generation.pk)
    wait_until(lambda: lease_is_the_deadline(generation), "it to be left alone")
    lifecycle.cancel(generation)
    assert lifecycle.orphan(Attempt.objects.get(generation=generation), "nobody will say")


def lease_is_the_deadline(generation: Generation) -> bool:
    row = Generation.objects.get(pk=generation.pk)
    return row.status == "running" and row.lease_until == row.deadline_at


def test_what_an_upstream_repeats_of_the_prompt_is_in_no_log(
    access: Access, ups: dict[str, Up], caplog: pytest.LogCaptureFixture
) -> None:
    at(ups["openai_compatible"])
    refusal = {"error": {"message": "cannot draw a walrus", "type": "invalid_request_error"}}
    ups["openai_compatible"].behave(status=400, body=refusal, times=1)
    generation = order(access, "a walrus")
    assert ended(generation)[0] == "failed"
    assert "walrus" in Attempt.objects.get(generation=generation).detail, "The operator can look it up"
    assert "did not accept our request" in caplog.text
    assert "walrus" not in caplog.text


def test_an_answer_by_somebody_in_between_keeps_the_key(access: Access, ups: dict[str, Up]) -> None:
    """The order may have arrived; under a new key it would be made, and paid for, twice. Control: without leave to send
    it again it is ordered anew.
    """
    upstream = at(ups["portal"], resends=True)
    page = {"status": 502, "body": {"message": "Bad gateway"}, "times": 1}
    ups["portal"].behave(**page)
    generation = order(access)
    assert ended(generation) == ("succeeded", "")
    assert outcomes(generation) == [("ok", COST_MICROS)]
    assert keys_sent(ups["portal"], generation) == 2
    Upstream.objects.filter(pk=upstream.pk).update(resends=False)
    ups["portal"].behave(**page)
    generation = order(access)
    assert ended(generation) == ("succeeded", "")
    assert outcomes(generation) == [("busy", 0), ("ok", COST_MICROS)]


def test_a_shop_that_is_full_gets_no_other_order_meanwhile(access: Access, ups: dict[str, Up]) -> None:
    upstream = at(ups["portal"])
    ups["portal"].behave(status=429, body={}, headers={"Retry-After": "2"}, times=1)
    first, second = order(access, "first"), order(access, "second")
    runner.run(first.pk)
    wait_until(lambda: outcomes(first) == [("limited", 0)], "it to say that it is full")
    assert not runner.run(second.pk)
    assert Generation.objects.get(pk=second.pk).claim == 0

    def both_have_ended() -> bool:
        return not open_attempts() and {status_of(one)[0] for one in (first, second)} == {"succeeded"}

    wait_until(both_have_ended, "both of them", timeout_s=30)
    state = UpstreamState.objects.get(pk=upstream.pk)
    assert (state.opened_at, state.failures) == (None, 0)
