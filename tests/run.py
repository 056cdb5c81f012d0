"""`python -m tests.run [--limit-s N] [--measured DATABASE] [--three] -- ARGUMENT…`: runs Python with these arguments
on both databases side by side, so that one computes while the other waits; with `--three` SQLite's in two parts
(tests/turns.py), so that two compute while the third waits. Coverage measures one of the databases, or none.

What they write is kept in build/runs and shown one after the other, each as it comes; their last lines, which sum up,
are in build/runs/summary.txt. Ends with the status of the first that failed, 124 when it took longer than N seconds.
Ctrl-C and SIGTERM end them in good order, a second one at once. Nothing that they started is left.
"""

import argparse
import ctypes
import functools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil

FOLDER = Path(__file__).resolve().parent.parent / "build" / "runs"
DATABASES = ("sqlite", "postgresql")
LIMIT_S = 900.0
GRACE_S = 60.0  # for fixtures to end what they started
ONE_SIGNAL_S = 1.0  # the terminal, make and a shell may each pass on the same one
TICK_S = 0.05
TIMED_OUT = 124
MEASURED = ("-m", "coverage", "run")
_TOLD = re.compile(r" in \d+\.\d+s\b")  # how pytest ends: 12 passed in 3.45s
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Side:
    """What goes on beside the others. `part`: of the tests on this database, "" for all of them."""

    name: str
    database: str
    part: str = ""


BOTH = tuple(Side(database, database) for database in DATABASES)
THREE = (Side("sqlite", "sqlite", "rest"), Side("sqlite-shops", "sqlite", "shops"), BOTH[1])


class Run:
    """One of them. `status` is None while it lasts."""

    def __init__(self, side: Side, arguments: Sequence[str], folder: Path, limit_s: float) -> None:
        self.name = side.name
        self.status: int | None = None
        self._file = folder / f"{side.name}.txt"
        self._limit_s = limit_s
        self._ends_at = time.monotonic() + limit_s
        self._killed_at: float | None = None  # once it was asked to end
        self._overran = False
        with self._file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                env={
                    **os.environ,
                    "TEST_DATABASE": side.database,
                    "TEST_PART": side.part,
                    "RUNS_FOLDER": str(folder),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is passed on by us, once
                preexec_fn=functools.partial(_prepare, os.getpid()),  # noqa: PLW1509 - no thread runs here
            )
        self._shown = self._file.open("rb")

    def look(self) -> None:
        """Notices its end, and brings it about when its time is over."""
        code = self.process.poll()
        if code is not None:
            self.status = TIMED_OUT if self._overran else code if code >= 0 else 128 - code
        elif self._killed_at is not None:
            if time.monotonic() > self._killed_at:
                self.process.kill()
        elif time.monotonic() > self._ends_at:
            self._overran = True
            self.end()

    def end(self) -> None:
        """As Ctrl-C does; it is killed if it takes its time."""
        if self.status is None and self._killed_at is None:
            self._killed_at = time.monotonic() + GRACE_S
            self.process.send_signal(signal.SIGINT)

    def show(self) -> None:
        """What it wrote since the last call."""
        sys.stdout.buffer.write(self._shown.read())
        sys.stdout.flush()

    def summary(self) -> str:
        lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
        written = [line for line in reversed(lines) if line.strip()]
        # What threads say while the process ends comes after pytest's own last line.
        last = next((line for line in written if _TOLD.search(line)), next(iter(written), "wrote nothing"))
        overran = f" (ended after {self._limit_s:g} s)" if self._overran else ""
        return f"{self.name}: {last}{overran}"


def _prepare(parent: int) -> None:
    """In the new process: it ends in good order when we die, and hears Ctrl-C even where we were told not to."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.getppid() != parent:
        os._exit(1)


class Signals:
    """`first`: the one that asked us to end; `insists`: another one came later."""

    def __init__(self) -> None:
        self.first: signal.Signals | None = None
        self.insists = False
        self._first_at = 0.0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.first is None:
            self.first, self._first_at = signal.Signals(number), time.monotonic()
        elif time.monotonic() - self._first_at > ONE_SIGNAL_S:
            self.insists = True


def run(
    arguments: Sequence[str],
    limit_s: float,
    folder: Path = FOLDER,
    *,
    measured: str = "",
    sides: Sequence[Side] = BOTH,
) -> int:
    """The status to end with. `measured`: the database whose run coverage looks at; it takes half as long again."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.txt").unlink(missing_ok=True)
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what a killed run leaves behind becomes ours
    signals = Signals()
    runs = [
        Run(side, [*(MEASURED if side.database == measured else ()), *arguments], folder, limit_s)
        for side in sides
    ]
    try:
        for each in runs:
            sys.stdout.write(f"--- {each.name} ---\n")
            _show_until_it_ends(each, runs, signals)
    finally:
        _kill_all_below()
    if signals.first is not None:
        return 128 + signals.first
    summary = "".join(f"{each.summary()}\n" for each in runs)
    (folder / "summary.txt").write_text(summary, encoding="utf-8")
    status = next((each.status for each in runs if each.status), 0)
    if status:
        sys.stdout.write(f"--- all ---\n{summary}")
    return status


def _show_until_it_ends(shown: Run, runs: Sequence[Run], signals: Signals) -> None:
    while shown.status is None and not signals.insists:
        for each in runs:
            each.look()
            if signals.first is not None:
                each.end()
        _reap_adopted([each.process.pid for each in runs])
        shown.show()
        time.sleep(TICK_S)
    shown.show()


def _reap_adopted(own: Sequence[int]) -> None:
    """Init's part: tests look whether a process is gone, and a zombie is not."""
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    with suppress(ChildProcessError):  # there are none any more
        while (found := os.waitid(os.P_ALL, 0, options)) is not None and found.si_pid not in own:
            os.waitpid(found.si_pid, 0)


def _kill_all_below() -> None:
    while below := psutil.Process().children(recursive=True):
        for process in below:
            process.kill()
        psutil.wait_procs(below, timeout=5)


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs Python on both databases, side by side.")
    parser.add_argument("--limit-s", type=float, default=LIMIT_S, metavar="N")
    parser.add_argument("--measured", choices=DATABASES, default="", metavar="DATABASE")
    parser.add_argument("--three", action="store_true", help="SQLite's tests in two parts")
    parser.add_argument("arguments", nargs="+", metavar="ARGUMENT")
    options = parser.parse_args()
    sides = THREE if options.three else BOTH
    return run(options.arguments, options.limit_s, measured=options.measured, sides=sides)


if __name__ == "__main__":
    sys.exit(main())
