"""Two web and two worker processes: they count limits together, and one that dies is replaced beside the other."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from accounts.api_keys import create_api_key
from generations.models import Generation
from tests.faults.books import assert_books_are_right
from tests.makers import all_have_ended, an_organization
from tests.shop import RunningShop, start
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("postgresql")

POSTS = 40
BURST = 20


@pytest.fixture
def shop(committed_db: None, tmp_path: Path) -> Iterator[RunningShop]:
    two = {"WEB_PROCESSES": "2", "WORKER_PROCESSES": "2", "REDIS_URL": os.environ["TEST_REDIS_URL"]}
    with start(tmp_path, DATABASE_POOL="16", **two) as shop:  # all at once: nobody waits for a connection
        yield shop


def inner_processes(shop: RunningShop) -> list[psutil.Process]:
    """Those that answer: each listens on the shop's port itself."""
    [web] = shop.processes.children("granian")
    return [child for child in web.children() if listens(child, shop.port)]


def listens(process: psutil.Process, port: int) -> bool:
    try:
        return any(c.laddr and c.laddr.port == port for c in process.net_connections())
    except psutil.NoSuchProcess:
        return False


def test_two_of_each_are_one_shop(shop: RunningShop) -> None:
    assert len(shop.processes.children("worker")) == 2
    wait_until(lambda: len(inner_processes(shop)) == 2, "both web processes", timeout_s=30)

    # Nothing is refilled meanwhile.
    key = create_api_key(an_organization(1000), livemode=True, rate_per_minute=1)[1]
    answers = shop.post_at_once(POSTS, key)
    assert Counter(answer["status"] for answer in answers) == {200: BURST, 429: POSTS - BURST}
    wait_until(all_have_ended, "all tasks to end", timeout_s=60)
    assert Generation.objects.filter(status="succeeded").count() == BURST

    [web] = shop.processes.children("granian")
    victim, other = inner_processes(shop)
    victim.kill()
    wait_until(lambda: len(set(inner_processes(shop)) - {victim}) == 2, "another web process", timeout_s=30)
    assert other in inner_processes(shop)
    assert shop.processes.children("granian") == [web]
    assert shop.processes.answers()
    assert_books_are_right()
