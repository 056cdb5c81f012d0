"""PostgreSQL restarted in immediate mode under load: refused while it is gone, and nothing half done."""

import time

from django.db import connection

from billing.models import LedgerEntry
from generations.models import Generation
from tests import scale
from tests.faults.books import a_customer, assert_books_are_right, wait_until_all_have_ended
from tests.faults.crowd import Crowd, Told, ordering, statuses
from tests.servers import Servers
from tests.shop import RunningShop
from tests.waiting import wait_until

AWAY_S = scale.count(1, 2)


def test_restart_of_postgresql_under_load_makes_one_task_a_key(
    shop: RunningShop, own_servers: Servers
) -> None:
    organization, key = a_customer()
    ours = Generation.objects.filter(organization=organization)
    told: list[Told] = []
    with ordering(Crowd(shop.port, key, customers=8, per_second=40)) as crowd:
        for _ in range(scale.count(1, 5)):
            before = ours.count()
            wait_until(lambda: ours.count() > before + 20, "customers to order", timeout_s=60)  # noqa: B023
            connection.close()  # this process's own, which would be broken
            own_servers.postgresql.halt()
            try:
                seconds = seconds_until_refused(shop, key)
                scale.record("an order while PostgreSQL is gone: 503 after", seconds, "s", 3)
                time.sleep(AWAY_S)
            finally:
                own_servers.postgresql.start_again()
            back_at = time.monotonic()
            before = ours.count()
            wait_until(lambda: ours.count() > before, "the next order", timeout_s=60)  # noqa: B023
            scale.record("PostgreSQL back to the next order", time.monotonic() - back_at, "s", 15)
        told = crowd.finish()

    assert set(statuses(told)) <= {200, 409, 503}
    assert statuses(told)[503] > 0, "Nobody ordered while it was gone"
    assert {len(order.tasks) for order in told} == {1}, "Every key stands for one task"
    assert sum(order.no_retry_after for order in told) == 0
    assert sorted(ours.values_list("task_id", flat=True)) == sorted(order.tasks[0] for order in told)
    holds = LedgerEntry.objects.filter(kind="hold", wallet__organization=organization)
    assert holds.count() == len(told)
    wait_until_all_have_ended()
    assert_books_are_right()


def seconds_until_refused(shop: RunningShop, key: str) -> float:
    order = {"prompt": "a lighthouse", "size": "256*256"}
    began = time.monotonic()
    status, headers, body = shop.ask("POST", "/api/generate", key, order)
    seconds = time.monotonic() - began
    assert (status, body["error"]["type"]) == (503, "unavailable")
    assert int(headers["Retry-After"]) == body["error"]["retry_after"] > 0
    assert shop.ask("GET", "/readyz")[0] == 503
    assert shop.ask("GET", "/healthz")[0] == 200
    return seconds
