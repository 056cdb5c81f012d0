"""A whole shop as the operator runs it: `manage.py up`, in a folder and on a port of its own."""

import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests import log_watch
from tests.processes import CLEAN_SQLITE, ROOT, free_port, unmeasured
from tests.waiting import wait_until

ROLES = ("granian", "worker", "beat")
UP = [sys.executable, "manage.py", "up"]


class Shop:
    """`out` and `err` are what the supervisor and its children wrote."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", data_dir: Path, port: int, out: Path, err: Path
    ) -> None:
        self.process = process
        self.data_dir = data_dir
        self.port = port
        self._out = out
        self._err = err

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def wait_until_open(self) -> None:
        def is_open() -> bool:
            assert self.process.poll() is None, self.err
            return "Ctrl-C stops it." in self.out

        wait_until(is_open, "the shop to open", timeout_s=120)

    def family(self) -> list[psutil.Process]:
        """The supervisor and all below it."""
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def children(self, role: str) -> list[psutil.Process]:
        """The supervisor's own children in this role."""
        return [child for child in psutil.Process(self.process.pid).children() if role in command_line(child)]

    def roles(self) -> dict[str, int]:
        return {role: len(self.children(role)) for role in ROLES}

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def environment(data_dir: Path, port: int, **changes: str) -> dict[str, str]:
    """Not measured by coverage: what a shop does is done in tests' own process too."""
    kept = {name: value for name, value in unmeasured().items() if name not in ("DATABASE_URL", "REDIS_URL")}
    # A till is one more process to start, and most tests buy nothing.
    return {**kept, "TILL": "0", "DATA_DIR": str(data_dir), "PORT": str(port), **changes}


def prepare(data_dir: Path) -> None:
    """As an earlier start left it, though no shop was opened there: static files collected, the database migrated and
    without a row. Nothing where this run has not come to that itself. First starts are for tests of first starts.
    """
    made = Path(os.environ["DATA_DIR"])
    if data_dir.exists() or not (made / "static.stamp").exists():
        return
    shutil.copytree(made / "static", data_dir / "static")
    shutil.copy2(made / "static.stamp", data_dir)
    if (made / CLEAN_SQLITE).exists():
        shutil.copy(made / CLEAN_SQLITE, data_dir / "tintype.sqlite3")


@contextmanager
def running(
    folder: Path, data_dir: Path, *, port: int | None = None, changes: Mapping[str, str] | None = None
) -> Iterator[Shop]:
    """An open shop; what it writes lies in `folder`. Afterwards it is gone, whatever the test did."""
    port = port or free_port()
    out, err = folder / "up.out", folder / "up.err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            UP,
            cwd=ROOT,
            env=environment(data_dir, port, **(changes or {})),
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    shop = Shop(process, data_dir, port, out, err)
    try:
        shop.wait_until_open()
        yield shop
    finally:
        stop(process)
    assert log_watch.told(shop.err) == []


def stop(process: "subprocess.Popen[bytes]") -> None:
    family = []
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert not psutil.wait_procs(family, timeout=30)[1], "Processes outlived the shop"


def refusal(data_dir: Path, port: int, **changes: str) -> str:
    """The one line on stderr of an `up` that refuses."""
    done = subprocess.run(
        UP, cwd=ROOT, env=environment(data_dir, port, **changes), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return line
