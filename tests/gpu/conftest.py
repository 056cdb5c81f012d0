"""Tests with the real libraries and a tiny model, on the processor: `make test-gpu`. Elsewhere they are not collected,
also where torch happens to be installed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.processes import ROOT

Done = subprocess.CompletedProcess[str]

if os.environ.get("TEST_GPU") != "1" or find_spec("torch") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    # So small a model is not made sooner by more threads, and several processes run at once.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Commands spend their seconds on importing torch: they do so beside everything else, and are asked last."""
    last = Path(__file__).with_name("test_commands.py")
    items.sort(key=lambda item: item.path == last)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model, as a download lies."""
    from tests.gpu import tiny  # imports torch

    return tiny.build(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def broken(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a file that is cut short."""
    folder = Path(shutil.copytree(model, tmp_path_factory.mktemp("broken") / "model"))
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    return folder


@pytest.fixture(scope="session", autouse=True)
def said(
    model: Path, broken: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Done]]:
    """What each command says, one after the other in the background."""
    good, bad = ({"GPU_MODEL": str(folder), "GPU_DEVICE": "cpu"} for folder in (model, broken))
    asked = {
        "an image": (["gpu_check", "--size", "256x256", "--price-per-hour", "2.5"], good),
        "no card": (["gpu_check"], {**good, "GPU_DEVICE": "cuda:7"}),
        "broken, gpu_check": (["gpu_check"], bad),
        "broken, gpu_worker": (["gpu_worker"], bad),
    }
    with ThreadPoolExecutor(1) as thread:
        told = {
            name: thread.submit(_manage, tmp_path_factory.mktemp("asked"), arguments, variables)
            for name, (arguments, variables) in asked.items()
        }
        yield lambda name: told[name].result()
        thread.shutdown(cancel_futures=True)


def _manage(folder: Path, arguments: list[str], variables: dict[str, str]) -> Done:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder / "data"), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
