"""`with running("fal") as up`: a stand-in as a process of its own."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from generations.providers import ADAPTERS
from generations.providers.wire import Account, Adapter
from tests.processes import ROOT, free_port, listens
from tests.upstreams.server import format_named
from tests.waiting import wait_until


class Up:
    """A stand-in. What an operator would enter for it: `base_url`, `credential`, `model`, `webhook_secret`."""

    def __init__(self, name: str) -> None:
        form = format_named(name)
        self.name = name
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.credential = form.credential
        self.model = form.model
        self.webhook_secret = form.webhook_secret
        self.keys_url = f"{self.base_url}/.well-known/jwks.json"  # fal's

    @property
    def adapter(self) -> Adapter:
        return ADAPTERS[self.name]

    def account(self, **changes: str) -> Account:
        """What calls of the adapter are made with."""
        usual: dict[str, Any] = {
            "inside": True,
            "base_url": self.base_url,
            "credential": self.credential,
            "model": self.model,
            "webhook_secret": self.webhook_secret,
        }
        return Account(**{**usual, **changes})

    def start(self) -> None:
        """Also once it was killed: on the same port, and without memory."""
        command = [sys.executable, "-m", "tests.upstreams.server", self.name, str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        wait_until(lambda: listens(self.port), f"the stand-in for {self.name} to listen", timeout_s=30)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def log(self) -> list[dict[str, Any]]:
        """Every request so far: `method`, `path` with its query, `headers`, `body` (JSON or None)."""
        found: list[dict[str, Any]] = self._ask("GET", "/log")
        return found

    def sent(self) -> list[dict[str, Any]]:
        """The webhooks so far: `task_id`, `url`, `status` (0: not reached)."""
        found: list[dict[str, Any]] = self._ask("GET", "/sent")
        return found

    def behave(self, **how: Any) -> None:
        """`status`, `body`, `headers`, `manner`, `times` (for ever when absent), and in `then` the same of what comes
        after; nothing: as usual again.
        """
        self._ask("POST", "/behave", _told(how))

    def unstick(self) -> None:
        """Gets ready what was ordered with `up:stuck`."""
        self._ask("POST", "/unstick")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


def _told(how: dict[str, Any]) -> dict[str, Any]:
    told = {"for" if name == "times" else name: value for name, value in how.items()}
    return told | ({"then": _told(how["then"])} if "then" in how else {})


@contextmanager
def running(name: str) -> Iterator[Up]:
    up = Up(name)
    up.start()
    try:
        yield up
    finally:
        up.kill()
