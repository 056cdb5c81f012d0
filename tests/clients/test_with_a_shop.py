"""The client with a real shop: what it promises holds beyond the stand-in."""

import asyncio
import datetime
import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image as Picture

from tests.clients.stand_in import Reply, StandIn
from tests.clients.test_readme import PYTHON
from tests.shop import RunningShop, start
from tests.waiting import wait_until
from tintype import (
    NO_RETRIES,
    AlreadyEnded,
    AsyncTintype,
    GenerationFailed,
    IdempotencyMismatch,
    InsufficientCredits,
    InsufficientScope,
    InvalidField,
    NotFound,
    RateLimited,
    StillRunning,
    Tintype,
    Unauthenticated,
    webhooks,
)
from tintype.cli import main
from tintype.cli._codes import Code

pytestmark = pytest.mark.everyday_on("sqlite")
SMALL = "256x256"
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture(scope="module")
def running(kept_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    # Tests ask in quick succession, and are told on this machine.
    changes = {"RATE_LIMIT_PER_MINUTE": "6000", "RATE_LIMIT_BURST": "1000", "OUTBOUND_LOOPBACK": "1"}
    with start(tmp_path_factory.mktemp("shop"), **changes) as shop:
        yield shop


@pytest.fixture(scope="module")
def slug(running: RunningShop) -> str:
    return running.organization("Client Studio", 1500)


@pytest.fixture(scope="module")
def key(running: RunningShop, slug: str) -> str:
    return running.key(slug, "--scopes", "generate,read,admin")


@pytest.fixture
def shop(running: RunningShop, key: str) -> Iterator[Tintype]:
    with Tintype(key, running.base_url) as shop:
        yield shop


@pytest.fixture
def sandbox(running: RunningShop, slug: str) -> Iterator[Tintype]:
    with Tintype(running.key(slug, "--test"), running.base_url, retries=NO_RETRIES) as shop:
        yield shop


def test_from_prompt_to_file_and_back_to_the_books(shop: Tintype, tmp_path: Path) -> None:
    before = shop.balance()
    progress: list[int] = []
    made = shop.generate(
        "a lighthouse", size=SMALL, seed=7, n=2, output_format="png", metadata={"order": "12"},
        on_progress=lambda state: progress.append(state.progress),
    )  # fmt: skip
    assert (made.status, made.n, made.seed, made.metadata) == ("succeeded", 2, 7, {"order": "12"})
    assert progress == sorted(progress)
    assert progress[-1] == 100
    for number, image in enumerate(made.images):
        path = shop.save(image, tmp_path / f"{number}.png")
        with Picture.open(path) as picture:
            assert (picture.size, picture.format) == ((256, 256), "PNG")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == image.sha256
    assert made.created_at
    assert made.finished_at
    assert made.created_at <= made.finished_at
    assert shop.balance().available == before.available - made.consumed_credits
    receipt = shop.generations.receipt(made.id)
    assert receipt.settlement
    assert (receipt.settlement.kind, receipt.settlement.consumed) == ("capture", made.consumed_credits)
    capture = next(entry for entry in shop.ledger() if made.id in (entry.reference or ""))
    assert (capture.kind, capture.held) == ("capture", -made.price_credits)


def test_prices_are_known_before(shop: Tintype) -> None:
    [model, *_] = shop.models()
    estimate = shop.estimate(size=SMALL, n=2, model=model.id)
    assert (estimate.price_credits, estimate.affordable) == (2 * model.price_credits, True)


def test_pages_follow_each_other(shop: Tintype) -> None:
    made = [shop.generations.create(f"lighthouse {number}", size=SMALL).id for number in range(3)]
    listed = [task.id for task in shop.generations.list(page_size=2)]
    assert listed[:3] == made[::-1]
    assert len(set(listed)) == len(listed)
    for task_id in made:
        shop.generations.wait(task_id)
    assert {task.status for task in shop.generations.list(status="succeeded", page_size=2)} == {"succeeded"}
    assert any(line.succeeded >= 3 for line in shop.usage(group_by=["day", "key", "model"]))


def test_the_same_idempotency_key_is_the_same_order(shop: Tintype) -> None:
    first = shop.generations.create("a fox", size=SMALL, idempotency_key="client-1")
    assert shop.generations.create("a fox", size=SMALL, idempotency_key="client-1").id == first.id
    with pytest.raises(IdempotencyMismatch):
        shop.generations.create("a bear", size=SMALL, idempotency_key="client-1")


def test_a_task_is_canceled_once(shop: Tintype) -> None:
    task = shop.generations.create("sandbox:slow=30", size=SMALL)
    with pytest.raises(StillRunning):
        shop.generations.wait(task.id, timeout_s=0)
    assert shop.generations.cancel(task.id).status == "canceled"
    with pytest.raises(AlreadyEnded):
        shop.generations.cancel(task.id)
    settlement = shop.generations.receipt(task.id).settlement
    assert settlement
    assert (settlement.kind, settlement.returned) == ("release", task.price_credits)


def test_errors_come_as_their_classes(shop: Tintype, sandbox: Tintype, running: RunningShop) -> None:
    with pytest.raises(InvalidField) as invalid:
        shop.generations.create("a fox", size="1x1")
    assert (invalid.value.param, invalid.value.status) == ("size", 400)
    with pytest.raises(NotFound):
        shop.generations.get("task_unknown")
    with pytest.raises(InsufficientCredits) as poor:
        sandbox.generations.create("sandbox:402")
    assert poor.value.fix_url
    assert poor.value.fix_url.endswith("/credits/")
    with pytest.raises(RateLimited) as limited:
        sandbox.generations.create("sandbox:429")
    assert limited.value.retry_after
    with pytest.raises(GenerationFailed) as failed:
        sandbox.generate("sandbox:content_rejected", size=SMALL)
    assert failed.value.type == "content_rejected"
    with pytest.raises(InsufficientScope):
        list(sandbox.keys.list())
    with pytest.raises(Unauthenticated) as stranger, Tintype("tt_live_wrong", running.base_url) as other:
        other.balance()
    assert stranger.value.request_id


def test_keys_are_made_changed_rotated_and_revoked(shop: Tintype, running: RunningShop) -> None:
    made = shop.keys.create("ci", ["generate", "read"], spend_caps={"day": 30})
    assert made.secret
    assert made.spend_caps.day == 30
    changed = shop.keys.update(made.id, name="builds", spend_caps=None)
    assert (changed.name, changed.spend_caps.day, changed.secret) == ("builds", None, None)
    rotated = shop.keys.rotate(made.id, overlap_seconds=60)
    assert rotated.secret
    with Tintype(rotated.secret, running.base_url) as other:
        assert other.balance().available > 0
        assert shop.keys.revoke(rotated.id).revoked_at
        with pytest.raises(Unauthenticated):
            other.balance()
    assert {made.id, rotated.id} <= {key.id for key in shop.keys.list(page_size=1)}


def test_webhooks_are_asked_for_received_and_believed(shop: Tintype, stand_in: StandIn) -> None:
    endpoint = shop.webhook_endpoints.create(f"{stand_in.base_url}/hook", ["generation.succeeded"])
    assert endpoint.secret
    stand_in.then(*[Reply(204)] * 3)
    delivery = shop.webhook_endpoints.test(endpoint.id)
    wait_until(lambda: stand_in.seen, "the webhook to arrive")
    [seen] = stand_in.seen
    event = webhooks.verify(seen.content, seen.headers, endpoint.secret)
    assert (event.type, event.data["endpoint"]) == ("webhook.test", endpoint.id)
    with pytest.raises(webhooks.NotGenuine):
        webhooks.verify(seen.content + b" ", seen.headers, endpoint.secret)
    wait_until(lambda: shop.webhook_deliveries.get(delivery.id).status == "succeeded", "the answer to count")
    assert shop.webhook_deliveries.get(delivery.id).attempts[0].response_status == 204
    shop.webhook_deliveries.replay(delivery.id)
    wait_until(lambda: len(stand_in.seen) == 2, "the webhook to come again")
    assert stand_in.seen[1].headers["webhook-id"] == seen.headers["webhook-id"]
    assert [one.id for one in shop.webhook_deliveries.list(endpoint=endpoint.id)] == [delivery.id]
    assert shop.webhook_deliveries.replay_failed(NOW, endpoint=endpoint.id) == 0
    assert shop.webhook_endpoints.rotate(endpoint.id).secret != endpoint.secret
    assert not shop.webhook_endpoints.update(endpoint.id, enabled=False).enabled
    shop.webhook_endpoints.delete(endpoint.id)
    assert endpoint.id not in {one.id for one in shop.webhook_endpoints.list()}


def test_the_asynchronous_client_does_the_same(running: RunningShop, key: str) -> None:
    async def run() -> list[bytes]:
        async with AsyncTintype(key, running.base_url) as shop:
            made = await asyncio.gather(*(shop.generate("a fox", size=SMALL, seed=seed) for seed in range(3)))
            return [await shop.download(generation.images[0]) for generation in made]

    for content in asyncio.run(run()):
        with Picture.open(BytesIO(content)) as picture:
            assert picture.size == (256, 256)


def test_the_command_line_orders_and_saves(
    running: RunningShop,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TINTYPE_API_KEY", key)
    monkeypatch.setenv("TINTYPE_BASE_URL", running.base_url)
    monkeypatch.chdir(tmp_path)
    assert main(["generate", "a lighthouse", "--size", SMALL, "--n", "2", "-o", "out.webp"]) == 0
    out, err = capsys.readouterr()
    assert out.split() == ["out-1.webp", "out-2.webp"]
    task_id = err.split()[0]
    with Picture.open("out-2.webp") as picture:
        assert picture.format == "WEBP"
    for command in (["receipt", task_id], ["status", task_id], ["list"], ["usage"], ["models"], ["balance"]):
        assert main(command) == 0
        assert capsys.readouterr().out
    assert main(["cancel", task_id]) == Code.CONFLICT
    assert main(["generate", "a fox", "--size", "1x1"]) == Code.USAGE
    assert key not in "".join(capsys.readouterr())


@pytest.mark.parametrize("number", [number for number, text in enumerate(PYTHON) if "order-12" not in text])
def test_the_readme_works_with_a_shop(
    running: RunningShop, key: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINTYPE_API_KEY", key)
    monkeypatch.setenv("TINTYPE_BASE_URL", running.base_url)
    monkeypatch.chdir(tmp_path)
    exec(compile(PYTHON[number], "README.md", "exec"), {"__name__": "__main__"})
