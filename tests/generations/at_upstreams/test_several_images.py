"""Orders for several images: made in one go where an upstream does that, else one after another; settled once."""

from pathlib import Path

import pytest

from accounts.access import Access
from accounts.models import Organization
from billing.models import LedgerEntry
from generations import lifecycle, ordering, poller, runner, storage, sweeps
from generations.models import Attempt, Generation, Image, Upstream, UpstreamState
from tests.generations.at_upstreams.driving import COST_MICROS, at, ended, order, outcomes
from tests.generations.kept_images import files
from tests.makers import PRICE_CREDITS, age, settlements_of, status_of, stored_images, wallet_of
from tests.upstreams.running import Up
from tests.waiting import wait_until

SEED = 7


def delivered(generation: Generation) -> list[int]:
    """The indexes of its images, each of which can be read."""
    images = list(Image.objects.filter(generation=generation).order_by("index"))
    assert all(storage.read(image.storage_key) for image in images)
    assert len({image.sha256 for image in images}) == len(images), "No image twice"
    return [image.index for image in images]


def consumed_and_returned(generation: Generation) -> tuple[int, int]:
    """By its only settlement."""
    [kind] = settlements_of(generation)
    entry = LedgerEntry.objects.get(reference=generation.reference, kind=kind)
    return -entry.held - entry.available, entry.available


def asked_for(up: Up, member: str, since: int) -> list[int]:
    bodies = [asked["body"] for asked in up.log()[since:] if asked["method"] == "POST"]
    return [body[member] for body in bodies if body]


def under_way(generation: Generation, number: int) -> None:
    """Waits until the upstream has its attempt of this number."""
    runner.run(generation.pk)
    taken = Attempt.objects.filter(generation=generation, number=number, accepted_at__isnull=False)

    def is_accepted() -> bool:
        poller.wake()
        return taken.exists()

    wait_until(is_accepted, f"attempt {number} to be accepted", timeout_s=30)


# --- All of them --------------------------------------------------------------------------------


def test_an_upstream_that_makes_one_is_asked_for_each(
    organization: Organization, access: Access, folder: Path, ups: dict[str, Up]
) -> None:
    upstream, before = at(ups["portal"]), len(ups["portal"].log())
    generation = order(access, n=4, seed=SEED)
    assert wallet_of(organization)[:2] == (1000 - 4 * PRICE_CREDITS, 4 * PRICE_CREDITS)
    assert ended(generation) == ("succeeded", "")
    assert delivered(generation) == [0, 1, 2, 3]
    assert outcomes(generation) == [("ok", COST_MICROS)] * 4
    assert asked_for(ups["portal"], "seed", before) == [7, 8, 9, 10]
    assert consumed_and_returned(generation) == (4 * PRICE_CREDITS, 0)
    assert files(folder) == 4
    assert UpstreamState.objects.get(pk=upstream.pk).in_flight == 0


def test_one_that_makes_several_is_asked_once(access: Access, ups: dict[str, Up]) -> None:
    at(ups["fal"])
    generation = order(access, n=4)
    assert ended(generation) == ("succeeded", "")
    assert delivered(generation) == [0, 1, 2, 3]
    assert outcomes(generation) == [("ok", 4 * COST_MICROS)]


def test_an_engine_that_makes_one_whatever_it_is_told_is_asked_for_the_others(
    access: Access, ups: dict[str, Up]
) -> None:
    at(ups["openai_compatible"])
    before = len(ups["openai_compatible"].log())
    generation = order(access, "a lighthouse up:single", n=3, seed=2_147_483_647)
    assert ended(generation) == ("succeeded", "")
    assert delivered(generation) == [0, 1, 2]
    assert outcomes(generation) == [("ok", COST_MICROS)] * 3
    assert asked_for(ups["openai_compatible"], "n", before) == [3, 2, 1]
    assert asked_for(ups["openai_compatible"], "seed", before) == [2_147_483_647, 0, 1], (
        "The seed after the last"
    )


def test_orders_that_wait_for_a_place_between_their_images_are_called(
    access: Access, ups: dict[str, Up]
) -> None:
    upstream = at(ups["openai_compatible"], concurrency=1)
    orders = [order(access, "a lighthouse up:single", n=3) for _ in range(3)]
    for one in reversed(orders):
        runner.run(one.pk)
    wait_until(lambda: all(status_of(one)[0] == "succeeded" for one in orders), "all of them", timeout_s=30)
    waiting, busy = order(access, n=2), order(access, n=2)
    for one, outcome in ((waiting, "ok"), (busy, "busy")):
        attempt = lifecycle.begin(Generation.objects.get(pk=one.pk), upstream)
        assert attempt is not None
        if outcome == "ok":
            lifecycle.keep_part(attempt.generation, attempt, stored_images(attempt.generation, 1), brought=1)
            assert lifecycle.park(attempt.generation, 15)
        else:
            lifecycle.hand_back(attempt.generation, 15, attempt=attempt, outcome=outcome, limited=False)
    assert runner.take_next(upstream.shop_id) == 1
    assert ended(waiting) == ("succeeded", "")
    assert status_of(busy)[0] == "queued", "It was told to wait"
    lifecycle.cancel(busy)


