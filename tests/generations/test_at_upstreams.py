"""Orders at upstreams, driven in this process: what each answer, silence and breakdown leads to."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from accounts.access import Access
from accounts.models import Organization
from billing import audit
from generations import calls, exchange, lifecycle, ordering, poller, polling, runner, storage
from generations.models import Attempt, Generation, Image, Upstream, UpstreamState
from generations.providers import ADAPTERS
from tests.generations.kept_images import files, keep_images_in
from tests.makers import (
    a_request,
    an_access,
    an_organization,
    an_upstream,
    settlements_of,
    status_of,
    wallet_of,
)
from tests.upstreams.running import Up, running
from tests.waiting import wait_until

COST_MICROS = 5000
FORMATS = ("portal", "fal", "replicate", "openai_compatible")


@pytest.fixture(scope="module")
def ups() -> Iterator[dict[str, Up]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(running(name)) for name in FORMATS}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Pauses that are seconds for real upstreams."""
    settings.CALL_TOTAL_S = 1.0
    monkeypatch.setattr(exchange, "FIRST_QUESTION_S", 0.02)
    monkeypatch.setattr(exchange, "STORE_AGAIN_S", 0.1)
    monkeypatch.setattr(polling, "FIRST_S", 0.05)
    monkeypatch.setattr(polling, "LOOK_UP_S", 0.1)
    monkeypatch.setattr(polling, "LONGEST_AFTER_END_S", 0.2)
    monkeypatch.setattr(poller, "ROUND_S", 0.02)
    monkeypatch.setattr("generations.routing.BUSY_WAIT_S", (0.1, 0.1, 0.2))
    monkeypatch.setattr("generations.doorbell._silent_until", float("inf"))


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    keep_images_in(tmp_path, settings)
    return tmp_path


@pytest.fixture
def organization(committed_db: None, folder: Path) -> Iterator[Organization]:
    yield an_organization(1000)
    # What still goes on must not reach into the next test's database.
    wait_until(lambda: not open_attempts(), "every attempt to be closed", timeout_s=30)
    with connection.cursor() as cursor:
        assert audit.check(cursor) == []


@pytest.fixture
def access(organization: Organization) -> Access:
    return an_access(organization)


def open_attempts() -> int:
    poller.wake()
    return Attempt.objects.filter(outcome="", upstream__isnull=False).count()


def at(up: Up, **fields: object) -> Upstream:
    usual: dict[str, object] = {
        "base_url": up.base_url,
        "credential": up.credential,
        "webhook_secret": up.webhook_secret,
        "model_names": {"z-image-turbo": up.model},
        "cost_micros": COST_MICROS,
        "polls_per_second": 1000,
    }
    return an_upstream(up.name, **{**usual, **fields})


def order(access: Access, prompt: str = "a lighthouse") -> Generation:
    return ordering.order(access, a_request(prompt, size="256*256"), endpoint="test")


def ended(generation: Generation) -> tuple[str, str]:
    """After it was rung for, and asked about for as long as it takes."""
    runner.run(generation.pk)

    def has_ended() -> bool:
        poller.wake()
        return Generation.objects.get(pk=generation.pk).has_ended

    wait_until(has_ended, "it to end", timeout_s=30)
    return status_of(generation)


def outcomes(generation: Generation) -> list[tuple[str, int]]:
    rows = Attempt.objects.filter(generation=generation).order_by("number")
    return list(rows.values_list("outcome", "cost_micros"))


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
    first, waiting = order(access, "first up:late=0.3"), order(access, "second")
    assert runner.run(first.pk)
    assert not runner.run(waiting.pk), "There is no place for it"
    assert Generation.objects.get(pk=waiting.pk).claim == 0
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
    ups["portal"].behave(manner="drop", times=1)
    runner.run(generation.pk)
    wait_until(lambda: keys_sent(ups["portal"], generation) == 1, "the first submission")
    ups["portal"].behave(status=503, body={}, times=1)
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
    access: Access, ups: dict[str, Up]
) -> None:
    at(ups["openai_compatible"])
    generation = order(access, "a lighthouse up:hang")
    assert ended(generation) == ("failed", "timeout")
    assert outcomes(generation) == [("timeout", COST_MICROS)]


