"""Keeps a few child processes running, and lets none outlive it. Knows nothing of what they do."""

import functools
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from config.parent_death import die_with

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
LIVED_A_WHILE_S = 10.0
TICK_S = 0.1
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass
class Child:
    """A command to keep running, in `folder`, with this environment."""

    name: str
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    _pause_s: float = field(default=FIRST_PAUSE_S, init=False)
    _changed_at: float = field(default=0.0, init=False)  # time.monotonic() of the last start or death

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own commands, and no shell
            self.command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # Celery draws itself there; what matters is logged to stderr
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops its children in good order
            # No thread runs yet that could hold a lock while we fork.
            preexec_fn=functools.partial(die_with, os.getpid()),  # noqa: PLW1509
        )
        self._changed_at = time.monotonic()

    def keep_running(self) -> None:
        """Notices a death, and starts again after a pause that grows from one quick death to the next."""
        now = time.monotonic()
        if self.process is None:
            if now - self._changed_at >= self._pause_s:
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
                self._start_again()
            return
        code = self.process.poll()
        if code is None:
            return
        if now - self._changed_at >= LIVED_A_WHILE_S:
            self._pause_s = FIRST_PAUSE_S
        logger.error(
            "%s (pid %d) %s; it starts again in %g s",
            self.name, self.process.pid, how_it_ended(code), self._pause_s,
        )  # fmt: skip
        self.kill_group()
        self.process = None
        self._changed_at = now

    def _start_again(self) -> None:
        try:
            self.start()
        except OSError as error:  # no memory or no process to be had now: that must not end the others
            self._changed_at = time.monotonic()
            logger.error(
                "%s cannot be started (%s); that is tried again in %g s",
                self.name, error.strerror, self._pause_s,
            )  # fmt: skip

    def kill_group(self) -> None:
        """SIGKILL for the child and all that it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


def how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit status {code}"
    with suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


class Supervisor:
    """Runs in the main thread of its process, which it takes the stop signals of."""

    def __init__(self, children: Sequence[Child], *, stop_timeout_s: float) -> None:
        self._children = children
        self._stop_timeout_s = stop_timeout_s
        self._stops = 0

    def run(self, on_tick: Callable[[], None]) -> None:
        """Returns after SIGTERM, SIGINT or SIGHUP, when no child is left. `on_tick` is called ten times a second."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._note_stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        try:
            for child in self._children:
                child.start()
            while not self._stops:
                for child in self._children:
                    child.keep_running()
                on_tick()
                time.sleep(TICK_S)
        finally:
            self._stop_all()

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1

    def _stop_all(self) -> None:
        """Asks all to stop; kills those that do not, or all when asked a second time."""
        already = self._stops
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._stop_timeout_s
        while any(process.poll() is None for process in running):
            if time.monotonic() > deadline or self._stops > max(already, 1):
                logger.warning("Not everything stopped in time; the rest is killed")
                break
            time.sleep(TICK_S / 4)
        for child in self._children:
            child.kill_group()
        for process in running:
            process.wait()
        sys.stderr.flush()
