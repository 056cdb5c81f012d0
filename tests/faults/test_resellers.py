"""Two shops and the platform on one installation, over HTTP and with one worker that does one thing at a time: an image
is charged once in each ledger, a failure in none, and what one owes the other no customer learns.
"""

import datetime
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from accounts.api_keys import create_api_key
from accounts.clock import read_db_now
from accounts.models import OperatorAlert, Organization, Shop
from accounts.shops import first_shop
from billing import ledger
from billing.models import EntryKind, LedgerEntry
from generations import between_shops, margin
from generations.margin import Window
from generations.models import Attempt, Generation, Upstream, UpstreamState
from tests.faults.books import assert_books_are_right, task
from tests.generations.wholesale.sellers import a_reseller
from tests.makers import PRICE_CREDITS, age, an_organization, new_reference, settlements_of, wallet_of
from tests.processes import free_port
from tests.shop import RunningShop, start
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("sqlite")
FIRST, SECOND = "127.0.0.2", "127.0.0.3"  # hosts that lead here without a name server
VALUE = 1_000_003  # millionths, of all credits of each


class Reseller:
    """A shop that sells on, one customer of it, and what the seller calls it: `buys_as`."""

    def __init__(self, running: RunningShop, host: str, seller: Shop, credits: int) -> None:
        self.running, self.host = running, host
        self.shop = a_reseller(host)
        self.customer = an_organization(100 * PRICE_CREDITS, VALUE, shop=self.shop)
        self.buys_as = an_organization(credits, VALUE if credits else 0, shop=seller)
        _row, self.key = create_api_key(self.customer, livemode=True, rate_per_minute=10_000, burst=1_000)
        connection.close()
        code = (
            "from generations.wholesale import connect; from accounts.models import Organization, Shop;"
            f"connect(Shop.objects.get(pk={self.shop.pk}), Organization.objects.get(pk={self.buys_as.pk}))"
        )
        running.say("shell", "-c", code)
        self.upstream = Upstream.objects.get(shop=self.shop)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        status, _headers, answer = self.running.ask(method, path, self.key, body, Host=self.host)
        return status, answer

    def order(self, prompt: str = "a lighthouse", n: int = 1) -> str:
        status, answer = self.ask(
            "POST", "/api/v1/generations", {"prompt": prompt, "size": "256x256", "n": n}
        )
        assert status == 200, answer
        task_id: str = answer["id"]
        return task_id

    def is_open(self) -> bool:
        connection.close()
        return UpstreamState.objects.get(pk=self.upstream.pk).opened_at is None


def ended(*task_ids: str) -> list[tuple[str, str]]:
    def all_have() -> bool:
        rows = Generation.objects.filter(task_id__in=task_ids, finished_at=None)
        found = not rows.exists()
        connection.close()
        return found

    wait_until(all_have, "the orders to end", timeout_s=60)
    return [(task(task_id).status, task(task_id).error_type) for task_id in task_ids]


def bought(task_id: str) -> Generation:
    """What the seller was asked for by the first attempt."""
    return Generation.objects.get(idempotency_key=f"{task_id}:1")


