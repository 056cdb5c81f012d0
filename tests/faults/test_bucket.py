"""A shop whose images lie in a bucket, and the bucket goes away."""

import http.client
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from generations.models import Attempt
from tests.faults.books import CREDITS, a_customer, assert_books_are_right, task
from tests.generations.s3_server import running_s3
from tests.makers import settlements_of, wallet_of
from tests.shop import RunningShop, start
from tests.upstream.running import running_upstream
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("sqlite")


def link_of(shop: RunningShop, key: str, task_id: str) -> str:
    _, _, body = shop.ask("GET", f"/api/status?task_id={task_id}", key)
    link: str = body["data"]["response"][0]
    return link


def opened(shop: RunningShop, link: str) -> tuple[int, bytes]:
    parts = urlsplit(link)
    connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=60)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.usefixtures("committed_db")
def test_orders_are_kept_in_the_bucket_and_wait_for_it_while_it_is_away(tmp_path: Path) -> None:
    organization, key = a_customer()
    changes = {"SWEEP_S": "0.3", "MAX_CLAIMS": "50", "SHORT_PAUSES": "1"}
    with (
        running_s3(tmp_path, open_to_all=True) as bucket,
        running_upstream() as upstream,
        start(tmp_path, **changes, **upstream.environment, **bucket.environment) as shop,
    ):
        first = shop.order(key)
        wait_until(lambda: task(first).has_ended, "the first order to end", timeout_s=60)
        assert bucket.stored() == [f"shop/one/{first}/1/0.jpeg"]
        assert shop.files_of(first) == []
        link = link_of(shop, key, first)
        status, data = opened(shop, link)
        assert status == 200
        assert Image.open(BytesIO(data)).size == (256, 256)

        bucket.kill()
        second = shop.order(key)
        outcomes = Attempt.objects.filter(generation__task_id=second).values_list("outcome", flat=True)
        wait_until(lambda: "not_stored" in outcomes.all(), "the bucket to be missed", timeout_s=60)
        assert not task(second).has_ended
        assert opened(shop, link)[0] == 503

        bucket.start()
        wait_until(lambda: task(second).has_ended, "the second order to end", timeout_s=60)
        generation = task(second)
        assert generation.status == "succeeded"
        assert settlements_of(generation) == ["capture"]
        assert bucket.stored() == [f"shop/one/{second}/{generation.claim}/0.jpeg"]
        link = link_of(shop, key, second)
        wait_until(lambda: opened(shop, link)[0] == 200, "web to ask the bucket again", timeout_s=60)
    assert wallet_of(organization)[:3] == (CREDITS - 2 * generation.price_credits, 0, 0)
    assert_books_are_right()
