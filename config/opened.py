"""`python -m config.opened FD`: what `manage.py up` turns into once all is prepared: a supervisor without Django.

It only waits, for as long as the shop is open, so it should not hold the 80 MB that preparing took.
"""

import json
import logging
import logging.config
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from config import logs
from config.supervisor import STOP_SIGNALS, Child, Supervisor

logger = logging.getLogger(__name__)

SLOW_START_S = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`children`: name, command and what its environment has beside ours. `text` is shown as soon as the web process
    answers at `address` and `port`; it is said in any case when it is `told_once`.
    """

    children: Sequence[tuple[str, list[str], dict[str, str]]]
    folder: str
    address: str
    port: int
    text: str
    told_once: bool
    stop_timeout_s: float
    log_level: str
    log_format: str


def become(plan: Plan, *, keep: Sequence[int]) -> NoReturn:
    """This process goes on as another program, under the same id. `keep`: file descriptors that stay open."""
    # In memory alone: it holds secrets.
    written = os.memfd_create("plan")
    os.write(written, json.dumps(asdict(plan)).encode())
    for number in (written, *keep):
        os.set_inheritable(number, True)
    # A signal to stop that comes in between waits until somebody listens.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    sys.stdout.flush()
    sys.stderr.flush()
    os.chdir(plan.folder)
    os.execv(sys.executable, [sys.executable, "-m", "config.opened", str(written)])  # noqa: S606 - ourselves


class Opening:
    """Waits for the web process to answer, then shows the text."""

    def __init__(self, address: str, port: int, text: str, *, told_once: bool) -> None:
        self._at = address, port
        self._text = text
        self._told_once = told_once
        self._shown = False
        self._complain_at = time.monotonic() + SLOW_START_S

    def tick(self) -> None:
        if self._shown:
            return
        if self._answers():
            self._show()
        elif time.monotonic() > self._complain_at:
            logger.error("The web process does not answer after %g s; see the lines above", SLOW_START_S)
            self._complain_at = float("inf")

    def never_lose_secrets(self) -> None:
        """They exist only here: shown even when the shop was stopped before it opened."""
        if self._told_once and not self._shown:
            self._show()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(self._at, timeout=1) as connection:
                connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                return connection.recv(12) == b"HTTP/1.0 200"
        except OSError:
            return False

    def _show(self) -> None:
        self._shown = True
        sys.stdout.write(self._text)
        sys.stdout.flush()


def main() -> None:
    with os.fdopen(int(sys.argv[1]), "rb") as written:
        written.seek(0)
        plan = Plan(**json.load(written))
    logging.config.dictConfig(logs.configuration(plan.log_level, plan.log_format))
    opening = Opening(plan.address, plan.port, plan.text, told_once=plan.told_once)
    children = [
        Child(name, command, Path(plan.folder), {**more, **os.environ})
        for name, command, more in plan.children
    ]
    try:
        Supervisor(children, stop_timeout_s=plan.stop_timeout_s).run(opening.tick)
    finally:
        opening.never_lose_secrets()


if __name__ == "__main__":
    main()
