"""What must be so before the shop can open. Each refusal is one line that names the cure."""

import errno
import fcntl
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import IO

from django.conf import settings

from billing.models import Payment, StripeAccount
from config import database
from generations.engine.config import EngineConfig

# A killed predecessor's children need a moment to die.
PORT_PATIENCE_S = 2.0


class Refusal(Exception):
    """One line for the operator."""


def check_data_dir(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refusal(
            f"DATA_DIR: {folder} cannot be written ({error.strerror}). Name a writable folder: DATA_DIR=/path."
        ) from error


def lock_data_dir(folder: Path) -> IO[str]:
    """The lock, held for as long as the file stays open; a process that dies in any way lets go of it."""
    file = (folder / "up.lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read().strip()
        file.close()
        raise Refusal(
            f"Already running on {folder} (pid {pid}). Stop it first, or name another folder: DATA_DIR=/path."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def check_port(host: str, port: int, *, patience_s: float = PORT_PATIENCE_S) -> str:
    """The number of the address to listen on: granian takes no names."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise Refusal(
            f"HOST={host}: {error.strerror}. Name an address of this machine: HOST=127.0.0.1."
        ) from error
    deadline = time.monotonic() + patience_s
    while True:
        with socket.socket(family, kind, protocol) as probe:
            # As granian does, but without SO_REUSEPORT, which would share the port with whoever has it.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
                probe.listen(1)
                return str(address[0])
            except OSError as error:
                if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                raise Refusal(_why_not(error, host, port)) from error


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"PORT {port} on {host} is in use. Choose another: make run PORT={port + 1 if port < 65535 else 8000}."
    if error.errno == errno.EACCES:
        return f"PORT {port} needs more rights than this user has. Choose one above 1023: make run PORT=8000."
    return f"HOST={host}: {error.strerror}. Name an address of this machine: HOST=127.0.0.1."


def check_till() -> None:
    """A shop that took money, and whose settings were lost, must not sell for a demo's test cards. After migrations."""
    if not settings.TILL:
        return
    for rows in (StripeAccount.objects.all(), Payment.objects.all()):
        if rows.filter(livemode=True).exists():
            raise Refusal(
                "This shop was paid through Stripe with a live key, and STRIPE_SECRET_KEY is not set: anybody could get"
                " credits at the till of a demo. Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET again; or"
                " TILL=0 to open without payments."
            )


def check_gpu() -> None:
    if settings.GPU_WORKERS:
        for problem in EngineConfig.from_settings().problems():
            raise Refusal(problem)


def check_database() -> None:
    if not settings.DATABASE_URL:
        return
    try:
        database.reach()
    except database.Unreachable as error:
        raise Refusal(f"DATABASE_URL: {error}. Start that server, or correct the address.") from error
