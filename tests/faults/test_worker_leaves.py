"""Stop signals and hung calls: what is held is finished or handed back, and nobody waits for a lease to end."""

import http.client
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.db import connection

from accounts.api_keys import create_api_key
from generations.models import Generation
from tests.faults.books import assert_books_are_right
from tests.makers import an_organization, settlements_of, wallet_of
from tests.shop import RunningShop, start
from tests.upstream.running import RunningUpstream, running_upstream
from tests.waiting import wait_until

pytestmark = pytest.mark.everyday_on("postgresql")

GRACE_S = 2
ORDER = {"prompt": "a lighthouse", "size": "256*256"}


@pytest.fixture(scope="module")
def upstream() -> Iterator[RunningUpstream]:
    with running_upstream() as upstream:
        yield upstream


def order(shop: RunningShop, key: str, prompt: str) -> str:
    """The task's id."""
    client = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    client.request("POST", "/api/generate", json.dumps(ORDER | {"prompt": prompt}), headers)
    answer = client.getresponse()
    body = json.loads(answer.read())
    client.close()
    assert answer.status == 200, body
    task_id: str = body["data"]["task_id"]
    return task_id


def row(task_id: str) -> Generation:
    generation = Generation.objects.get(task_id=task_id)
    connection.close()
    return generation


def wait_for(task_id: str, claim: int, status: str) -> Generation:
    def is_there() -> bool:
        now = row(task_id)
        return (now.claim, now.status) == (claim, status)

    wait_until(is_there, f"claim {claim} {status}", timeout_s=40)
    return row(task_id)


def told_to_stop(worker: psutil.Process) -> None:
    worker.send_signal(signal.SIGTERM)
    assert psutil.wait_procs([worker], timeout=30)[1] == []


def test_worker_told_to_stop_finishes_or_hands_back_and_web_answers(
    committed_db: None, tmp_path: Path, upstream: RunningUpstream
) -> None:
    """With the product's own lease of 60 s: what is taken up sooner was handed back."""
    changes = {"WORKER_GRACE_S": str(GRACE_S), "READY_FILE": str(tmp_path / "ready"), "SWEEP_S": "0.5"}
    with start(tmp_path, **upstream.environment, **changes) as shop:
        studio = an_organization(1000)
        key = create_api_key(studio, livemode=True)[1]
        wait_until((tmp_path / "ready").exists, "the worker to be ready", timeout_s=30)

        quick, slow = order(shop, key, "upstream:late=1"), order(shop, key, "upstream:late=6")
        wait_until(lambda: len(upstream.calls()) == 2, "both to be called", timeout_s=30)
        told_to_stop(shop.worker())
        assert row(quick).claim == 1
        assert row(quick).status == "succeeded"
        assert "Left before the end of 1 calls" in shop.processes.err
        assert "ended with exit status 75" in shop.processes.err
        wait_for(slow, 2, "succeeded")
        assert upstream.calls().count(f"{slow}:1") == 2, "Driven again under the same idempotency key"
        assert (tmp_path / "ready").exists()

        answer = answer_across_a_stop(shop, key)
        assert answer.status == 200
        task_id = json.loads(answer.read())["data"]["task_id"]
        wait_for(task_id, 1, "succeeded")
        assert [settlements_of(row(task)) for task in (quick, slow, task_id)] == [["capture"]] * 3
        assert_books_are_right()


def answer_across_a_stop(shop: RunningShop, key: str) -> http.client.HTTPResponse:
    """Of an order whose body is half sent when the web process is told to stop."""
    [web] = shop.processes.children("granian")
    body = json.dumps(ORDER).encode()
    client = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)
    client.putrequest("POST", "/api/generate")
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    for name, value in ({"Authorization": f"Bearer {key}"} | headers).items():
        client.putheader(name, value)
    client.endheaders(body[:10])
    wait_until(shop.processes.answers, "the server to have taken the connection before", timeout_s=30)
    web.send_signal(signal.SIGTERM)

    def is_draining() -> bool:
        return not shop.processes.answers()

    wait_until(is_draining, "the server to take nothing new", timeout_s=30)
    client.send(body[10:])
    return client.getresponse()


def test_worker_with_a_hung_call_finishes_the_others_and_leaves(
    committed_db: None, tmp_path: Path, upstream: RunningUpstream
) -> None:
    changes = {"LEASE_S": "5", "SWEEP_S": "0.5", "MAX_CLAIMS": "2", "READY_FILE": str(tmp_path / "ready")}
    changes["WORKER_GRACE_S"] = "0"  # which is for stop signals from outside
    with start(tmp_path, **upstream.environment, **changes) as shop:
        studio = an_organization(1000)
        key = create_api_key(studio, livemode=True)[1]
        wait_until((tmp_path / "ready").exists, "the worker to be ready", timeout_s=30)
        first = shop.worker()
        hung = order(shop, key, "upstream:hang")
        wait_for(hung, 1, "running")
        wait_until(lambda: f"{hung}:1" in upstream.calls(), "the call", timeout_s=30)
        time.sleep(2.5)
        other = order(shop, key, "upstream:late=3.4")  # still under way when the first has hung for 5 s
        wait_until(lambda: not (tmp_path / "ready").exists(), "the worker to be unready", timeout_s=30)
        assert psutil.wait_procs([first], timeout=30)[1] == []
        assert "A call has hung for 5 s; this worker finishes the others and leaves" in shop.processes.err

        wait_for(hung, 2, "failed")  # poison stops at the limit
        assert settlements_of(row(hung)) == ["release"]
        fine = order(shop, key, "a lighthouse")
        wait_until(lambda: row(fine).status == "succeeded", "the shop to go on", timeout_s=30)
        assert (row(other).claim, settlements_of(row(other))) == (1, ["capture"])
        assert wallet_of(studio)[:3] == (970, 0, 0)
        assert_books_are_right()
