"""An order on an own GPU: rung for, made, charged, canceled, refused, and lost with its worker."""

import itertools
import threading
import time

import pytest

from accounts.access import Access
from accounts.models import Organization
from generations import content, gpu, lifecycle, runner, sweeps
from generations.models import Attempt, Generation, Image, UpstreamState
from tests.generations.own_gpu.conftest import COST_MICROS, Card, own
from tests.makers import (
    a_generation,
    age,
    books_are_right,
    settlements_of,
    status_of,
    wallet_of,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


def an_order(access: Access, prompt: str = "a lighthouse", n: int = 1) -> Generation:
    generation = a_generation(access, n=n)
    Generation.objects.filter(pk=generation.pk).update(prompt=prompt, width=256, height=256)
    return generation


def make(generation: Generation) -> bool:
    """As the queue gpu does."""
    return runner.run(generation.pk, on_gpu=True)


def attempts(generation: Generation) -> list[tuple[str, int]]:
    rows = Attempt.objects.filter(generation=generation).order_by("number")
    return list(rows.values_list("outcome", "cost_micros"))


def in_flight() -> int:
    return UpstreamState.objects.get().in_flight


def test_other_workers_ring_for_those_with_a_gpu(card: Card, access: Access) -> None:
    own()
    generation = an_order(access)
    assert runner.run(generation.pk) is False
    assert card.rung == [generation.pk]
    assert status_of(generation) == ("queued", "")
    assert not Attempt.objects.exists()


def test_an_image_is_made_charged_and_says_how_it_was_made(
    card: Card, organization: Organization, access: Access
) -> None:
    own()
    generation = an_order(access)
    assert make(generation)
    assert make(generation) is False  # a second ring finds nothing to do
    assert status_of(generation) == ("succeeded", "")
    assert attempts(generation) == [("ok", COST_MICROS)]
    image = Image.objects.get()
    made = image.provenance
    assert (made["width"], made["height"], made["steps"]) == (256, 256, 8)
    assert made["seed"] == Generation.objects.get().seed
    assert (made["model"], made["revision"]) == ("fake", "0")
    assert wallet_of(organization)[:2] == (85, 0)
    assert in_flight() == 0
    assert books_are_right()


def test_how_far_it_is_reaches_the_row_at_most_five_times_a_second(card: Card, access: Access) -> None:
    own()
    generation = an_order(access, "fake:slow=1")
    seen: list[tuple[int, float]] = []
    report = lifecycle.report_progress

    def told(row: Generation, percent: int) -> bool:
        kept = report(row, percent)
        seen.append((Generation.objects.get(pk=generation.pk).progress, time.monotonic()))
        return kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "report_progress", told)
        assert make(generation)
    percents = [percent for percent, _at in seen]
    assert percents == sorted(percents)
    assert len({percent for percent in percents if 0 < percent < 100}) >= 3
    pauses = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(seen[:-1])]
    assert min(pauses) > 0.15, "The last one is told at once"


def test_several_images_of_an_order_are_made_together_each_with_its_seed(card: Card, access: Access) -> None:
    own()
    generation = an_order(access, n=4)
    assert make(generation)
    assert status_of(generation) == ("succeeded", "")
    assert [len(batch) for batch in card.backend.rendered] == [4]
    seed = Generation.objects.get().seed
    assert seed is not None
    assert sorted(image.provenance["seed"] for image in Image.objects.all()) == [
        seed + number for number in range(4)
    ]


def test_a_canceled_order_stops_the_card_and_costs_nothing(
    card: Card, organization: Organization, access: Access
) -> None:
    own()
    generation = an_order(access, "fake:slow=30")
    done = threading.Event()
    # The cancel comes from elsewhere, as soon as the card is at work.
    report = lifecycle.report_progress

    def canceled_meanwhile(row: Generation, percent: int) -> bool:
        if card.backend.rendered and not done.is_set():
            done.set()
            lifecycle.cancel(generation)
        return report(row, percent)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "report_progress", canceled_meanwhile)
        make(generation)
    assert status_of(generation) == ("canceled", "canceled")
    assert attempts(generation) == [("canceled", 0)]
    assert wallet_of(organization)[:2] == (100, 0)
    assert in_flight() == 0
    assert books_are_right()


def test_an_order_that_does_not_fit_into_the_memory_goes_elsewhere_or_waits(
    card: Card, organization: Organization, access: Access
) -> None:
    own()
    generation = an_order(access, "fake:oom=1")
    make(generation)
    assert status_of(generation) == ("queued", "")
    assert attempts(generation) == [("busy", 0)]
    assert books_are_right()


def test_a_bug_costs_the_customer_nothing(card: Card, organization: Organization, access: Access) -> None:
    own()
    generation = an_order(access, "fake:bug")
    make(generation)
    assert status_of(generation) == ("failed", "generation_failed")
    assert wallet_of(organization)[:2] == (100, 0)
    assert books_are_right()


def test_a_failed_device_gives_its_orders_back_and_they_are_made_anew(
    card: Card, organization: Organization, access: Access
) -> None:
    own()
    generation = an_order(access, "fake:lost")
    make(generation)
    wait_until(lambda: card.fatal, "the engine to stop")
    assert status_of(generation) == ("queued", "")
    assert attempts(generation) == [("unknown", 0)]
    assert in_flight() == 0
    fresh = Card(card.rung)
    gpu.install(fresh.engine)
    Generation.objects.update(prompt="a lighthouse")
    assert make(generation)
    fresh.engine.close(10)
    assert status_of(generation) == ("succeeded", "")
    assert settlements_of(generation) == ["capture"]
    assert books_are_right()


def test_what_kills_every_worker_ends_after_a_few(card: Card, access: Access) -> None:
    own()
    generation = an_order(access, "fake:lost")
    for _ in range(3):
        fresh = Card(card.rung)
        gpu.install(fresh.engine)
        make(generation)
    assert status_of(generation) == ("failed", "generation_failed")
    assert settlements_of(generation) == ["release"]
    assert books_are_right()


def test_an_order_whose_worker_was_killed_is_queued_again(card: Card, access: Access) -> None:
    upstream = own()
    generation = an_order(access)
    attempt = lifecycle.begin(Generation.objects.select_related("model").get(pk=generation.pk), upstream)
    assert attempt is not None
    assert in_flight() == 1
    age(generation, lease_until=1)
    sweeps.drive_again()
    assert status_of(generation) == ("queued", "")
    assert attempts(generation) == [("unknown", 0)]
    assert in_flight() == 0
    assert make(generation)
    assert status_of(generation) == ("succeeded", "")
    assert books_are_right()


def test_whoever_is_done_calls_the_order_that_waits_longest(card: Card, access: Access) -> None:
    own(concurrency=1)
    first, second, third = (an_order(access) for _ in range(3))
    assert make(first)
    assert card.rung == [second.pk]
    assert make(second)
    assert card.rung == [second.pk, third.pk]


def test_an_image_that_a_classifier_refuses_is_not_shown_and_not_paid(
    card: Card, organization: Organization, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(_data: bytes, prompt: str) -> str:
        asked.append(prompt)
        return "because"

    monkeypatch.setattr(content, "image_classifiers", [refuse])
    own()
    generation = an_order(access)
    make(generation)
    assert asked == ["a lighthouse"]
    assert status_of(generation) == ("failed", "content_rejected")
    assert wallet_of(organization)[:2] == (100, 0)
    assert not Image.objects.exists()
