"""Beats: two at once settle nothing twice, and one that is killed is made up for."""

import signal

import pytest

from accounts.models import Organization
from generations import doorbell
from generations.models import Generation
from tests.faults.books import CREDITS, a_customer, assert_books_are_right, wait_until_all_have_ended
from tests.makers import PRICE_CREDITS, a_claimed, a_generation, a_submitted, age, an_access, wallet_of
from tests.processes import frozen
from tests.shop import RunningShop

pytestmark = pytest.mark.everyday_on("sqlite")

EACH = 5


@pytest.fixture(autouse=True)
def _no_ring_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process puts into the queue is for the sweeps to find."""
    monkeypatch.setattr(doorbell, "_silent_until", float("inf"))


def work_for_sweeps(organization: Organization) -> tuple[list[Generation], list[Generation]]:
    """Orders that have to expire, and orders that have to be made."""
    access = an_access(organization)
    overdue = [a_generation(access) for _ in range(EACH)] + [a_submitted(access)[0] for _ in range(EACH)]
    lost = [a_claimed(access) for _ in range(EACH)]
    unheard = [a_generation(access) for _ in range(EACH)]
    for generation in overdue:
        age(generation, deadline_at=1)
    for generation in lost:
        age(generation, lease_until=1)
    for generation in unheard:
        age(generation, dispatch_after=1)
    return overdue, lost + unheard


def ends_of(generations: list[Generation]) -> set[tuple[str, str]]:
    ids = [generation.pk for generation in generations]
    return set(Generation.objects.filter(pk__in=ids).values_list("status", "error_type"))


def assert_as_due(overdue: list[Generation], due: list[Generation]) -> None:
    wait_until_all_have_ended()
    assert ends_of(overdue) == {("failed", "timeout")}
    assert ends_of(due) == {("succeeded", "")}


def test_two_beats_settle_every_order_once_and_a_killed_one_is_made_up_for(shop: RunningShop) -> None:
    organization, _ = a_customer()
    [beat] = shop.processes.children("beat")
    with shop.another("beat"):
        with frozen(beat):
            work = work_for_sweeps(organization)
        assert_as_due(*work)
        beat.send_signal(signal.SIGKILL)
        assert_as_due(*work_for_sweeps(organization))
    # Now the other is gone as well, and the supervisor starts a new one.
    assert_as_due(*work_for_sweeps(organization))
    assert wallet_of(organization)[:3] == (CREDITS - 3 * 2 * EACH * PRICE_CREDITS, 0, 0)
    assert_books_are_right()
