"""Opens the shop: web, worker and beat as children of this one process."""

import os
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from accounts.management.base import OperatorCommand
from config import banner, demo, opened, preflight, static_files
from generations.routing import serves_live_keys

Child = tuple[str, list[str], dict[str, str]]  # as opened.Plan has them

# Of the database, for all processes of a kind, and for each at least.
CONNECTIONS, LEAST_CONNECTIONS = 8, 2
LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not a bind
WEB_DRAIN_S = 12  # what is asked gets its answer; a body may take 10 s to arrive
# Options of the children, as variables: so the operator can change them, and each command line bears
# only its own role's name.
QUIET = {
    "LOG_LEVEL": "WARNING",
    "GRANIAN_LOG_LEVEL": "warning",
    "GRANIAN_WORKERS_KILL_TIMEOUT": str(WEB_DRAIN_S),
    "CELERY_WORKER_WITHOUT_GOSSIP": "1",
    "CELERY_WORKER_WITHOUT_MINGLE": "1",
    "CELERY_WORKER_WITHOUT_HEARTBEAT": "1",
    # It is about pickled messages, which ours never are.
    "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
}

_PYTHON = [sys.executable, "-m"]
_WEB = [*_PYTHON, "granian", "--interface", "rsgi", "--http", "1", "--no-ws"]
_WEB += ["--http1-header-read-timeout", "10000"]
_CELERY = [*_PYTHON, "celery", "-A", "config"]
_QUEUES = "default,poll,webhooks"  # `gpu` is for workers that have one


class Command(OperatorCommand):
    help = "Open the shop: prepare the database, then run web, worker and beat until Ctrl-C or SIGTERM."

    def work(self, **options: Any) -> None:
        try:
            preflight.check_data_dir(settings.DATA_DIR)
            lock = preflight.lock_data_dir(settings.DATA_DIR)
            address = preflight.check_port(settings.HOST, settings.PORT)
            preflight.check_database()
            preflight.check_gpu()
            if settings.TILL:
                # Said to the children by their environment, so that all of them mean the same one.
                os.environ["TILL_PORT"] = str(_till_port(address))
        except preflight.Refusal as refusal:
            self.refuse(str(refusal))
        with lock:
            call_command("migrate", interactive=False, verbosity=0)
            self._check_till()
            static_files.collect()
            welcome = demo.open_demo()
            text = banner.opened(
                settings.PUBLIC_URL,
                welcome,
                serves_live_keys=serves_live_keys(),
                pays="till" if settings.TILL else "stripe" if settings.STRIPE_SECRET_KEY else "",
            )
            _close_databases()
            plan = opened.Plan(
                children=_children(address),
                folder=str(settings.BASE_DIR),
                address=LOOPBACKS.get(address, address),
                port=settings.PORT,
                text=text,
                told_once=welcome is not None,
                stop_timeout_s=_stop_timeout_s(),
                log_level=settings.LOG_LEVEL,
                log_format=settings.LOG_FORMAT,
            )
            opened.become(plan, keep=[lock.fileno()])

    def _check_till(self) -> None:
        try:
            preflight.check_till()
        except preflight.Refusal as refusal:
            self.refuse(str(refusal))


def _stop_timeout_s() -> float:
    """Every child leaves by itself before it is killed."""
    return max(WEB_DRAIN_S, settings.WORKER_GRACE_S) + 3


def _close_databases() -> None:
    """The children open their own; a pool's threads must not run when they are forked."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool is not None:
            close_pool()


def _till_port(address: str) -> int:
    """TILL_PORT, or any free one when nobody named it and the usual one is taken."""
    try:
        preflight.check_port(settings.HOST, settings.TILL_PORT, patience_s=0.0)
    except preflight.Refusal:
        if "TILL_PORT" in os.environ:
            raise
        with socket.create_server((address, 0), family=_family(address)) as probe:
            return int(probe.getsockname()[1])
    return int(settings.TILL_PORT)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _till(address: str) -> Child:
    """In a demo, in place of Stripe. Its secrets are in its environment alone."""
    port = os.environ["TILL_PORT"]
    web = LOOPBACKS.get(address, address)
    web = f"[{web}]" if ":" in web else web
    command = [*_PYTHON, "billing.till", "--host", address, "--port", port]
    command += ["--webhook-url", f"http://{web}:{settings.PORT}/webhooks/stripe"]
    command += ["--public-url", os.environ.get("TILL_URL") or f"{_origin()}:{port}"]
    command += ["--data", str(settings.DATA_DIR / "till")]
    secrets = {
        "STRIPE_SECRET_KEY": settings.STRIPE_SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": settings.STRIPE_WEBHOOK_SECRETS[0],
        "TILL_SECRET": settings.TILL_SECRET,
    }
    return "till", command, _environment(1, **secrets)


def _origin() -> str:
    """The till's address without its port: people reach it where they reach the shop."""
    return f"http://{urlsplit(settings.PUBLIC_URL).hostname}"


def _children(address: str) -> list[Child]:
    web = [*_WEB, "--host", address, "--port", str(settings.PORT), "config.server:app"]
    granian = {"GRANIAN_WORKERS": str(settings.WEB_PROCESSES)}
    if settings.WEB_PROCESSES > 1:
        granian["GRANIAN_RESPAWN_FAILED_WORKERS"] = "1"  # the others go on meanwhile
    worker = [*_CELERY, "worker", "-P", "threads", "-c", str(settings.WORKER_CONCURRENCY), "-Q", _QUEUES]
    children = [
        ("web", web, _environment(settings.WEB_PROCESSES, **granian)),
        ("beat", [*_CELERY, "beat", "--pidfile="], _environment(CONNECTIONS)),
    ]
    for number in range(1, settings.WORKER_PROCESSES + 1):
        environment = _environment(settings.WORKER_PROCESSES)
        if number > 1 and settings.READY_FILE:
            environment["READY_FILE"] = f"{settings.READY_FILE}.{number}"
        name = "worker" if number == 1 else f"worker {number}"
        children.append((name, [*worker, "-n", f"worker{number}@%h"], environment))
    for number in range(settings.GPU_WORKERS):
        gpu = _environment(settings.GPU_WORKERS, GPU_DEVICE=f"cuda:{number}")
        children.append((f"gpu {number}", [sys.executable, "manage.py", "gpu_worker"], gpu))
    if settings.TILL:
        children.append(_till(address))
    return children


def _environment(processes: int, **more: str) -> dict[str, str]:
    """For one of `processes` of a kind, which share the database connections of that kind. What the operator set
    goes before it.
    """
    pool = max(LEAST_CONNECTIONS, CONNECTIONS // processes)
    return {**QUIET, "DATABASE_POOL": str(pool), **more}
