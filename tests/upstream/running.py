"""Starts the stand-in upstream, and says what a shop needs to use it."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.processes import ROOT, free_port, listens
from tests.waiting import wait_until


class RunningUpstream:
    """`environment` is for tests.shop.start: `**upstream.environment`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "tests.upstream.settings",
            "UPSTREAM_PORT": str(port),
        }

    def start(self) -> None:
        """Also once it was killed: on the same port, and without memory of its orders."""
        command = [sys.executable, "-m", "tests.upstream.server", str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        wait_until(lambda: listens(self.port), "the stand-in upstream to listen", timeout_s=30)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def calls(self) -> list[str]:
        """The idempotency keys of all orders so far."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/calls")
        calls: list[str] = json.loads(connection.getresponse().read())
        connection.close()
        return calls


@contextmanager
def running_upstream() -> Iterator[RunningUpstream]:
    upstream = RunningUpstream(free_port())
    upstream.start()
    try:
        yield upstream
    finally:
        upstream.kill()
