"""One running shop for all that the docs say, with a key that may do everything and costs nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests import shop
from tests.shop import RunningShop

UNLIMITED = "1000000"


@dataclass(frozen=True, slots=True)
class Reader:
    shop: RunningShop
    key: str


@pytest.fixture(scope="module")
def reader(kept_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("docs")
    names = (
        "RATE_LIMIT_PER_MINUTE",
        "RATE_LIMIT_BURST",
        "RATE_LIMIT_READ_PER_MINUTE",
        "RATE_LIMIT_READ_BURST",
    )
    changes = dict.fromkeys((*names, "MAX_OPEN_TASKS"), UNLIMITED) | {"SANDBOX_SECONDS": "0"}
    with shop.start(folder, **changes) as running:
        slug = running.organization("Reader", 0)
        key = running.key(slug, "--test", "--scopes", "generate,read,admin")
        yield Reader(running, key)
