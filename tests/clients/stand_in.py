"""Something that speaks version 1 of the API over real sockets, and misbehaves when told to.

By itself it is a small shop that keeps to the contract's shapes: an order is accepted, is under way when looked at, and
done when looked at again. `then` says what is answered to the next requests instead, whatever they are.
"""

import contextlib
import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "tt_live_StandInKeyThatNobodyHoldsElsewhere00"
NOW = "2026-11-22T18:03:11Z"
IMAGE = b"\xff\xd8\xff not much of a picture"
TASK = "task_000000000000000000000001"


@dataclass(frozen=True, slots=True)
class Seen:
    """Names of headers in lower case. `content`: the body as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    content: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Drop:
    """The connection ends without an answer; with `is_done`, once the order was taken in."""

    def __init__(self, *, is_done: bool = False) -> None:
        self.is_done = is_done


class Cut(Drop):
    """It ends in the middle of the answer."""


class Silence:
    """No answer until the test is over."""


def error(
    status: int, word: str, message: str = "No", retry_after: int | None = None, **members: Any
) -> Reply:
    """As config/api.py makes it."""
    body = {
        "type": word,
        "param": None,
        "limit_source": None,
        "retry_after": retry_after,
        "fix_url": None,
        "request_id": "req_of_the_shop",
        **members,
    }
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(status, {"code": status, "message": message, "data": None, "error": body}, headers)


class StandIn:
    """`seen`: every request, in order. `orders`: those that were taken in, by idempotency key."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.orders: dict[str, dict[str, Any]] = {}
        self.over = threading.Event()
        self._next: list[Reply | Drop | Silence] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def then(self, *replies: Reply | Drop | Silence) -> None:
        self._next.extend(replies)

    def begin_again(self) -> None:
        self.seen.clear()
        self.orders.clear()
        self._next.clear()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, seen: Seen) -> Reply | Drop | Silence:
        with self._lock:
            self.seen.append(seen)
            reply = self._next.pop(0) if self._next else self._usual(seen)
            if isinstance(reply, Drop) and reply.is_done:
                self._usual(seen)
            return reply

    # --- The small shop -------------------------------------------------------------------------

    def _usual(self, seen: Seen) -> Reply:
        if seen.path.startswith("/i/"):
            return Reply(200, IMAGE, {"Content-Type": "image/jpeg"})
        if seen.headers.get("authorization") != f"Bearer {KEY}":
            return error(401, "unauthenticated", "Invalid API key")
        path = seen.path.removeprefix("/api/v1")
        if path == "/generations":
            return self._accept(seen) if seen.method == "POST" else self._list(seen)
        if path.startswith("/generations/"):
            task_id, _, what = path.removeprefix("/generations/").partition("/")
            return self._one(task_id, what)
        return Reply(200, PLAIN[path]) if path in PLAIN else error(404, "not_found", "Not found")

    def _accept(self, seen: Seen) -> Reply:
        once = seen.headers.get("idempotency-key", f"none-{len(self.orders)}")
        if once not in self.orders:
            number = len(self.orders) + 1
            self.orders[once] = {
                "id": f"task_{number:024}",
                "object": "generation",
                "livemode": True,
                "status": "queued",
                "progress": 0,
                "model": "z-image-turbo",
                "prompt": seen.body["prompt"],
                "aspect_ratio": seen.body.get("aspect_ratio"),
                "width": 1280,
                "height": 720,
                "seed": seen.body.get("seed"),
                "n": seen.body.get("n", 1),
                "output_format": seen.body.get("output_format", "jpeg"),
                "price_credits": 15,
                "consumed_credits": 0,
                "images": [],
                "metadata": seen.body.get("metadata", {}),
                "error": None,
                "created_at": NOW,
                "started_at": None,
                "finished_at": None,
                "expires_at": None,
            }
        return Reply(201, self.orders[once])

    def _list(self, seen: Seen) -> Reply:
        """Newest first."""
        orders = list(reversed(self.orders.values()))
        start, limit = int(seen.query.get("cursor", "0")), int(seen.query.get("limit", "20"))
        following = str(start + limit) if start + limit < len(orders) else None
        return Reply(200, listing(orders[start : start + limit], following))

    def _one(self, task_id: str, what: str) -> Reply:
        order = next((one for one in self.orders.values() if one["id"] == task_id), None)
        if order is None:
            return error(404, "not_found", "Not found")
        if what == "receipt":
            return Reply(200, RECEIPT | {"task": task_id})
        if what == "cancel":
            if order["status"] in ("succeeded", "failed", "canceled"):
                return error(409, "already_ended", "This task has already ended", retry_after=2)
            order |= {"status": "canceled"}
        elif order["status"] == "queued":
            order |= {"status": "running", "progress": 62, "started_at": NOW}
        elif order["status"] == "running":
            order |= {"status": "succeeded", "progress": 100, "finished_at": NOW, "consumed_credits": 15}
            order |= {"expires_at": NOW, "images": [self.image(number) for number in range(order["n"])]}
        return Reply(200, order)

    def image(self, number: int = 0) -> dict[str, Any]:
        return {
            "id": f"img_{number}",
            "url": f"{self.base_url}/i/img_{number}.jpeg?e=1&s=2",
            "thumbnail_url": None,
            "width": 1280,
            "height": 720,
            "content_type": "image/jpeg",
            "bytes": len(IMAGE),
            "sha256": hashlib.sha256(IMAGE).hexdigest(),
        }


