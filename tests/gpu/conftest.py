"""Tests with the real libraries and a tiny model, on the processor: `make test-gpu`. Elsewhere they are not collected,
also where torch happens to be installed.
"""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

if os.environ.get("TEST_GPU") != "1" or find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model, as a download lies."""
    from tests.gpu import tiny  # imports torch

    return tiny.build(tmp_path_factory.mktemp("model"))
