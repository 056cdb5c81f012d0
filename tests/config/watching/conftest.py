import datetime
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from config.watching import figures, meters

TOKEN = "a-token-of-more-than-thirty-two-signs"


@pytest.fixture(autouse=True)
def _look_anew() -> Iterator[None]:
    figures.forget()
    yield
    figures.forget()


@pytest.fixture
def watched(settings: Settings) -> str:
    """The token of a shop that is watched."""
    settings.METRICS, settings.METRICS_TOKEN = True, TOKEN
    settings.MIDDLEWARE = ["config.watching.requests.CountingMiddleware", *settings.MIDDLEWARE]
    return TOKEN


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was just written is counted: nobody else is writing."""
    monkeypatch.setattr(meters, "LAG", datetime.timedelta(seconds=-5))
