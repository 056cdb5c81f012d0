"""The run's servers: they work, and they die with the run, however it ends."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from tests.servers import Server, Servers
from tests.services import product_variables
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
HOLD = """
import sys
from pathlib import Path
from tests.servers import Servers
servers = Servers(Path(sys.argv[1]))
servers.start_valkey()
servers.start_postgresql()
try:
    print(servers.folder, flush=True)
    sys.stdin.read()
finally:
    servers.stop()
"""


@pytest.fixture
def base() -> Iterator[Path]:
    """Not tmp_path: that one's parents are closed to the account that PostgreSQL runs under."""
    folder = Path(tempfile.mkdtemp(prefix="tintype-servers-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def _inhabitants(folder: Path) -> list[psutil.Process]:
    """The processes whose working folder lies in `folder`."""

    def lives_there(process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()).is_relative_to(folder) and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    return [process for process in psutil.process_iter() if lives_there(process)]


def test_private_servers_answer_and_stop_leaves_nothing(base: Path) -> None:
    servers = Servers(base)
    try:
        with redis.Redis.from_url(servers.start_valkey()) as client:
            assert client.ping()
        url = servers.start_postgresql()
        with psycopg.connect(url.rpartition("/")[0] + "/postgres") as connection:
            assert connection.info.server_version >= 150_000
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace("tintype:", "tintype:wrong"))
    finally:
        servers.stop()
    assert not servers.folder.exists()
    assert _inhabitants(base) == []


def test_server_that_was_halted_starts_again_on_its_port_and_data(base: Path) -> None:
    servers = Servers(base)
    try:
        for server, answers in ((start_postgresql(servers), committed), (start_valkey(servers), pinged)):
            assert answers(server.url)
            server.halt()
            with pytest.raises((psycopg.OperationalError, redis.ConnectionError)):
                answers(server.url)
            server.start_again()
            assert answers(server.url)
    finally:
        servers.stop()
    assert _inhabitants(base) == []


def test_frozen_server_takes_connections_and_answers_once_thawed(base: Path) -> None:
    servers = Servers(base)
    try:
        server = start_valkey(servers)
        server.freeze()
        with redis.Redis.from_url(server.url, socket_timeout=0.2) as client:
            with pytest.raises(redis.TimeoutError):
                client.ping()
            server.thaw()
            assert client.ping()
        server.freeze()  # stop() ends it all the same
    finally:
        servers.stop()
    assert _inhabitants(base) == []


def start_valkey(servers: Servers) -> Server:
    servers.start_valkey()
    return servers.valkey


def start_postgresql(servers: Servers) -> Server:
    servers.start_postgresql()
    with psycopg.connect(servers.postgresql.url, dbname="postgres") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    return servers.postgresql


def committed(url: str) -> bool:
    with psycopg.connect(url, dbname="postgres") as connection:
        return connection.execute("SELECT number FROM kept").fetchall() == [(1,)]


def pinged(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        return bool(client.ping())


@pytest.mark.parametrize("fatal", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_servers_die_with_their_run(base: Path, fatal: signal.Signals) -> None:
    command = [sys.executable, "-c", HOLD, str(base)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        assert len(_inhabitants(folder)) > 2
        run.send_signal(fatal)
        run.wait(20)
    wait_until(lambda: not _inhabitants(folder), "the servers to die")
    assert folder.exists() is (fatal != signal.SIGINT)
    Servers(base).stop()
    assert not folder.exists()


def test_next_run_kills_a_server_that_lived_on_and_spares_a_living_run(base: Path) -> None:
    living = Servers(base)
    url = living.start_valkey()
    dead = base / "run-dead"
    dead.mkdir()
    # A sleeper stands for a server that no death signal reached.
    with subprocess.Popen(["sleep", "600"], cwd=dead) as stray:
        (dead / "valkey.pid").write_text(str(stray.pid))
        Servers(base).stop()
        stray.wait(10)
    assert not dead.exists()
    with redis.Redis.from_url(url) as client:
        assert client.ping()
    living.stop()


def test_a_used_again_process_number_is_not_killed(base: Path) -> None:
    dead = base / "run-dead"
    dead.mkdir()
    with subprocess.Popen(["sleep", "600"]) as stranger:
        (dead / "valkey.pid").write_text(str(stranger.pid))
        Servers(base).stop()
        assert stranger.poll() is None
        stranger.kill()
    assert not dead.exists()


def test_a_folder_of_somebody_else_is_refused(base: Path) -> None:
    mine = base / "mine"
    mine.mkdir()
    (base / "link").symlink_to(mine)
    with pytest.raises(PermissionError, match="TMPDIR"):
        Servers(base / "link")


def test_ctrl_c_leaves_no_server_and_no_folder(base: Path) -> None:
    (base / "test_hang.py").write_text("def test_hang():\n    print('hangs', flush=True)\n    input()\n")
    environment = os.environ | {"TMPDIR": str(base), "TEST_DATABASE": "postgresql", "PYTHONPATH": str(ROOT)}
    for name in ("TEST_REDIS_URL", "TEST_DATABASE_URL"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "pytest", "-s", "--noconftest", "--rootdir", str(base), "-c", os.devnull]
    command += ["-p", "tests.services", "-p", "no:django", "-p", "no:cacheprovider", str(base)]
    with subprocess.Popen(
        command, cwd=base, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        while "hangs" not in run.stdout.readline():
            assert run.poll() is None
        assert _inhabitants(base) != []
        run.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in run.stdout.read()
        assert run.wait(20) == pytest.ExitCode.INTERRUPTED
    assert _inhabitants(base) == []
    assert not list(base.glob("tintype-tests-*/run-*"))


def test_developers_own_settings_stay_outside() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "PORT"} <= product_variables()
    assert os.environ["SANDBOX_SECONDS"] == "0"
    assert "SECRET_KEY" not in os.environ
