"""A while of load with random faults, and what must be true afterwards."""

import secrets
import time
from dataclasses import dataclass

from generations.models import Generation, Image
from tests import scale
from tests.faults.books import a_customer, assert_books_are_right, wait_until_all_have_ended
from tests.faults.chaos import Chaos, Fault
from tests.faults.crowd import BROKEN, Crowd, ordering, statuses
from tests.shop import RunningShop

SECONDS, LEAST_FAULTS = scale.count(8, 150), scale.count(5, 30)
PAUSE_S = scale.count(1, 2)
# Chances by repetition. The upstream hangs longer than it may.
PROMPTS = [
    *["a lighthouse"] * 10,
    *["upstream:late=0.5"] * 4,
    *["upstream:late=1.5"] * 2,
    "upstream:busy",
    "upstream:die",
    "upstream:hang",
    "upstream:noise",
]
SETTINGS = {
    "LEASE_S": "3",
    "SWEEP_S": "0.5",
    "DEADLINE_S": "20",
    "MAX_OPEN_TASKS": "10000",
    "RATE_LIMIT_READ_PER_MINUTE": "100000",
    "RATE_LIMIT_READ_BURST": "10000",
    "UPSTREAM_TIMEOUT_S": "2",
    "SHORT_PAUSES": "0" if scale.PROOF else "1",
}


def new_seed() -> int:
    """The proof explores; every day has the same, in which web, worker, PostgreSQL and Valkey come first."""
    seed = secrets.randbelow(1_000_000) if scale.PROOF else 275
    print(f"The soak's seed is {seed}")  # noqa: T201 - shown when it fails
    return seed


def files_without_an_image(shop: RunningShop) -> set[str]:
    root = shop.data_dir / "images"
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return files - set(Image.objects.values_list("storage_key", flat=True))


@dataclass(frozen=True, slots=True)
class Soaked:
    """`tail_s`: from the last answer until no order was open."""

    faults: int
    requests_per_second: float
    accepted: int
    delivered: int
    tail_s: float


def soak(shop: RunningShop, seed: int, faults: dict[str, Fault]) -> Soaked:
    """Returns when every order has ended, each was settled once, and the audit has found nothing."""
    organization, key = a_customer()
    spec = Crowd(shop.port, key, 12, per_second=12, prompts=PROMPTS, keyed=0.5, again_s=1, seed=seed)
    chaos = Chaos(seed, faults)
    began = time.monotonic()
    with ordering(spec) as crowd:
        chaos.run(SECONDS, PAUSE_S, LEAST_FAULTS)
        told = crowd.finish()
    over = time.monotonic()
    wait_until_all_have_ended(timeout_s=90)
    tail_s = time.monotonic() - over

    assert set(statuses(told)) <= {200, 409, 429, 503, BROKEN}, statuses(told)
    assert all(len(order.tasks) <= 1 for order in told), "A key stands for two tasks"
    rows = dict(Generation.objects.filter(organization=organization).values_list("task_id", "status"))
    assert {task for order in told for task in order.tasks} <= set(rows), "What was promised is there"
    assert_books_are_right()
    assert shop.say("check_ledger", "--full") == "ok"
    assert files_without_an_image(shop) == set()
    delivered = sum(status == "succeeded" for status in rows.values())
    assert delivered > 0
    load = statuses(told).total() / (over - began)
    return Soaked(chaos.happened.total(), load, len(rows), delivered, tail_s)
