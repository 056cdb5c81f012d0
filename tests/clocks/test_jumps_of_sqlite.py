"""SQLite's clock is the machine's. When that jumps, queued work may be delayed or expire; it is never charged."""

import datetime
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from accounts.api_keys import create_api_key
from accounts.models import Organization
from billing import audit
from generations.models import Generation, Image
from tests.clocks.asking import ask, order, wait_for
from tests.makers import an_organization, settlements_of, wallet_of
from tests.processes import frozen
from tests.shop import RunningShop, start
from tests.waiting import wait_until

HOUR_S = 3600


class Machine:
    """Whose clock jumps, for all processes of the shop at once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.jump_to(0)

    def jump_to(self, ahead_s: int) -> None:
        """In one step, so that nobody reads half a number."""
        new = self.file.with_suffix(".new")
        new.write_text(str(ahead_s), encoding="ascii")
        new.replace(self.file)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine") / "ahead_s")


@pytest.fixture(scope="module")
def open_shop(
    kept_db: None, machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningShop]:
    jumping = {"DJANGO_SETTINGS_MODULE": "tests.clocks.settings", "CLOCK_FILE": str(machine.file)}
    quick = {"SANDBOX_SECONDS": "0", "SWEEP_S": "0.2", "LEASE_S": "5", "WORKER_CONCURRENCY": "1"}
    with start(tmp_path_factory.mktemp("shop"), **jumping, **quick) as shop:
        yield shop


@pytest.fixture
def shop(open_shop: RunningShop, machine: Machine) -> Iterator[RunningShop]:
    yield open_shop
    machine.jump_to(0)


@pytest.fixture
def studio(kept_db: None) -> Organization:
    return an_organization(credits=1000)


@pytest.fixture
def key(studio: Organization) -> str:
    return create_api_key(studio, livemode=True)[1]


def assert_charged_for(studio: Organization, delivered: int) -> None:
    """And for nothing else: what was not delivered is released, and the books are right."""
    for generation in Generation.objects.filter(organization=studio):
        succeeded = generation.status == "succeeded"
        assert settlements_of(generation) == ["capture" if succeeded else "release"]
        assert generation.images.count() == int(succeeded)
    assert Image.objects.filter(generation__organization=studio).count() == delivered
    assert wallet_of(studio)[:2] == (1000 - 15 * delivered, 0)
    assert audit.check_snapshot() == []
    connection.close()


def rings_in(shop: RunningShop) -> list[Path]:
    """Among the ticks of everything else."""
    waiting = (shop.data_dir / "broker" / "queue").glob("*.msg")
    return [message for message in waiting if "generations.tasks.run" in message.read_text(encoding="utf-8")]


if connection.vendor == "sqlite":

    def test_clock_of_the_shop_is_the_one_that_jumps(shop: RunningShop, machine: Machine, key: str) -> None:
        made = [Generation.objects.get(task_id=order(shop, key))]
        machine.jump_to(HOUR_S)
        made += [Generation.objects.get(task_id=order(shop, key))]
        between = made[1].created_at - made[0].created_at
        assert abs(between - datetime.timedelta(hours=1)) < datetime.timedelta(minutes=1)
        for generation in made:
            wait_for(generation.task_id, "succeeded", "failed")

    def test_jump_ahead_expires_open_work_and_charges_nothing(
        shop: RunningShop, machine: Machine, studio: Organization, key: str
    ) -> None:
        running = order(shop, key, "sandbox:slow=3")
        wait_for(running, "running")
        queued = [order(shop, key) for _ in range(3)]
        machine.jump_to(HOUR_S)
        for task_id in (running, *queued):
            assert wait_for(task_id, "failed", "succeeded").error_type == "timeout"
        after = order(shop, key)
        wait_for(after, "succeeded")  # by the same worker, which gave up on the first one
        assert_charged_for(studio, delivered=1)
        assert not (shop.data_dir / "images" / running).exists()
        _status, body = ask(shop, "GET", f"/api/status?task_id={after}", key)
        [address] = body["data"]["response"]
        path = "/i/" + address.partition("/i/")[2]
        assert ask(shop, "GET", path)[0] == 200
        machine.jump_to(3 * 24 * HOUR_S)
        assert ask(shop, "GET", path)[0] == 403
        machine.jump_to(0)
        assert ask(shop, "GET", path)[0] == 200

    def test_jump_back_delays_what_was_lost_until_the_clock_is_right_again(
        shop: RunningShop, machine: Machine, studio: Organization, key: str
    ) -> None:
        task_id = order(shop, key, "sandbox:slow=2")
        submitted = Generation.objects.filter(task_id=task_id, submitted=True)
        wait_until(submitted.exists, "it to be submitted", timeout_s=60)
        connection.close()
        machine.jump_to(-HOUR_S)
        shop.worker().send_signal(signal.SIGKILL)
        later = order(shop, key)  # the worker that comes next is not kept from other work
        wait_for(later, "succeeded")
        assert wait_for(task_id, "running").claim == 1
        machine.jump_to(0)
        assert wait_for(task_id, "succeeded", "failed").status == "succeeded"
        assert_charged_for(studio, delivered=2)

    def test_jump_back_while_work_is_done_changes_nothing(
        shop: RunningShop, machine: Machine, studio: Organization, key: str
    ) -> None:
        task_id = order(shop, key, "sandbox:slow=5")
        wait_for(task_id, "running")
        machine.jump_to(-HOUR_S)
        assert wait_for(task_id, "succeeded", "failed").status == "succeeded"
        assert_charged_for(studio, delivered=1)

    def test_order_whose_ring_was_lost_waits_until_the_clock_is_right_again(
        shop: RunningShop, machine: Machine, studio: Organization, key: str
    ) -> None:
        with frozen(shop.worker()):
            lost = order(shop, key)
            machine.jump_to(-HOUR_S)  # from now on no sweep rings for it
            for ring in wait_until(lambda: rings_in(shop), "it to be rung"):
                ring.unlink()
        wait_for(order(shop, key), "succeeded")
        assert wait_for(lost, "queued").claim == 0
        machine.jump_to(0)
        wait_for(lost, "succeeded")
        assert_charged_for(studio, delivered=2)
