"""Both databases side by side: what is shown, how it ends, and that nothing is left."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests import alone, scale
from tests.processes import ROOT, unmeasured
from tests.threads import together
from tests.waiting import wait_until

START = """
import sys
from pathlib import Path
from tests import run
run.GRACE_S, run.ONE_SIGNAL_S = 20, 0.2
sys.exit(run.run(["-c", sys.argv[1]], float(sys.argv[2]), Path(sys.argv[3])))
"""
MEASURE = """
import sys
from pathlib import Path
from tests import run
folder = Path(sys.argv[1])
sys.exit(run.run([str(folder / "program.py")], 60, folder, measured="sqlite"))
"""
# What every program below begins with: its own name, and `meet()`, which waits until both have come so far.
BEGIN = """
import os, signal, subprocess, sys, time
from pathlib import Path
folder, name = Path(os.environ["RUNS_FOLDER"]), os.environ["TEST_DATABASE"]
def meet():
    (folder / name).touch()
    while not all((folder / other).exists() for other in ("sqlite", "postgresql")):
        time.sleep(0.01)
"""
# Leaves a process that nobody waits for, in a session of its own; ends in good order at Ctrl-C.
SLEEPER = """
subprocess.Popen(["sh", "-c", "setsid sleep 600 &"])
try:
    meet()
    time.sleep(600)
except KeyboardInterrupt:
    print(f"{name} ended in good order", flush=True)
    sys.exit(2)
"""
STUBBORN = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
meet()
time.sleep(600)
"""


@contextmanager
def running(folder: Path, program: str, limit_s: float = 60) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-c", START, BEGIN + program, str(limit_s), str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def have_met(folder: Path) -> bool:
    return (folder / "sqlite").exists() and (folder / "postgresql").exists()


def inhabitants(folder: Path) -> list[psutil.Process]:
    """The processes that were started for this folder, however far down."""

    def belongs(process: psutil.Process) -> bool:
        try:
            return process.environ().get("RUNS_FOLDER") == str(folder)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False

    return [process for process in psutil.process_iter() if belongs(process)]


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Status and output."""
    out, _ = process.communicate(timeout=60)
    return process.returncode, out


def test_both_go_on_at_the_same_time_and_are_shown_one_after_the_other(tmp_path: Path) -> None:
    program = "print(name, 'begins'); meet(); print(name, 'passed')"
    with running(tmp_path, program) as process:
        status, out = ended(process)
    assert status == 0
    assert out.splitlines() == [
        "--- sqlite ---", "sqlite begins", "sqlite passed",
        "--- postgresql ---", "postgresql begins", "postgresql passed",
    ]  # fmt: skip
    assert (tmp_path / "summary.txt").read_text() == "sqlite: sqlite passed\npostgresql: postgresql passed\n"


def test_what_a_thread_says_at_the_end_does_not_hide_the_sum(tmp_path: Path) -> None:
    program = "print('1 failed, 2 passed in 3.45s'); print('error connecting in pool-1')"
    with running(tmp_path, program) as process:
        ended(process)
    sums = (tmp_path / "summary.txt").read_text().splitlines()
    assert sums == [f"{name}: 1 failed, 2 passed in 3.45s" for name in ("sqlite", "postgresql")]


def test_coverage_measures_the_one_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys; print('coverage' in sys.modules)")
    environment = unmeasured() | {"COVERAGE_FILE": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["--- sqlite ---", "True", "--- postgresql ---", "False"]


@pytest.mark.parametrize(
    ("sqlite", "postgresql", "expected"), [(3, 0, 3), (0, 4, 4), (3, 4, 3), (-9, 0, 137)]
)
def test_failure_of_either_is_the_status_and_both_are_summed_up(
    tmp_path: Path, sqlite: int, postgresql: int, expected: int
) -> None:
    program = f"""
