"""Keys on a running shop with several web processes: a cap holds, a revoked key stops everywhere."""

import datetime
from collections import Counter
from typing import Any

from django.db import connection

from accounts.api_keys import create_api_key, revoke_api_key, rotate_api_key
from accounts.models import ApiKey, Organization
from billing import audit, ledger
from billing.models import KeyUsage
from tests.makers import PRICE_CREDITS, an_organization
from tests.shop import RunningShop

POSTERS = 32
DAY = datetime.timedelta(days=1)
FAST = {"rate_per_minute": 6000, "burst": 1000}
TASK = "/api/status?task_id=task_x"


def studio_and_key(**caps: int) -> tuple[Organization, ApiKey, str]:
    studio = an_organization(credits=10_000)
    ledger.set_open_limit(studio.pk, 1000)
    key, secret = create_api_key(studio, livemode=True, **FAST)  # type: ignore[arg-type]  # whole numbers
    ledger.set_key_limits(key.pk, **caps)
    return studio, key, secret


def order_at_once(shop: RunningShop, secrets: str) -> tuple[Counter[object], set[tuple[str, str]]]:
    connection.close()
    answers = shop.post_at_once(POSTERS, secrets)
    bodies: list[Any] = [answer["body"] for answer in answers if answer["status"] != 200]
    reasons = {(body["error"]["type"], body["error"]["limit_source"]) for body in bodies}
    return Counter(answer["status"] for answer in answers), reasons


def test_32_orders_at_once_stop_at_the_cap_to_the_credit(shop: RunningShop) -> None:
    _studio, key, secret = studio_and_key(day_cap=7 * PRICE_CREDITS + 14)
    statuses, reasons = order_at_once(shop, secret)
    assert statuses == {200: 7, 402: POSTERS - 7}
    assert reasons == {("spend_cap_reached", "key")}
    assert KeyUsage.objects.get(key=key).day_credits == 7 * PRICE_CREDITS
    assert audit.check_snapshot() == []


def test_without_a_cap_all_32_pass_control(shop: RunningShop) -> None:
    _studio, key, secret = studio_and_key()
    assert order_at_once(shop, secret) == ({200: POSTERS}, set())
    assert KeyUsage.objects.get(key=key).day_credits == POSTERS * PRICE_CREDITS


def test_32_orders_by_both_keys_of_a_rotation_stop_at_the_same_cap(shop: RunningShop) -> None:
    _studio, key, secret = studio_and_key(lifetime_cap=7 * PRICE_CREDITS)
    _new, new_secret = rotate_api_key(key, overlap=DAY)
    statuses, reasons = order_at_once(shop, f"{secret},{new_secret}")
    assert statuses == {200: 7, 402: POSTERS - 7}
    assert reasons == {("spend_cap_reached", "key")}
    assert KeyUsage.objects.get(key=key).lifetime_credits == 7 * PRICE_CREDITS
    assert audit.check_snapshot() == []


def test_revoked_key_stops_with_the_next_request_in_every_process(shop: RunningShop) -> None:
    _studio, key, secret = studio_and_key()
    connection.close()
    # Each on a connection of its own, so that all processes have seen the key, and then hear of its end.
    assert {shop.ask("GET", TASK, secret)[0] for _ in range(20)} == {404}
    revoke_api_key(key)
    connection.close()
    assert [shop.ask("GET", TASK, secret)[0] for _ in range(20)] == [401] * 20
