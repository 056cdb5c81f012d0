"""A GPU of this very process, with a backend that draws gradients."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from generations import doorbell, gpu, gpu_workers
from generations.engine.core import Engine
from generations.engine.fake import FakeBackend
from generations.models import GpuWorker, Upstream
from tests.makers import an_upstream

COST_MICROS = 700


class Card:
    """`fatal`: why it stopped for good. `rung`: ids that were rung for on the queue gpu."""

    def __init__(self, rung: list[int]) -> None:
        self.backend = FakeBackend()
        self.fatal: list[str] = []
        self.rung = rung
        self.engine = Engine(self.backend, batch_tokens=1024, on_fatal=self.fatal.append)
        self.engine.warm_up([])


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Nobody hears the rings; those for GPUs are written down."""
    rings: list[int] = []
    monkeypatch.setattr(doorbell, "ring_gpu", rings.append)
    monkeypatch.setattr(doorbell, "ring", lambda _pk: None)
    return rings


@pytest.fixture
def card(any_db: None, rung: list[int], settings: Settings) -> Iterator[Card]:
    """Ready, and told of."""
    card = Card(rung)
    gpu.install(card.engine)
    a_worker()
    yield card
    gpu.install(None)
    card.backend.release.set()
    card.engine.close(10)


@pytest.fixture(autouse=True)
def _forget_workers() -> Iterator[None]:
    gpu_workers.forget()
    yield
    gpu_workers.forget()


def a_worker(**facts: object) -> None:
    GpuWorker.objects.create(**{"name": "gpu1", "ready": True, "seconds_per_megapixel": 1.0, **facts})
    gpu_workers.forget()


def own(**fields: object) -> Upstream:
    """An upstream on a GPU of this shop."""
    return an_upstream("local", base_url="", cost_micros=COST_MICROS, **fields)
