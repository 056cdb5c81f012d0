"""`manage.py up` keeps one of each running, and nothing outlives it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config.supervisor import Child
from tests import scale
from tests.faults.shop import ROLES, Shop, prepare, refusal, running
from tests.processes import ROOT, free_port
from tests.waiting import wait_until

ONE_OF_EACH = dict.fromkeys(ROLES, 1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for all tests that end only parts of it; not a demo."""
    folder = tmp_path_factory.mktemp("shop")
    prepare(folder / "data")
    with running(folder, folder / "data", changes={"DEMO": "0"}) as shop:
        yield shop


def test_shop_without_upstream_says_so(shop: Shop) -> None:
    assert "503" in shop.out
    assert "DEMO=1" in shop.out
    assert "password" not in shop.out


def kill_and_wait_for_the_next(shop: Shop, role: str) -> None:
    [old] = shop.children(role)
    old.kill()

    def next_one() -> bool:
        now = shop.children(role)
        return bool(now) and old not in now

    wait_until(next_one, f"a new {role}", timeout_s=60)


def test_worker_killed_again_and_again_leaves_one_of_each(shop: Shop) -> None:
    for _ in range(scale.count(3, 10)):
        kill_and_wait_for_the_next(shop, "worker")
    assert shop.roles() == ONE_OF_EACH
    assert shop.answers()
    deaths = re.findall(r"worker \(pid \d+\) was ended by SIGKILL; it starts again in ([\d.]+) s", shop.err)
    assert len(deaths) == scale.count(3, 10)
    assert deaths[:3] == ["0.5", "1", "2"], "The pause grows from one quick death to the next"


def test_killed_web_takes_its_own_processes_along_and_answers_again(shop: Shop) -> None:
    [web] = shop.children("granian")
    below = web.children(recursive=True)
    assert below
    kill_and_wait_for_the_next(shop, "granian")
    assert psutil.wait_procs(below, timeout=30)[1] == []
    wait_until(shop.answers, "the shop to answer again", timeout_s=60)
    assert shop.roles() == ONE_OF_EACH


def test_web_whose_inner_process_was_killed_answers_again(shop: Shop) -> None:
    [web] = shop.children("granian")
    for inner in web.children():
        inner.kill()
    wait_until(lambda: web not in shop.children("granian") and shop.answers(), "another web", timeout_s=60)
    assert shop.roles() == ONE_OF_EACH


def test_killed_beat_starts_again(shop: Shop) -> None:
    kill_and_wait_for_the_next(shop, "beat")
    assert shop.roles() == ONE_OF_EACH


def test_second_shop_on_the_same_folder_is_refused(shop: Shop) -> None:
    line = refusal(shop.data_dir, free_port())
    assert f"pid {shop.process.pid}" in line
    assert "DATA_DIR=/path" in line


def test_children_do_not_hear_ctrl_c_of_the_terminal(shop: Shop) -> None:
    children = [child.pid for role in ROLES for child in shop.children(role)]
    assert [os.getsid(pid) for pid in children] == children


def test_nothing_outlives_a_killed_supervisor_and_the_next_one_starts_at_once(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    prepare(tmp_path / "data")
    with running(tmp_path, tmp_path / "data") as shop:
        family = shop.family()
        assert len(family) >= 5
        shop.process.kill()
        shop.process.wait()
        with running(tmp_path / "again", tmp_path / "data", port=shop.port) as again:
            assert psutil.wait_procs(family, timeout=30)[1] == []
            assert again.roles() == ONE_OF_EACH


# Ctrl-C of `make run` is seen every day in tests/test_two_commands.py.
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT][: scale.count(1, 2)], ids=lambda number: number.name
)
def test_stop_signal_ends_everything_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    prepare(tmp_path / "data")
    with running(tmp_path, tmp_path / "data") as shop:
        family = shop.family()
        shop.process.send_signal(number)
        assert shop.process.wait(60) == 0
        assert psutil.wait_procs(family, timeout=30)[1] == []
        assert shop.err == ""


def test_child_that_cannot_be_started_for_a_while_is_tried_again_and_ends_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program, elsewhere = tmp_path / "program", tmp_path / "elsewhere"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    child = Child("worker", [str(program)], tmp_path, {})

    def keep_running_until(is_so: Callable[[], bool], what: str) -> None:
        def is_so_now() -> bool:
            child.keep_running()
            return is_so()

        wait_until(is_so_now, what)

    child.start()
    child._pause_s = 0.01
    keep_running_until(lambda: child.process is None, "its death to be noticed")
    program.rename(elsewhere)  # as when there is no memory for another process
    keep_running_until(lambda: "cannot be started" in caplog.text, "it to be tried in vain")
    elsewhere.rename(program)
    keep_running_until(lambda: child.process is not None, "it to be tried again")
    assert child.process is not None
    assert child.process.wait(30) == 0


STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: open(sys.argv[1] + ".asked", "w").close())
subprocess.Popen([sys.executable, "-c", "import signal; signal.sigwait([signal.SIGUSR1])"])
open(sys.argv[1], "w").close()
time.sleep(600)
"""
SUPERVISE = """
import os, sys
from pathlib import Path
from config import supervisor
child = supervisor.Child("stubborn", [sys.executable, "-c", sys.argv[1], sys.argv[2]], Path.cwd(), os.environ)
supervisor.Supervisor([child], stop_timeout_s=float(sys.argv[3])).run(lambda: None)
"""


@pytest.mark.parametrize(("patience_s", "signals"), [(0.5, 1), (3600, 2)], ids=["in time", "asked twice"])
def test_child_that_ignores_the_stop_signal_is_killed_with_all_it_started(
    tmp_path: Path, patience_s: float, signals: int
) -> None:
    started, asked = tmp_path / "started", tmp_path / "started.asked"
    command = [sys.executable, "-c", SUPERVISE, STUBBORN, str(started), str(patience_s)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until(started.exists, "the child to start")
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) == 2
        process.terminate()
        if signals > 1:
            wait_until(asked.exists, "the child to be asked to stop")
            process.terminate()
        assert process.wait(60) == 0
        assert psutil.wait_procs(family, timeout=30)[1] == []
    finally:
        process.kill()
        process.wait()