def test_a_connection_that_breaks_before_the_image_is_an_orphan(access: Access, ups: dict[str, Up]) -> None:
    at(ups["openai_compatible"])
    generation = order(access, "a lighthouse up:drop")
    assert ended(generation) == ("failed", "generation_failed")
    assert outcomes(generation) == [("orphan", COST_MICROS)]


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


# --- While it is asked about --------------------------------------------------------------------


@pytest.mark.parametrize(
    "how", [{"status": 503, "body": {}}, {"status": 401, "body": {}}, {"manner": "drop"}]
)
def test_trouble_with_questions_is_asked_over(
    access: Access, ups: dict[str, Up], how: dict[str, object]
) -> None:
    upstream = at(ups["portal"])
    generation = order(access, "a lighthouse up:late=0.5")
    runner.run(generation.pk)
    wait_until(lambda: Attempt.objects.filter(accepted_at__isnull=False).exists(), "it to be accepted")
    ups["portal"].behave(**how, times=2)
    assert ended(generation) == ("succeeded", "")
    assert outcomes(generation) == [("ok", COST_MICROS)]
    # What it refused after this order had begun, this order's success does not make good.
    refused = "account" if how.get("status") == 401 else ""
    assert UpstreamState.objects.get(pk=upstream.pk).reason == refused


def test_a_new_credential_never_goes_to_the_old_address(
    access: Access, ups: dict[str, Up], caplog: pytest.LogCaptureFixture
) -> None:
    at(ups["fal"])
    generation = order(access, "a lighthouse up:late=0.5")
    runner.run(generation.pk)
    wait_until(lambda: Attempt.objects.filter(accepted_at__isnull=False).exists(), "it to be accepted")
    row = Upstream.objects.get()
    address, row.base_url, row.credential = row.base_url, "http://localhost:9", "the-new-secret"
    row.save()

    def is_noticed() -> bool:
        poller.wake()
        return "another base address" in caplog.text

    wait_until(is_noticed, "it to be noticed")
    assert "the-new-secret" not in str(ups["fal"].log())
    row.base_url, row.credential = address, ups["fal"].credential
    row.save()
    assert ended(generation) == ("succeeded", "")


def test_canceled_ones_are_stopped_there_or_booked(access: Access, ups: dict[str, Up]) -> None:
    at(ups["replicate"])
    stopped = order(access, "a lighthouse up:late=30 up:queued")
    runner.run(stopped.pk)
    wait_until(lambda: Attempt.objects.filter(accepted_at__isnull=False).exists(), "it to be accepted")
    lifecycle.cancel(stopped)
    wait_until(lambda: not open_attempts(), "it to be stopped", timeout_s=20)
    assert outcomes(stopped) == [("canceled", 0)]
    Upstream.objects.update(enabled=False)
    at(ups["portal"])
    made = order(access, "a lighthouse up:late=0.5")
    runner.run(made.pk)
    wait_until(lambda: made.attempts.filter(accepted_at__isnull=False).exists(), "it to be accepted")
    lifecycle.cancel(made)
    wait_until(lambda: not open_attempts(), "it to be made", timeout_s=20)
    assert outcomes(made) == [("canceled_cost", COST_MICROS)]
    assert not Image.objects.exists()


