"""The adapter that docs/providers.md shows works as it stands there."""

import asyncio
import re
from typing import Any

import pytest

from generations.providers.base import OutcomeKind
from generations.providers.http import Line
from generations.providers.wire import Account, Adapter, Request
from tests.generations.adapters.driving import Driven, job, sent, until_it_ends
from tests.processes import ROOT
from tests.upstreams import images
from tests.upstreams.server import serving
from tests.upstreams.tasks import Format

PAGE = ROOT / "docs" / "providers.md"


def _shown(file: str) -> dict[str, Any]:
    """The names that the page's code for this file defines."""
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "shown"}
    exec(compile(dict(blocks)[file], f"{PAGE.name}: {file}", "exec"), names)
    return names


ADAPTER: Adapter = _shown("generations/providers/lumen.py")["Lumen"]()
FORMAT: type[Format] = _shown("tests/upstreams/formats/lumen.py")["FORMAT"]


def _drive(prompt: str, **changes: str) -> Driven:
    async def driven() -> Driven:
        async with serving(FORMAT()) as base_url, Line() as line:
            usual: Any = {"base_url": base_url, "credential": "lumen-token", "model": ADAPTER.model}
            account = Account(**{**usual, **changes})
            end = await until_it_ends(line, ADAPTER, account, job(prompt, seed=3), total_s=5)
            if end.end.image_urls:
                image = await sent(line, Request("GET", end.end.image_urls[0]), 5)
                assert image.body == images.picture(1024, 1024, "png", 3)
            return end

    return asyncio.run(driven())


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("a lighthouse", OutcomeKind.OK),
        ("up:late=0.1 a lighthouse", OutcomeKind.OK),
        ("up:refused", OutcomeKind.REJECTED),
        ("up:419", OutcomeKind.ACCOUNT),
        ("up:429", OutcomeKind.BUSY),
        ("up:html", OutcomeKind.BUSY),
        ("up:400", OutcomeKind.INVALID),
        ("up:404 up:at=poll", OutcomeKind.FAILED),
        ("up:notjson up:at=poll", OutcomeKind.BUSY),
    ],
)
def test_the_example_works(prompt: str, kind: OutcomeKind) -> None:
    assert _drive(prompt).end.kind == kind


def test_the_example_tells_of_a_wrong_credential() -> None:
    assert _drive("a lighthouse", credential="another").end.kind == OutcomeKind.ACCOUNT
