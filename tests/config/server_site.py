"""A small Django site to serve through config/server.py: settings and views in one module."""

import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path

from accounts.line import line_of
from config import env

SECRET_KEY = "for tests of the server alone"
ROOT_URLCONF = __name__
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
MAX_API_BODY_BYTES = 1000
DATA_UPLOAD_MAX_MEMORY_SIZE = 5000
BODY_TIMEOUT_S = env.seconds("BODY_TIMEOUT_S", 1, 0.1, 60)
WEB_THREADS = 4
API_THREADS = 2
MAX_WAITING = 4
USE_TZ = True
LOGGING_CONFIG = None


def echo(request: HttpRequest, rest: str = "") -> HttpResponse:
    """What arrived: method, path, body, and every header as it stands in the environ."""
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "query": request.META["QUERY_STRING"],
            "address": request.META["REMOTE_ADDR"],
            "length": request.META["CONTENT_LENGTH"],
            "body": request.body.decode("latin-1"),
            "problem": request.META.get("tintype.body_problem"),
            "headers": {name: value for name, value in request.META.items() if name.startswith("HTTP_")},
        }
    )


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("two")
    response.set_cookie("first", "1")
    response.set_cookie("second", "2")
    return response


def file(request: HttpRequest) -> HttpResponseBase:
    """This module, as a file."""
    return FileResponse(Path(__file__).open("rb"))


def _counted(marks: Path, count: int) -> Iterator[bytes]:
    try:
        for number in range(count):
            yield b"%d," % number
            time.sleep(0.01)
    finally:
        (marks / "closed").touch()


def stream(request: HttpRequest) -> HttpResponseBase:
    return StreamingHttpResponse(_counted(Path(request.GET["marks"]), int(request.GET["count"])))


def hop_by_hop(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers={"Connection": "close", "Keep-Alive": "timeout=1", "X-Mine": "1"})


class FailsLate(HttpResponse):
    """Fails where Django does not look: while the server takes the body."""

    def __iter__(self) -> Iterator[bytes]:
        raise RuntimeError("a secret of the shop")


def broken(request: HttpRequest) -> HttpResponse:
    return FailsLate("never seen")


def slow(request: HttpRequest) -> HttpResponse:
    time.sleep(float(request.GET["seconds"]))
    return HttpResponse("done")


def wait(request: HttpRequest) -> HttpResponse:
    """Until the file `go` is there or the client has left; aside=0: as one that is at work."""
    marks = Path(request.GET["marks"])
    line, left = line_of(request), threading.Event()
    line.watch(left.set)
    line.when_sent((marks / "sent").touch)
    (marks / f"waits-{request.GET['number']}").touch()
    with line.waiting() if request.GET["aside"] == "1" else nullcontext():
        while not (marks / "go").exists() and not left.wait(0.02):
            pass
    (marks / ("left" if line.is_cut() else "stayed")).touch()
    return HttpResponse("done")


urlpatterns = [
    path("healthz", healthz),
    path("echo", echo),
    path("api/echo", echo),
    path("echo/<path:rest>", echo),
    path("cookies", cookies),
    path("file", file),
    path("stream", stream),
    path("slow", slow),
    path("wait", wait),
    path("api/wait", wait),
    path("hop-by-hop", hop_by_hop),
    path("broken", broken),
]
