"""What becomes of orders that upstreams have, when questions, upstreams or this shop break down."""

import errno
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError

from accounts import shops
from accounts.access import Access
from generations import calls, circuit, exchange, lifecycle, poller, polling, runner, storage
from generations.models import Attempt, Generation, Image, Upstream, UpstreamState
from generations.providers import ADAPTERS
from tests.generations.at_upstreams.driving import COST_MICROS, at, ended, open_attempts, order, outcomes
from tests.makers import (
    status_of,
)
from tests.upstreams.running import Up
from tests.waiting import wait_until

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


def test_trouble_that_cannot_be_written_down_loses_no_question(
    access: Access, ups: dict[str, Up], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "HOLD_S", 3600)  # a lost one would come again in an hour
    monkeypatch.setattr(polling, "LONGEST_S", 0.2)  # until one that broke off comes again
    report = circuit.report
    failures: list[object] = []

    def fails_once(*arguments: Any) -> None:
        if not failures:
            failures.append(arguments)
            raise OperationalError("canceling statement due to lock timeout")
        report(*arguments)

    monkeypatch.setattr(circuit, "report", fails_once)
    at(ups["portal"])
    generation = order(access, "a lighthouse up:late=0.5")
    runner.run(generation.pk)
    wait_until(lambda: Attempt.objects.filter(accepted_at__isnull=False).exists(), "it to be accepted")
    ups["portal"].behave(manner="drop", times=1)
    assert ended(generation) == ("succeeded", "")
    assert len(failures) == 1


def test_where_webhooks_lead_is_not_read_on_the_thread_of_the_calls(
    access: Access, ups: dict[str, Up], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def read_anew(shop_id: int) -> str:
        shops.forget()
        return shops.address_of(shop_id)

    monkeypatch.setattr(exchange, "address_of", read_anew)
    at(ups["replicate"], uses_webhooks=True)
    assert ended(order(access, "a lighthouse up:webhook=none")) == ("succeeded", "")
    assert "broke off" not in caplog.text


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
    wait_until(lambda: not open_attempts(), "it to be stopped", timeout_s=60)
    assert outcomes(stopped) == [("canceled", 0)]
    Upstream.objects.update(enabled=False)
    at(ups["portal"])
    made = order(access, "a lighthouse up:late=0.5")
    runner.run(made.pk)
    wait_until(lambda: made.attempts.filter(accepted_at__isnull=False).exists(), "it to be accepted")
    lifecycle.cancel(made)
    wait_until(lambda: not open_attempts(), "it to be made", timeout_s=60)
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