def test_an_id_that_another_order_has_is_a_failure(
    access: Access, ups: dict[str, Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(ups["portal"])
    adapter = ADAPTERS["portal"]
    read = adapter.read_submit
    monkeypatch.setattr(
        adapter,
        "read_submit",
        lambda *arguments: replace(read(*arguments), task_id="always-the-same"),
    )
    assert ended(order(access)) == ("succeeded", "")
    second = order(access)
    assert ended(second) == ("failed", "generation_failed")
    assert "a second time" in Attempt.objects.get(generation=second).detail


def test_without_a_way_out_orders_wait_and_no_thread_hangs(
    access: Access, ups: dict[str, Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wall:
        def __init__(self) -> None:
            raise ValueError("a proxy that is none")

    at(ups["portal"])
    generation = order(access)
    with monkeypatch.context() as patch:
        patch.setattr(calls, "_calls", None)
        patch.setattr(calls, "Line", Wall)
        with pytest.raises(RuntimeError, match="cannot be made here"):
            runner.run(generation.pk)
    assert Generation.objects.get(pk=generation.pk).claim == 0
    assert ended(generation) == ("succeeded", "")


# --- Breakdowns here ----------------------------------------------------------------------------


def test_an_adapter_that_raises_ends_its_order_and_nothing_else(
    access: Access, ups: dict[str, Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(ups["portal"])

    def broken(*_arguments: object) -> None:
        raise KeyError("surprise")

    with monkeypatch.context() as patch:
        patch.setattr(ADAPTERS["portal"], "read_submit", broken)
        generation = order(access)
        assert ended(generation) == ("failed", "generation_failed")
    assert "KeyError" in Attempt.objects.get(generation=generation).detail
    assert ended(order(access)) == ("succeeded", "")


@pytest.mark.parametrize(
    ("name", "expected"), [("portal", ["ok"]), ("openai_compatible", ["not_stored", "ok"])]
)
def test_a_full_disk_is_waited_for(
    access: Access, ups: dict[str, Up], monkeypatch: pytest.MonkeyPatch, name: str, expected: list[str]
) -> None:
    at(ups[name])
    store, refused = storage.store, [1]

    def full_once(*arguments: object) -> str:
        if refused:
            refused.pop()
            raise OSError(errno.ENOSPC, "No space left on device")
        return store(*arguments)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(storage, "store", full_once)
    generation = order(access)
    assert ended(generation) == ("succeeded", "")
    assert [outcome for outcome, _cost in outcomes(generation)] == expected


def test_a_result_that_cannot_be_had_yet_is_fetched_later(
    access: Access, ups: dict[str, Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(ups["portal"])
    monkeypatch.setattr("generations.intake.TRIES", 1)
    generation = order(access, "a lighthouse up:503 up:at=image")
    assert ended(generation) == ("failed", "generation_failed")
    assert Attempt.objects.get(generation=generation).polls == exchange.FETCHES


def test_a_database_that_is_away_is_waited_for(
    access: Access, ups: dict[str, Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(ups["portal"])
    take_due, away = polling.take_due, [1, 1]

    def away_at_first(limit: int) -> list[polling.Question]:
        if away:
            away.pop()
            raise OperationalError("gone")
        return take_due(limit)

    monkeypatch.setattr(polling, "take_due", away_at_first)
    monkeypatch.setattr(poller, "AWAY_S", 0.01)
    assert ended(order(access)) == ("succeeded", "")
    assert away == []


def test_while_a_credential_cannot_be_read_its_orders_wait(
    access: Access, ups: dict[str, Up], caplog: pytest.LogCaptureFixture
) -> None:
    upstream = at(ups["portal"])
    generation = order(access)
    runner.run(generation.pk)
    wait_until(lambda: Attempt.objects.filter(accepted_at__isnull=False).exists(), "it to be accepted")
    sealed = upstream.sealed_credential
    Upstream.objects.update(sealed_credential="sealed by another key")
    poller.wake()
    wait_until(lambda: "cannot be asked" in caplog.text, "it to be noticed")
    assert status_of(generation)[0] == "running"
    Upstream.objects.update(sealed_credential=sealed)
    assert ended(generation) == ("succeeded", "")
