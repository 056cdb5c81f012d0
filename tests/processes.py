"""Real processes for tests: a free port, a server that is up, and what is left of it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
CLEAN_SQLITE = "clean.sqlite3"  # beside the run's own file, for shops on files of their own


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def unmeasured() -> dict[str, str]:
    """The environment for a child that coverage leaves alone: it starts twice as fast."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """Stopped in the middle of what it does, and gone on with afterwards."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@contextmanager
def granian(port: int, settings_module: str, log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """config/server.py as `up` runs it, with other settings; `log` gets what it writes."""
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "rsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    command += ["--http", "1", "--no-ws", "--workers-kill-timeout", "5", "--log-level", "warning"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "config.server:app"],
            cwd=ROOT,
            env={**os.environ, **environment, "DJANGO_SETTINGS_MODULE": settings_module},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: listens(port) or process.poll() is not None, "granian to listen", timeout_s=30)
        assert process.poll() is None, log.read_text(errors="replace")
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
