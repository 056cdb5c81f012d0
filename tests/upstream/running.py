"""Starts the stand-in upstream, and says what a shop needs to use it."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.processes import ROOT, free_port, listens
from tests.waiting import wait_until


@dataclass(frozen=True, slots=True)
class RunningUpstream:
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """For tests.shop.start: `**upstream.environment`."""
        return {"DJANGO_SETTINGS_MODULE": "tests.upstream.settings", "UPSTREAM_PORT": str(self.port)}

    def calls(self) -> list[str]:
        """The idempotency keys of all orders so far."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/calls")
        calls: list[str] = json.loads(connection.getresponse().read())
        connection.close()
        return calls


@contextmanager
def running_upstream() -> Iterator[RunningUpstream]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.upstream.server", str(port)], cwd=ROOT)
    try:
        wait_until(lambda: listens(port), "the stand-in upstream to listen", timeout_s=30)
        yield RunningUpstream(port)
    finally:
        process.kill()
        process.wait()
