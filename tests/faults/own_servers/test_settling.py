"""PostgreSQL is away when an image has just been made: it is charged and delivered, and not made again."""

from django.db import connection

from tests.faults.books import a_customer, assert_books_are_right
from tests.makers import settlements_of
from tests.servers import Servers
from tests.shop import RunningShop
from tests.upstream.running import RunningUpstream
from tests.waiting import wait_until


def test_image_made_while_postgresql_was_away_is_delivered_by_its_own_worker(
    patient_shop: RunningShop, own_servers: Servers, upstream: RunningUpstream
) -> None:
    shop = patient_shop
    organization, key = a_customer()
    worker = shop.worker()
    task_id = shop.order(key, "upstream:late=1.5")
    wait_until(lambda: f"{task_id}:1" in upstream.calls(), "the call", timeout_s=30)
    connection.close()
    own_servers.postgresql.halt()
    try:
        told = f"{task_id}: could not be settled, tried again"
        wait_until(lambda: told in shop.processes.err, "the worker to try in vain", timeout_s=30)
    finally:
        own_servers.postgresql.start_again()

    def has_succeeded() -> bool:
        generation = organization.generations.get(task_id=task_id)
        return bool(generation.status == "succeeded")

    wait_until(has_succeeded, "the image", timeout_s=60)
    generation = organization.generations.get(task_id=task_id)
    assert (generation.claim, settlements_of(generation)) == (1, ["capture"])
    assert upstream.calls().count(f"{task_id}:1") == 1
    assert shop.worker() == worker
    assert_books_are_right()