print("1 failed, 2 passed", flush=True)
code = {{"sqlite": {sqlite}, "postgresql": {postgresql}}}[name]
os.kill(os.getpid(), -code) if code < 0 else sys.exit(code)
"""
    with running(tmp_path, program) as process:
        status, out = ended(process)
    assert status == expected
    summed_up = ["--- all ---", "sqlite: 1 failed, 2 passed", "postgresql: 1 failed, 2 passed"]
    assert out.splitlines()[-3:] == summed_up


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_stop_signal_ends_both_in_good_order_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    with running(tmp_path, SLEEPER) as process:
        wait_until(lambda: have_met(tmp_path), "both to run", timeout_s=30)
        wait_until(lambda: len(inhabitants(tmp_path)) == 4, "their sleepers to sleep")
        for _ in range(2):  # as from a terminal and from make
            process.send_signal(number)
        status, out = ended(process)
    assert status == 128 + number
    assert "sqlite ended in good order\n--- postgresql ---\npostgresql ended in good order\n" in out
    assert inhabitants(tmp_path) == []
    assert not (tmp_path / "summary.txt").exists()


def test_second_stop_signal_ends_both_at_once(tmp_path: Path) -> None:
    with running(tmp_path, STUBBORN) as process:
        wait_until(lambda: have_met(tmp_path), "both to run", timeout_s=30)

        def insist() -> bool:
            process.send_signal(signal.SIGTERM)
            return process.poll() is not None

        wait_until(insist, "it to give in", timeout_s=15)  # less than the grace
        assert inhabitants(tmp_path) == []


def test_run_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with running(tmp_path, SLEEPER, limit_s=1) as process:
        status, out = ended(process)
    assert status == 124
    assert out.splitlines()[-1] == "postgresql: postgresql ended in good order (ended after 1 s)"
    assert inhabitants(tmp_path) == []


def test_both_end_in_good_order_when_their_runner_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, SLEEPER) as process:
        wait_until(lambda: have_met(tmp_path), "both to run", timeout_s=30)
        process.kill()
        process.wait()

        def said() -> bool:
            return "ended in good order" in (tmp_path / "postgresql.txt").read_text()

        wait_until(said, "the other to end")
        for stray in inhabitants(tmp_path):  # which a living runner would have ended
            stray.kill()


def test_what_ended_below_is_no_zombie_meanwhile(tmp_path: Path) -> None:
    orphan = """
made = subprocess.run(["sh", "-c", "sleep 0.2 & echo $!"], stdout=subprocess.PIPE, check=True)
while Path("/proc", made.stdout.decode().strip()).exists():
    time.sleep(0.01)
"""
    with running(tmp_path, orphan, limit_s=20) as process:
        assert ended(process)[0] == 0


def busy(*, alone_: bool, active: list[bool]) -> list[list[bool]]:
    """What was active at each look, while this one was."""
    seen = []
    for _ in range(20):
        with alone.sharing_the_machine(alone=alone_):
            active.append(alone_)
            seen.append(list(active))
            threading.Event().wait(0.002)
            active.remove(alone_)
    return seen


def test_who_is_judged_by_the_clock_is_alone_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNS_FOLDER", str(tmp_path))
    active: list[bool] = []
    timed, *others = together(3, lambda index: busy(alone_=index == 0, active=active))
    assert timed == [[True]] * 20
    assert any(len(look) == 2 for seen in others if isinstance(seen, list) for look in seen)


def test_only_tests_that_record_a_figure_are_judged_by_the_clock(request: pytest.FixtureRequest) -> None:
    by_name = {item.name.partition("[")[0]: item for item in request.session.items}
    assert not alone.is_judged_by_the_clock(
        by_name["test_only_tests_that_record_a_figure_are_judged_by_the_clock"]
    )
    other = by_name.get("test_silent_redis_delays_one_request_and_no_other")
    assert other is None or alone.is_judged_by_the_clock(other)


def test_promise_is_not_judged_beside_another_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scale, "PROOF", True)
    monkeypatch.setattr(scale, "figures", [])
    monkeypatch.setenv("RUNS_FOLDER", str(tmp_path))
    monkeypatch.setattr(alone, "_alone", False)  # the proof takes this very test for one that is judged
    with pytest.raises(AssertionError, match="in the test function itself"):
        scale.record("POST to SUCCESS", 0.5, "s", limit=1)
    with alone.sharing_the_machine(alone=True):
        scale.record("POST to SUCCESS", 0.5, "s", limit=1)
