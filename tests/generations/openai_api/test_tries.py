"""Whoever hangs up does not lose the image, and whoever posts again does not pay again."""

import contextlib

from tests.generations.openai_api.customers import CREDITS, Customer
from tests.makers import PRICE_CREDITS
from tests.processes import frozen
from tests.waiting import wait_until

SLOW = "sandbox:slow=3 a lighthouse"


def hang_up(customer: Customer) -> None:
    """Posts, and leaves once the order is there."""
    before = len(customer.orders())
    with contextlib.closing(customer.posting()):
        wait_until(lambda: len(customer.orders()) > before, "the order to be accepted")


def test_impatient_client_pays_once_for_the_image_that_it_gets(customer: Customer) -> None:
    with customer.client(timeout=1.0, max_retries=5) as client:
        answer = client.images.generate(prompt=SLOW, size="256x256")
    assert answer.data is not None
    assert len(answer.data) == 1
    [order] = customer.orders()
    assert customer.captures() == 1
    assert customer.wallet() == (CREDITS - PRICE_CREDITS, 0)
    customer.wait_until_answered(order)


def test_who_hangs_up_finds_the_image_with_its_task(customer: Customer) -> None:
    with frozen(customer.shop.worker()):
        hang_up(customer)
    [order] = customer.orders()

    def made() -> bool:
        _, _, body = customer.shop.ask("GET", f"/api/status?task_id={order.task_id}", customer.key)
        return bool(body["data"]["response"])

    wait_until(made, "the image")


def test_next_try_gets_the_image_that_was_made_meanwhile(customer: Customer) -> None:
    with frozen(customer.shop.worker()):
        hang_up(customer)
    wait_until(lambda: customer.captures() == 1, "the image to be made")
    status, _, body = customer.post(tries=1)
    assert (status, len(body["data"])) == (200, 1)
    [order] = customer.orders()
    customer.wait_until_answered(order)


def test_who_got_the_image_orders_another_one(customer: Customer) -> None:
    """Nothing is to be repeated: such a try follows one that was refused before anything was ordered."""
    assert customer.post()[0] == 200
    customer.wait_until_answered(customer.orders()[0])
    assert customer.post(tries=1)[0] == 200
    assert len(customer.orders()) == 2


def test_tries_of_two_requests_get_both_images(customer: Customer) -> None:
    with frozen(customer.shop.worker()):
        hang_up(customer)
        hang_up(customer)
    wait_until(lambda: customer.captures() == 2, "both images to be made")
    urls = {customer.post(tries=1)[2]["data"][0]["url"].partition("?")[0] for _ in range(2)}
    assert len(urls) == 2
    assert len(customer.orders()) == 2


def test_idempotency_key_is_honoured_as_elsewhere(customer: Customer) -> None:
    first = customer.post(Idempotency_Key="once")
    second = customer.post(Idempotency_Key="once")
    assert (first[0], second[0]) == (200, 200)
    assert len(customer.orders()) == 1
    assert customer.captures() == 1
