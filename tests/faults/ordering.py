"""Somebody who orders one image after another, from a thread of the test's."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.shop import RunningShop


class Orders:
    """`accepted`: the ids of all that were answered with 200 so far, in order."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.failed: list[BaseException] = []


@contextmanager
def one_after_another(shop: RunningShop, key: str) -> Iterator[Orders]:
    orders, over = Orders(), threading.Event()

    def go_on() -> None:
        try:
            while not over.is_set():
                orders.accepted.append(shop.order(key))
        except BaseException as error:  # noqa: BLE001 - raised again by the test's thread
            orders.failed.append(error)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield orders
    finally:
        over.set()
        thread.join()
    if orders.failed:
        raise orders.failed[0]
