"""How many requests were answered how, and how long that took: counted in files that all web processes of this machine
share, so that whichever of them is asked for the figures has those of all.

Importing this opens the files: only processes that serve a watched shop do.
"""

import multiprocessing
import os
import shutil
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# In seconds: an order is accepted in a few milliseconds, and OpenAI's clients wait for a minute.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STATIC, UNKNOWN = "static", "unknown"
# Of another machine that shared this folder; those in use are written to all the time.
ABANDONED_S = 7 * 86_400


def folder() -> Path:
    """Of the web processes that were started together: a container has one of its own, also on a shared volume."""
    parent = multiprocessing.parent_process()
    started_by = parent.pid if parent is not None and parent.pid is not None else os.getpid()
    return Path(settings.METRICS_DIR) / f"{socket.gethostname()}-{started_by}"


def prepare() -> Path:
    """The folder, and without those of processes that are gone: what they counted nobody can ask for any more."""
    own = folder()
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    for other in own.parent.iterdir():
        host, _, pid = other.name.rpartition("-")
        is_gone = host == socket.gethostname() and pid.isdigit() and not Path(f"/proc/{pid}").exists()
        with suppress(FileNotFoundError):  # a sibling was quicker
            if other != own and (is_gone or _last_written(other) < time.time() - ABANDONED_S):
                shutil.rmtree(other, ignore_errors=True)
    return own


def _last_written(folder: Path) -> float:
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))


# The library decides where it counts when it is first imported, by whomever.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(prepare())
values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]  # as it does itself

_none = CollectorRegistry()  # what is exposed is read from the files
REQUESTS = Counter(
    "tintype_requests",
    "Requests that were answered, by the address that they matched.",
    ["method", "route", "status"],
    registry=_none,
)
SECONDS = Histogram(
    "tintype_request_seconds",
    "How long requests took, from when they were whole to their answer.",
    ["method", "route"],
    buckets=BUCKETS,
    registry=_none,
)


def register(registry: CollectorRegistry) -> None:
    MultiProcessCollector(registry, path=str(folder()))  # type: ignore[no-untyped-call]  # the library's


class CountingMiddleware:
    """The outermost: also what is refused early is counted. There while the shop is watched (settings.METRICS)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        # There are as many as there are addresses, methods and statuses; finding one by its labels is the slow part.
        self._known: dict[tuple[str, str, int], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        took_s = time.perf_counter() - began
        key = (request.method or "", _route(request), response.status_code)
        count, observe = self._known.get(key) or self._find(key)
        count()
        observe(took_s)
        return response

    def _find(self, key: tuple[str, str, int]) -> tuple[Callable[[], None], Callable[[float], None]]:
        method, route, status = key
        if method not in METHODS:  # a stranger's word must not become a series of its own
            method, key = "other", ("other", route, status)
        found = (
            REQUESTS.labels(method, route, str(status)).inc,
            SECONDS.labels(method, route).observe,
        )
        return self._known.setdefault(key, found)


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is not None:
        return f"/{match.route}"
    return STATIC if request.path_info.startswith(settings.STATIC_URL) else UNKNOWN
