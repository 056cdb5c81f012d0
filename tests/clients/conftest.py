"""One stand-in for all tests of the client, and both kinds of client."""

import asyncio
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.stand_in import KEY, StandIn, running_stand_in
from tests.processes import ROOT, unmeasured
from tintype import AsyncTintype, Retries, Tintype

PACKAGE = ROOT / "clients" / "python"
QUICK = Retries(first_s=0.001, longest_s=0.002)

Ask = Callable[[Any], Any]
"""Takes a client; returns a result, or what it awaits."""


@pytest.fixture(scope="session")
def _stand_in() -> Iterator[StandIn]:
    with running_stand_in() as running:
        yield running


@pytest.fixture
def stand_in(_stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    for name in ("TINTYPE_API_KEY", "TINTYPE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    _stand_in.begin_again()
    return _stand_in


@pytest.fixture(params=["blocking", "asynchronous"])
def ask(request: pytest.FixtureRequest, stand_in: StandIn) -> Callable[..., Any]:
    """`ask(lambda shop: shop.balance())`, by either client; options of the client by name."""

    def asked(operation: Ask, **options: Any) -> Any:
        usual: dict[str, Any] = {"api_key": KEY, "base_url": stand_in.base_url, "retries": QUICK}
        options = usual | options
        if request.param == "blocking":
            with Tintype(**options) as shop:
                return operation(shop)

        async def run() -> Any:
            async with AsyncTintype(**options) as shop:
                result = operation(shop)
                return await result if inspect.isawaitable(result) else result

        return asyncio.run(run())

    return asked


def environment(base_url: str, key: str = KEY) -> dict[str, str]:
    path = os.pathsep.join([str(PACKAGE / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**unmeasured(), "PYTHONPATH": path, "TINTYPE_API_KEY": key, "TINTYPE_BASE_URL": base_url}
