"""What one attempt brought while others are still to come: kept once, shown and paid at the end, or dropped."""

from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.access import Access
from accounts.models import Organization
from generations import exchange, lifecycle, ordering, polling, storage, sweeps
from generations.errors import TooLateToCancel
from generations.models import Attempt, Generation, Image, Upstream
from generations.providers import ADAPTERS
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer
from tests.generations.kept_images import files, keep_images_in
from tests.makers import (
    PRICE_CREDITS,
    a_generation,
    age,
    an_organization,
    an_upstream,
    books_are_right,
    settlements_of,
    status_of,
    stored_images,
    wallet_of,
)
from tests.upstream.server import picture

pytestmark = pytest.mark.django_db
COST_MICROS = 5000
CREDITS = 10_000


@pytest.fixture
def organization(db: None, tmp_path: Path, settings: Settings) -> Organization:
    keep_images_in(tmp_path, settings)
    return an_organization(CREDITS)


@pytest.fixture
def upstream(db: None) -> Upstream:
    return an_upstream(cost_micros=COST_MICROS)


def begun(generation: Generation, upstream: Upstream) -> Attempt:
    """Its next attempt, which the upstream has and says is done: this test fetches it."""
    attempt = lifecycle.begin(Generation.objects.get(pk=generation.pk), upstream)
    assert attempt is not None
    name = f"up-{attempt.pk}"
    assert lifecycle.accepted(attempt, Answer(OutcomeKind.WAIT, handle={"task_id": name}, task_id=name), 1)
    assert lifecycle.take_delivery(attempt)
    return attempt


def stored(attempt: Attempt) -> list[lifecycle.Stored]:
    """Its image, with its file."""
    generation, index = attempt.generation, attempt.first_index
    image = storage.check(picture(256, 256))
    key = storage.store(generation.task_id, generation.claim, index, image)
    return [lifecycle.Stored(index, key, image)]


def keep(attempt: Attempt) -> list[lifecycle.Stored]:
    images = stored(attempt)
    assert lifecycle.keep_part(attempt.generation, attempt, images, brought=1, cost_micros=COST_MICROS)
    return images


def order_with_part(access: Access, upstream: Upstream, n: int = 3) -> Generation:
    """An order for `n` images, the first of which is kept."""
    generation = a_generation(access, n=n)
    keep(begun(generation, upstream))
    return generation


# --- Kept ---------------------------------------------------------------------------------------


def test_a_part_is_neither_shown_nor_paid_before_the_end(
    organization: Organization, access: Access, upstream: Upstream
) -> None:
    generation = order_with_part(access, upstream)
    row = Generation.objects.get(pk=generation.pk)
    assert (row.status, row.progress, row.rings) == ("queued", 33, 0)
    assert not Image.objects.exists()
    assert settlements_of(generation) == []
    assert wallet_of(organization)[:2] == (CREDITS - 3 * PRICE_CREDITS, 3 * PRICE_CREDITS)
    assert books_are_right()


def test_the_next_attempt_is_for_what_is_missing(access: Access, upstream: Upstream) -> None:
    generation = order_with_part(access, upstream)
    attempt = begun(generation, upstream)
    job = exchange.job_of(attempt)
    assert (attempt.number, attempt.first_index, attempt.n) == (2, 1, 1)
    assert (job.n, job.seed) == (1, ((attempt.generation.seed or 0) + 1) % 2**31)
    assert attempt.possible_cost_micros == COST_MICROS


def test_a_part_whose_commit_was_not_answered_is_kept_once(access: Access, upstream: Upstream) -> None:
    attempt = begun(a_generation(access, n=3), upstream)
    images = keep(attempt)
    again = {"brought": 1, "cost_micros": COST_MICROS}
    assert lifecycle.keep_part(attempt.generation, attempt, images, **again), (
        "Its files are not to be deleted"
    )
    begun(attempt.generation, upstream)
    assert lifecycle.keep_part(attempt.generation, attempt, images, **again)
    assert Attempt.objects.filter(delivered__isnull=False).count() == 1
    others = stored_images(attempt.generation, 1, first=1)
    assert not lifecycle.keep_part(attempt.generation, attempt, others, **again), "Not somebody else's"


@pytest.mark.parametrize(("images", "brought"), [(0, 1), (2, 1), (1, 3)])
def test_a_part_without_images_or_that_is_all_is_a_bug(
    access: Access, upstream: Upstream, images: int, brought: int
) -> None:
    attempt = begun(a_generation(access, n=3), upstream)
    with pytest.raises(ValueError, match="images"):
        lifecycle.keep_part(
            attempt.generation, attempt, stored_images(attempt.generation, images), brought=brought
        )


def test_progress_counts_the_images_that_are_there(access: Access, upstream: Upstream) -> None:
    generation = order_with_part(access, upstream, n=4)
    attempt = begun(generation, upstream)
    question = polling.Question(attempt, "", 0)
    polling.put_back([polling.NotYet(question, 1, progress=50)])
    assert Generation.objects.get(pk=generation.pk).progress == 37
    polling.put_back([polling.NotYet(question, 1, progress=0)])
    assert Generation.objects.get(pk=generation.pk).progress == 37


def test_openai_is_asked_for_one_at_a_time_where_its_model_makes_no_more() -> None:
    adapter = ADAPTERS["openai_compatible"]
    assert [adapter.most_images(model) for model in ("dall-e-3", "gpt-image-1")] == [1, 4]
    assert ADAPTERS["portal"].most_images("whatever") == 1


