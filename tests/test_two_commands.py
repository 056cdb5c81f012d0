"""The README's first command, from a copy of the files in an empty folder, as a newcomer runs it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests import scale
from tests.faults.shop import environment
from tests.processes import ROOT, free_port
from tests.waiting import wait_until

COLD_S, WARM_S = 90, 8


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project's files and nothing else; the everyday run borrows the installed environment."""
    folder = tmp_path / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    if not scale.PROOF:
        (folder / ".venv").symlink_to(sys.prefix)
    return folder


@contextmanager
def make_run(clone: Path, port: int, log: Path) -> Iterator[float]:
    """`make run` until Ctrl-C; yields the seconds it took until /healthz answered."""
    with log.open("wb") as file:
        started = time.monotonic()
        process = subprocess.Popen(
            ["make", "run", f"PORT={port}", f"PYTHON={sys.executable}"],
            cwd=clone,
            env=environment(Path("var"), port),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: is_open(port, process), "the shop to open", timeout_s=300)
        seconds = time.monotonic() - started
        wait_until(lambda: "Ctrl-C stops it." in log.read_text(), "the banner")
        yield seconds
    finally:
        family = [process_ for process_ in psutil.process_iter() if is_below(process_, process.pid)]
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
        assert not psutil.wait_procs(family, timeout=10)[1], "Processes outlived Ctrl-C"


def is_open(port: int, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "make run ended"
    asked = subprocess.run(
        ["curl", "-sf", "-o", "/dev/null", f"http://localhost:{port}/healthz"], check=False, timeout=10
    )
    return asked.returncode == 0


def is_below(process: psutil.Process, pid: int) -> bool:
    try:
        return any(parent.pid == pid for parent in process.parents())
    except psutil.NoSuchProcess:
        return False


def test_one_command_opens_the_shop_and_two_pasted_lines_give_an_image(clone: Path, tmp_path: Path) -> None:
    port = free_port()
    folder = tmp_path / "any folder"
    folder.mkdir()
    first = tmp_path / "first.log"
    with make_run(clone, port, first) as seconds:
        scale.record("make run, cold: an empty folder until /healthz answers", round(seconds, 1), "s", COLD_S)
        lines = [line for line in first.read_text().splitlines() if "curl" in line]
        assert len(lines) == 2
        subprocess.run(["sh"], input="\n".join(lines), text=True, cwd=folder, check=True, timeout=120)
    with Image.open(folder / "lighthouse.jpeg") as image:
        image.load()
        assert (image.format, image.size) == ("JPEG", (1280, 720))

    second = tmp_path / "second.log"
    with make_run(clone, port, second) as seconds:
        scale.record("make run, warm", round(seconds, 1), "s", WARM_S)
        assert not re.search(r"tt_(live|test)_|password", second.read_text()), "Secrets are shown once"
        assert f"http://localhost:{port}" in second.read_text()
        assert "Your data from before is kept." in second.read_text()
        wallet = [".venv/bin/python", "manage.py", "show_wallet", "demo"]
        shown = subprocess.run(
            wallet, cwd=clone, env=environment(Path("var"), port), capture_output=True, text=True, check=True
        )
    assert shown.stdout == '{"available":1485,"held":0,"owed":0}\n'