# --- Some of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["unusable=2", "nsfw=2"])
def test_those_of_one_answer_that_cannot_be_had_are_not_paid(
    organization: Organization, access: Access, ups: dict[str, Up], word: str
) -> None:
    at(ups["fal"])
    generation = order(access, f"a lighthouse up:{word}", n=4)
    assert ended(generation) == ("succeeded", "")
    assert len(delivered(generation)) == 2
    assert outcomes(generation) == [("ok", 4 * COST_MICROS)], "It made four, and is not asked for more"
    assert consumed_and_returned(generation) == (2 * PRICE_CREDITS, 2 * PRICE_CREDITS)
    assert wallet_of(organization)[:2] == (1000 - 2 * PRICE_CREDITS, 0)


def test_what_was_made_before_a_failure_is_delivered_and_paid(
    organization: Organization, access: Access, folder: Path, ups: dict[str, Up]
) -> None:
    at(ups["portal"])
    generation = order(access, f"a lighthouse up:from={SEED + 2}:failed", n=4, seed=SEED)
    assert ended(generation) == ("succeeded", "")
    assert delivered(generation) == [0, 1]
    assert outcomes(generation) == [("ok", COST_MICROS), ("ok", COST_MICROS), ("failed", 0)]
    assert consumed_and_returned(generation) == (2 * PRICE_CREDITS, 2 * PRICE_CREDITS)
    assert wallet_of(organization)[:2] == (1000 - 2 * PRICE_CREDITS, 0)
    assert files(folder) == 2


def test_a_failure_of_the_first_charges_nothing(
    organization: Organization, access: Access, ups: dict[str, Up]
) -> None:
    at(ups["portal"])
    generation = order(access, "a lighthouse up:rejected", n=4)
    assert ended(generation) == ("failed", "content_rejected")
    assert settlements_of(generation) == ["release"]
    assert wallet_of(organization)[:2] == (1000, 0)


def test_another_upstream_makes_what_the_first_did_not(access: Access, ups: dict[str, Up]) -> None:
    first, second = at(ups["portal"], priority=1), at(ups["fal"], priority=2)
    generation = order(access, f"a lighthouse up:from={SEED + 1}:failed", n=4, seed=SEED)
    assert ended(generation) == ("succeeded", "")
    assert delivered(generation) == [0, 1, 2, 3]
    assert outcomes(generation) == [("ok", COST_MICROS), ("failed", 0), ("ok", 3 * COST_MICROS)]
    made_by = (
        Attempt.objects.filter(generation=generation).order_by("number").values_list("upstream", flat=True)
    )
    assert list(made_by) == [first.pk, first.pk, second.pk]


def test_the_deadline_delivers_what_is_there_and_books_the_rest_once_it_comes(
    organization: Organization, access: Access, folder: Path, ups: dict[str, Up]
) -> None:
    at(ups["portal"])
    generation = order(access, f"a lighthouse up:from={SEED + 1}:stuck", n=4, seed=SEED)
    under_way(generation, 2)
    assert Generation.objects.get(pk=generation.pk).progress >= 25
    assert not Image.objects.exists(), "Nothing is shown before the end"
    age(generation, deadline_at=1)
    assert sweeps.expire_overdue() == 1
    assert status_of(generation) == ("succeeded", "")
    assert delivered(generation) == [0]
    assert consumed_and_returned(generation) == (PRICE_CREDITS, 3 * PRICE_CREDITS)
    ups["portal"].unstick()

    def is_booked() -> bool:
        poller.wake()
        return outcomes(generation) == [("ok", COST_MICROS), ("late", COST_MICROS)]

    wait_until(is_booked, "the late one to be booked", timeout_s=30)
    assert files(folder) == 1
    assert wallet_of(organization)[:2] == (1000 - PRICE_CREDITS, 0)


def test_a_cancel_in_the_middle_is_free_and_shows_nothing(
    organization: Organization, access: Access, folder: Path, ups: dict[str, Up]
) -> None:
    at(ups["portal"])
    generation = order(access, f"a lighthouse up:from={SEED + 2}:stuck", n=4, seed=SEED)
    as_it_was_when_the_customer_looked = Generation.objects.get(pk=generation.pk)
    under_way(generation, 3)
    assert files(folder) == 2
    ordering.cancel(as_it_was_when_the_customer_looked)
    assert files(folder) == 0
    assert settlements_of(generation) == ["release"]
    assert wallet_of(organization)[:2] == (1000, 0)
    ups["portal"].unstick()

    def is_booked() -> bool:
        poller.wake()
        return outcomes(generation) == [("canceled_cost", COST_MICROS)] * 3

    wait_until(is_booked, "what was made all the same to be booked", timeout_s=30)
    assert status_of(generation) == ("canceled", "canceled")
    assert not Image.objects.exists()
    assert files(folder) == 0


def test_nobody_left_for_the_rest_delivers_what_is_there(access: Access, ups: dict[str, Up]) -> None:
    upstream = at(ups["portal"])
    generation = order(access, f"a lighthouse up:from={SEED + 1}:stuck", n=3, seed=SEED)
    under_way(generation, 2)
    Upstream.objects.filter(pk=upstream.pk).update(enabled=False)
    ups["portal"].unstick()
    assert ended(generation) == ("succeeded", "")
    assert delivered(generation) == [0, 1]
