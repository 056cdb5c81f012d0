"""What somebody else holds, or a broker that is slow, stops no sweep."""

import pytest
from django.db import OperationalError, connection

from accounts.access import Access
from accounts.models import Organization
from generations import doorbell, lifecycle, sweeps
from generations.models import Generation
from tests.generations.test_sweeps import seconds_until_ring
from tests.locks import impatient, wallets_held_of
from tests.makers import a_generation, age, an_access, an_organization, status_of


class SlowBroker:
    """Takes `ring_s` for a ring, by a clock of its own."""

    def __init__(self, ring_s: float) -> None:
        self.now_s, self.ring_s = 1000.0, ring_s
        self.heard: list[int] = []

    def monotonic(self) -> float:
        return self.now_s

    def publish(self, generation_id: int) -> bool:
        self.now_s += self.ring_s
        self.heard.append(generation_id)
        return True


def test_slow_broker_keeps_no_sweep_from_the_next_deadline(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [a_generation(access) for _ in range(4)]
    for number, row in enumerate(rows):
        age(row, dispatch_after=10 - number)
    broker = SlowBroker(ring_s=sweeps.RING_FOR_S * 0.6)
    monkeypatch.setattr(doorbell, "publish", broker.publish)
    monkeypatch.setattr(sweeps, "time", broker)
    assert sweeps.ring_again() == 2
    assert broker.heard == [row.pk for row in rows[:2]]
    assert sweeps.ring_again() == 2, "What was left is due at once"
    assert broker.heard == [row.pk for row in rows]


def test_ring_that_nobody_heard_does_not_shorten_a_pause_that_began_meanwhile(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = a_generation(access)
    age(generation, dispatch_after=1)

    def taken_and_put_back(generation_id: int) -> bool:
        claimed = lifecycle.claim(generation_id)
        assert claimed is not None
        assert lifecycle.hand_back(claimed, 60)
        return False

    monkeypatch.setattr(doorbell, "publish", taken_and_put_back)
    assert sweeps.ring_again() == 0
    assert seconds_until_ring(generation) == pytest.approx(60, abs=5)


if connection.vendor == "postgresql":

    def overdue(organization: Organization, seconds: float) -> Generation:
        generation = a_generation(an_access(organization))
        age(generation, deadline_at=seconds)
        return generation

    def test_wallet_that_somebody_holds_keeps_no_order_of_others_from_its_deadline(
        committed_db: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        held, other = an_organization(1000), an_organization(1000)
        stuck = [overdue(held, 9) for _ in range(sweeps.MOST_LOCKED + 1)]
        behind = overdue(other, 1)
        with wallets_held_of(held), impatient():
            assert sweeps.expire_overdue() == 1
        assert status_of(behind) == ("failed", "timeout")
        assert caplog.text.count("somebody holds it or its wallet") == 1, "Waited for once, and not for each"
        assert {status_of(generation)[0] for generation in stuck} == {"queued"}
        assert sweeps.expire_overdue() == len(stuck)

    def test_of_many_that_are_held_only_a_few_are_waited_for(
        committed_db: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        several = [an_organization(100) for _ in range(sweeps.MOST_LOCKED + 1)]
        for organization in several:
            overdue(organization, 9)
        with wallets_held_of(*several), impatient(), pytest.raises(OperationalError):
            sweeps.expire_overdue()
        assert caplog.text.count("somebody holds it or its wallet") == sweeps.MOST_LOCKED - 1
        assert sweeps.expire_overdue() == len(several)
