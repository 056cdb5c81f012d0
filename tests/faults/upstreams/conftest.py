"""One shop and a stand-in for each wire format, for all tests in this folder. Deadlines are short, so that what is
tried until its deadline ends soon.
"""

import datetime
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import Message
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from accounts.api_keys import create_api_key
from accounts.clock import db_now
from accounts.models import Organization, Shop, ShopDomain
from accounts.organizations import create_organization, person
from accounts.shops import first_shop
from billing import ledger
from generations import catalogue
from generations.models import Attempt, Generation, Status, Upstream
from generations.providers import ADAPTERS
from tests.databases import Restore, kept_rows
from tests.makers import an_upstream, new_reference
from tests.shop import RunningShop, start
from tests.upstreams.running import Up

CREDITS = 10_000
COST_MICROS = 5000
SETTINGS = {
    "SWEEP_S": "0.3",
    "CALL_TOTAL_S": "2",
    "LEASE_S": "3",
    "DEADLINE_S": "15",
    "WORKER_CONCURRENCY": "8",
    "LOG_LEVEL": "WARNING",
}


MOST_CASES = 250


def host_of(brand: Shop) -> str:
    return f"127.0.0.{brand.slug.removeprefix('brand-')}"


@dataclass(frozen=True, slots=True)
class Case:
    """A shop of its own for one order or a few, with upstreams that no other case disturbs."""

    running: RunningShop
    shop: Shop
    organization: Organization
    key: str
    host: str

    def upstream(self, up: Up, **fields: object) -> Upstream:
        usual: dict[str, object] = {
            "base_url": up.base_url,
            "credential": up.credential,
            "webhook_secret": up.webhook_secret,
            "model_names": {"z-image-turbo": up.model},
            "cost_micros": COST_MICROS,
            "shop": self.shop,
        }
        return an_upstream(up.name, **{**usual, **fields})

    def ask(
        self, method: str, path: str, key: str = "", body: object = None, **headers: str
    ) -> tuple[int, Message, Any]:
        """At this shop's own host."""
        return self.running.ask(method, path, key, body, Host=self.host, **headers)

    def order(self, prompt: str, size: str = "256*256", **fields: object) -> str:
        body = {"prompt": prompt, "size": size, **fields}
        status, _, answer = self.ask("POST", "/api/generate", self.key, body)
        assert status == 200, answer
        task_id: str = answer["data"]["task_id"]
        return task_id

    def status(self, task_id: str) -> dict[str, object]:
        _, _, answer = self.ask("GET", f"/api/status?task_id={task_id}", self.key)
        data: dict[str, object] = answer["data"]
        return data


def attempts_of(task_id: str) -> list[Attempt]:
    return list(Attempt.objects.filter(generation__task_id=task_id).order_by("number"))


def task(task_id: str) -> Generation:
    return Generation.objects.get(task_id=task_id)


def give_time(task_id: str) -> str:
    """An order that is to succeed, also while the machine has so much to do that it would miss its short deadline."""
    later = db_now() + datetime.timedelta(seconds=120)
    order = Generation.objects.filter(task_id=task_id)
    order.update(deadline_at=later)
    order.filter(status=Status.RUNNING).update(lease_until=later)  # once accepted it ends with the deadline
    return task_id


@pytest.fixture(scope="package")
def kept_db(django_db_setup: Restore, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """As everywhere, but for all modules of this folder."""
    yield from kept_rows(django_db_setup, django_db_blocker)


@pytest.fixture(scope="package")
def ups() -> Iterator[dict[str, Up]]:
    """A stand-in for each wire format, by its name."""
    with ExitStack() as stack:
        started = {name: Up(name) for name in ADAPTERS}
        for up in started.values():
            stack.callback(up.kill)
        with ThreadPoolExecutor() as threads:
            list(threads.map(Up.start, started.values()))
        yield started


@pytest.fixture(scope="package")
def shop(kept_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    # The hosts of cases are addresses of this machine, and need no name server; processes know them from the start.
    first_shop()
    brands = Shop.objects.bulk_create(
        [Shop(slug=f"brand-{number}", name=f"Brand {number}") for number in range(2, MOST_CASES + 2)]
    )
    ShopDomain.objects.bulk_create(
        [ShopDomain(shop=brand, host=host_of(brand), is_primary=True) for brand in brands]
    )
    with start(tmp_path_factory.mktemp("upstreams"), HOST="0.0.0.0", **SETTINGS) as running:
        yield running


@pytest.fixture(scope="package")
def a_case(shop: RunningShop) -> Callable[[], Case]:
    left = iter(Shop.objects.filter(slug__startswith="brand-").order_by("pk"))

    def make() -> Case:
        brand = next(left)
        catalogue.stock(brand)
        owner = person(f"owner@{brand.slug}.example")
        organization = create_organization(brand, f"Studio of {brand.name}", owner)
        ledger.top_up(organization.pk, CREDITS, net_value_micros=0, reference=new_reference(), actor="system")
        _key, secret = create_api_key(organization, livemode=True)
        return Case(shop, brand, organization, secret, host_of(brand))

    return make
