"""kill -9 of the web process in the middle of requests, while clients try again with their idempotency keys."""

import os
import signal

import pytest

from billing.models import LedgerEntry
from generations.models import Generation
from tests import scale
from tests.faults.books import a_customer, assert_books_are_right, wait_until_all_have_ended
from tests.faults.crowd import BROKEN, Crowd, ordering, statuses
from tests.processes import listens
from tests.shop import RunningShop
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("sqlite")


def test_web_killed_among_requests_makes_one_task_and_one_hold_a_key(shop: RunningShop) -> None:
    organization, key = a_customer()
    # Without a pause between orders, so that every kill meets requests.
    with ordering(Crowd(shop.port, key, customers=8, per_second=1_000)) as crowd:
        for _ in range(scale.count(1, 5)):
            accepted = Generation.objects.filter(organization=organization)
            before = accepted.count()
            wait_until(lambda: accepted.count() > before + 20, "customers to order", timeout_s=30)  # noqa: B023
            [web] = shop.processes.children("granian")
            os.killpg(web.pid, signal.SIGKILL)  # and all that it started: nobody is left to answer
            wait_until(lambda: listens(shop.port), "another web process", timeout_s=30)
        told = crowd.finish()

    assert set(statuses(told)) <= {200, BROKEN}
    assert statuses(told)[BROKEN] > 0, "Nobody was interrupted"
    assert {len(order.tasks) for order in told} == {1}, "Every key stands for one task"
    ours = Generation.objects.filter(organization=organization)
    assert sorted(ours.values_list("task_id", flat=True)) == sorted(order.tasks[0] for order in told)
    holds = LedgerEntry.objects.filter(kind="hold", wallet__organization=organization)
    assert holds.count() == len(told)
    wait_until_all_have_ended()
    assert_books_are_right()