@pytest.fixture(scope="module")
def running(kept_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    with start(
        tmp_path_factory.mktemp("shop"),
        HOST="0.0.0.0",  # the hosts above are addresses of this machine
        WORKER_CONCURRENCY="1",
        WEB_THREADS="2",
        SWEEP_S="0.5",
        SANDBOX_SECONDS="0.2",
        TILL_PORT=str(free_port()),
    ) as running:
        yield running


@pytest.fixture(scope="module")
def reseller(running: RunningShop) -> Reseller:
    return Reseller(running, FIRST, first_shop(), 50 * PRICE_CREDITS)


def test_an_image_is_charged_once_on_each_side_and_a_failure_on_none(reseller: Reseller) -> None:
    before = wallet_of(reseller.customer)[0], wallet_of(reseller.buys_as)[0]
    tasks = [
        reseller.order(),
        reseller.order("four lighthouses", n=4),
        reseller.order("sandbox:failed"),
        reseller.order("sandbox:content_rejected"),
    ]
    assert ended(*tasks) == [
        ("succeeded", ""),
        ("succeeded", ""),
        ("failed", "generation_failed"),
        ("failed", "content_rejected"),
    ]
    after = wallet_of(reseller.customer)[0], wallet_of(reseller.buys_as)[0]
    assert [had - has for had, has in zip(before, after, strict=True)] == [5 * PRICE_CREDITS] * 2
    assert settlements_of(bought(tasks[0])) == ["capture"]
    assert settlements_of(bought(tasks[2])) == ["release"]
    status, answer = reseller.ask("GET", f"/api/v1/generations/{tasks[1]}")
    assert status == 200
    for image in answer["images"]:
        assert image["url"].startswith(f"http://{FIRST}:"), "Nothing of it names the seller"
        path = "/" + image["url"].split("/", 3)[3]
        assert reseller.running.ask("HEAD", path, Host=FIRST)[0] == 200
    assert_books_are_right()


def test_an_order_whose_worker_was_killed_is_bought_once(reseller: Reseller) -> None:
    before = wallet_of(reseller.buys_as)[0]
    tasks = [reseller.order("sandbox:slow=1") for _ in range(3)]
    wait_until(lambda: Generation.objects.filter(idempotency_key=f"{tasks[0]}:1").exists(), "it to arrive")
    reseller.running.worker().send_signal(signal.SIGKILL)
    for row in Generation.objects.filter(status="running", lease_until__isnull=False):
        age(row, lease_until=0.001)
    assert ended(*tasks) == [("succeeded", "")] * 3
    assert before - wallet_of(reseller.buys_as)[0] == 3 * PRICE_CREDITS
    assert Attempt.objects.filter(generation__task_id__in=tasks).count() == 3
    assert_books_are_right()


def test_what_is_canceled_is_taken_back_at_the_seller(reseller: Reseller) -> None:
    before = wallet_of(reseller.buys_as)[0]
    task_id = reseller.order("sandbox:slow=20")
    wait_until(lambda: Generation.objects.filter(idempotency_key=f"{task_id}:1").exists(), "it to arrive")
    status, _answer = reseller.ask("POST", f"/api/v1/generations/{task_id}/cancel")
    assert status == 200
    wait_until(lambda: bought(task_id).status == "canceled", "the seller to hear of it", timeout_s=30)
    wait_until(lambda: not open_attempts(), "it to be booked", timeout_s=30)
    assert Attempt.objects.get(generation__task_id=task_id).cost_micros == 0
    assert wallet_of(reseller.buys_as)[:2] == (before, 0)


def open_attempts() -> bool:
    found = Attempt.objects.filter(outcome="", upstream__isnull=False).exists()
    connection.close()
    return found


def test_at_the_edge_of_its_credits_so_many_are_served_as_it_has(
    running: RunningShop, reseller: Reseller
) -> None:
    """By way of another reseller: three shops in a row, and the one worker waits for nobody."""
    last = Reseller(running, SECOND, reseller.shop, 3 * PRICE_CREDITS)
    tasks = [last.order(f"number {number}") for number in range(8)]
    ends = ended(*tasks)
    assert ends.count(("succeeded", "")) == 3
    assert ends.count(("failed", "upstream_unavailable")) == 5
    assert wallet_of(last.customer)[:2] == (97 * PRICE_CREDITS, 0)
    assert wallet_of(last.buys_as)[:2] == (0, 0)
    [failed, *_] = [task_id for task_id, end in zip(tasks, ends, strict=True) if end[0] == "failed"]
    _status, answer = last.ask("GET", f"/api/status?task_id={failed}")
    assert answer["data"]["error_message"] == "upstream_unavailable: please retry later"

    def refuses() -> Any:
        status, answer = last.ask("POST", "/api/generate", {"prompt": "one more", "size": "256*256"})
        return answer if status != 200 else None

    refusal = wait_until(refuses, "it to say that it cannot")
    assert (refusal["code"], refusal["error"]["type"]) == (503, "unavailable")
    alert = OperatorAlert.objects.get(shop=last.shop)
    assert f"Buy credits for {last.buys_as.name} at http://{FIRST}:{running.port}/credits/" in alert.body

    ledger.top_up(
        last.buys_as.pk, PRICE_CREDITS, net_value_micros=7, reference=new_reference(), actor="system"
    )
    connection.close()
    wait_until(last.is_open, "it to hear of the credits", timeout_s=60)

    def accepts() -> str:
        status, answer = last.ask("POST", "/api/generate", {"prompt": "again", "size": "256*256"})
        return str(answer["data"]["task_id"]) if status == 200 else ""

    assert ended(wait_until(accepts, "it to take orders again", timeout_s=60)) == [("succeeded", "")]
    assert_books_are_right()


def test_in_the_end_all_books_and_margins_agree(reseller: Reseller) -> None:
    assert "ok" in reseller.running.say("check_ledger", "--full")
    today = read_db_now().date()
    window = Window(today - datetime.timedelta(days=1), today)
    rows = {row.name: row for row in margin.grouped(window, "shop")}
    costs = sum(row.cost_micros for row in rows.values())
    assert between_shops.paid(window)["usd"] == costs
    # What each spent of its credits is what the seller earned by them.
    buyers = Organization.objects.filter(sells_on_by__isnull=False)
    spent = sum(_spent(buyer) for buyer in buyers)
    assert spent == costs


def _spent(organization: Organization) -> int:
    entries = LedgerEntry.objects.filter(wallet__organization=organization, kind=EntryKind.CAPTURE)
    return -sum(entries.values_list("value_micros", flat=True))


def test_a_customer_of_the_platform_is_served_beside_them(running: RunningShop) -> None:
    organization = an_organization(PRICE_CREDITS)
    _row, key = create_api_key(organization, livemode=True)
    connection.close()
    status, _headers, body = running.ask(
        "POST", "/api/generate", key, {"prompt": "x", "size": "256*256"}, Host="localhost"
    )
    assert status == 200, body
    assert ended(body["data"]["task_id"]) == [("succeeded", "")]