def listing(data: list[Any], next_cursor: str | None = None) -> dict[str, Any]:
    return {"object": "list", "data": data, "next_cursor": next_cursor}


RECEIPT = {
    "task": TASK,
    "hold": {"credits": 15, "at": NOW},
    "attempts": [{"number": 1, "outcome": "ok", "seconds": 1.21}],
    "settlement": {"kind": "capture", "consumed": 15, "returned": 0, "at": NOW},
    "available_before": 300,
    "available_after": 285,
}
MODEL = {
    "id": "z-image-turbo",
    "object": "model",
    "price_credits": 15,
    "sizes": ["1024x1024", "1280x720"],
    "max_n": 4,
}
ENTRY = {
    "id": "le_1",
    "kind": "capture",
    "available": 0,
    "held": -15,
    "owed": 0,
    "reference": f"generation:{TASK}",
    "created_at": NOW,
}
USAGE = {
    "start": "2026-11-22",
    "key": "tt_live_ab12",
    "model": "z-image-turbo",
    "succeeded": 112,
    "failed": 5,
    "credits": 1680,
    "p50_seconds": 1.2,
    "p95_seconds": 2.8,
}
API_KEY = {
    "id": "key_1",
    "object": "key",
    "livemode": True,
    "prefix": "tt_live_ab12",
    "name": "ci",
    "scopes": ["generate", "read"],
    "expires_at": None,
    "allowed_addresses": [],
    "rate_per_minute": 60,
    "burst": 20,
    "max_open_tasks": 20,
    "spend_caps": {"day": None, "month": 5000, "lifetime": None},
    "spent": {"day": 0, "month": 120, "lifetime": 120},
    "last_used_at": NOW,
    "created_at": NOW,
    "revoked_at": None,
    "frozen_at": None,
    "frozen_reason": None,
    "replaced_by": None,
}
ENDPOINT = {
    "id": "we_1",
    "url": "https://studio.example/hook",
    "events": ["generation.succeeded"],
    "enabled": True,
    "disabled_reason": None,
    "created_at": NOW,
}
DELIVERY = {
    "id": "msg_1",
    "endpoint": "we_1",
    "event": "generation.succeeded",
    "attempt": 2,
    "status": "pending",
    "response_status": 500,
    "next_attempt_at": NOW,
    "created_at": NOW,
}
PLAIN: dict[str, Any] = {
    "/balance": {"available": 285, "held": 15, "owed": 0, "images": 19},
    "/models": listing([MODEL]),
    "/estimate": {"price_credits": 30, "available": 285, "affordable": True},
    "/ledger": listing([ENTRY]),
    "/usage": listing([USAGE]),
    "/keys": listing([API_KEY]),
    "/keys/key_1": API_KEY,
    "/keys/key_1/rotate": API_KEY | {"id": "key_2", "secret": KEY},
    "/webhook-endpoints": listing([ENDPOINT]),
    "/webhook-endpoints/we_1": ENDPOINT,
    "/webhook-deliveries": listing([DELIVERY]),
    "/webhook-deliveries/msg_1": DELIVERY,
    "/webhook-deliveries/msg_1/replay": DELIVERY,
}


def _handler_of(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            parts = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = stand_in.take(
                Seen(
                    self.command,
                    parts.path,
                    {name: values[-1] for name, values in parse_qs(parts.query).items()},
                    {name.lower(): value for name, value in self.headers.items()},
                    json.loads(content) if content else None,
                    content,
                )
            )
            if isinstance(reply, Silence):
                stand_in.over.wait(30)
                reply = Drop()
            if isinstance(reply, Cut):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            if isinstance(reply, Drop):
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            body = b"" if reply.body is None else reply.body
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            self.send_response(reply.status)
            for name, value in ({"Content-Type": "application/json"} | reply.headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that the library looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name for it
            pass

    return Handler


@contextmanager
def running_stand_in() -> Iterator[StandIn]:
    stand_in = StandIn()
    try:
        yield stand_in
    finally:
        stand_in.close()