# --- Lost workers -------------------------------------------------------------------------------


def test_a_worker_that_dies_with_a_later_image_takes_no_earlier_one_along(
    organization: Organization, access: Access, upstream: Upstream, tmp_path: Path
) -> None:
    generation = order_with_part(access, upstream, n=2)
    dead = begun(generation, upstream)
    stored(dead)
    assert files(tmp_path) == 2
    age(generation, lease_until=1)
    assert sweeps.drive_again() == 1
    assert files(tmp_path) == 1, "What was stored and not recorded goes; the part stays"
    attempt = Attempt.objects.select_related("generation", "upstream").get(pk=dead.pk)
    assert lifecycle.take_delivery(attempt)
    assert lifecycle.succeed(attempt.generation, attempt, stored(attempt), cost_micros=COST_MICROS)
    images = Image.objects.filter(generation=generation).order_by("index")
    assert [image.index for image in images] == [0, 1]
    assert all(storage.read(image.storage_key) for image in images)
    assert wallet_of(organization)[:2] == (CREDITS - 2 * PRICE_CREDITS, 0)
    assert books_are_right()


def test_who_is_late_with_an_image_of_an_order_that_ended_with_others_deletes_it(
    access: Access, upstream: Upstream, tmp_path: Path
) -> None:
    generation = order_with_part(access, upstream, n=2)
    slow = begun(generation, upstream)
    images = stored(slow)
    age(generation, deadline_at=1)
    assert sweeps.expire_overdue() == 1
    assert status_of(generation) == ("succeeded", "")
    assert not lifecycle.succeed(slow.generation, slow, images, cost_micros=COST_MICROS), (
        "Under the same claim"
    )
    slow.refresh_from_db()
    assert (slow.outcome, slow.cost_micros) == ("late", COST_MICROS)
    assert files(tmp_path) == 1
    assert books_are_right()


def test_claims_that_brought_images_are_no_poison(
    access: Access, upstream: Upstream, settings: Settings
) -> None:
    generation = order_with_part(access, upstream, n=4)
    for _ in range(2):
        keep(begun(generation, upstream))
    attempt = begun(generation, upstream)
    assert attempt.generation.claim > 2 * settings.MAX_CLAIMS
    assert lifecycle.hand_back(attempt.generation, 1, attempt=attempt, outcome="not_stored")
    assert status_of(generation)[0] == "queued"
    for _ in range(2):
        attempt = begun(generation, upstream)
        lifecycle.hand_back(attempt.generation, 1, attempt=attempt, outcome="not_stored")
    assert status_of(generation) == ("succeeded", "")
    assert Image.objects.filter(generation=generation).count() == 3
    assert books_are_right()


def test_a_worker_that_dies_later_on_leaves_it_as_many_claims_as_an_earlier_one(
    access: Access, upstream: Upstream, settings: Settings
) -> None:
    """Its next attempt had not begun, so only those before say how much is there."""
    generation = order_with_part(access, upstream, n=4)
    row = Generation.objects.filter(pk=generation.pk)
    row.update(claim=settings.MAX_CLAIMS - 1)
    for is_left in [True] * settings.MAX_CLAIMS + [False]:
        assert lifecycle.claim(generation.pk) is not None
        age(generation, lease_until=1)
        assert lifecycle.hand_back(row.get(), 0, lost=True)
        assert (status_of(generation)[0] == "queued") is is_left
        row.filter(status="queued").update(dispatch_after=row.get().created_at)
    assert status_of(generation) == ("succeeded", "")


# --- Ends ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["fail", "give up", "abandon", "expire"])
def test_whatever_ends_it_delivers_the_part(
    organization: Organization, access: Access, upstream: Upstream, how: str
) -> None:
    generation = order_with_part(access, upstream)
    attempt = begun(generation, upstream) if how in ("fail", "abandon") else None
    generation.refresh_from_db()
    if attempt is not None and how == "fail":
        assert lifecycle.fail(attempt.generation, "invalid_request", attempt=attempt, outcome="invalid")
    elif attempt is not None:
        assert lifecycle.abandon(attempt, "nobody will say")
    elif how == "give up":
        assert lifecycle.give_up(generation, "upstream_unavailable")
    else:
        age(generation, deadline_at=1)
        assert lifecycle.expire(generation)
    assert status_of(generation) == ("succeeded", "")
    assert Generation.objects.get(pk=generation.pk).progress == 100
    assert settlements_of(generation) == ["capture"]
    assert wallet_of(organization)[:2] == (CREDITS - PRICE_CREDITS, 0)
    assert books_are_right()


def test_a_cancel_that_drops_what_was_made_counts_as_a_paid_one(
    organization: Organization, access: Access, upstream: Upstream, settings: Settings, tmp_path: Path
) -> None:
    settings.MAX_PAID_CANCELS = 1
    first, second = order_with_part(access, upstream), order_with_part(access, upstream)
    ordering.cancel(first)
    assert files(tmp_path) == 1
    with pytest.raises(TooLateToCancel):
        ordering.cancel(second)
    assert files(tmp_path) == 1
    assert status_of(second)[0] == "queued"
    assert list(Attempt.objects.order_by("pk").values_list("outcome", "cost_micros")) == [
        ("canceled_cost", COST_MICROS),
        ("ok", COST_MICROS),
    ]
    assert wallet_of(organization)[:2] == (CREDITS - 3 * PRICE_CREDITS, 3 * PRICE_CREDITS)
    assert books_are_right()
