"""A customer's server: takes webhooks on this machine and checks each with the Standard Webhooks library."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True, slots=True)
class Received:
    """`event` is the body, once its signature was found right."""

    id: str
    event: dict[str, Any]
    headers: dict[str, str]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes = b"thanks"
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0


class Receiver:
    """`answer` is what it says to the next ones; `secrets`: any of them may have signed. `forged` must stay empty."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[Received] = []
        self.forged: list[str] = []
        self.secrets: list[str] = []
        self.answer: Callable[[Received], Reply] = lambda _received: Reply()
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver._take(self, body)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hooks"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def types(self) -> list[str]:
        return [one.event["type"] for one in self.received]

    def _take(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        event = self._verified(body, headers)
        if event is None:
            self.forged.append(body.decode(errors="replace"))
            reply = Reply(400, b"forged")
        else:
            one = Received(headers["webhook-id"], event, headers, body)
            with self._lock:
                self.received.append(one)
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
            reply = self.answer(one)
            time.sleep(reply.after_s)
            with self._lock:
                self.at_once -= 1
        try:
            handler.send_response(reply.status)
            for name, value in reply.headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(reply.body)))
            handler.end_headers()
            handler.wfile.write(reply.body)
        except OSError:  # whoever sent it did not wait
            return

    def _verified(self, body: bytes, headers: dict[str, str]) -> dict[str, Any] | None:
        for secret in self.secrets:
            try:
                event: dict[str, Any] = Webhook(secret).verify(body, headers)
            except WebhookVerificationError:
                continue
            return event
        return None


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver(port)
    try:
        yield receiver
    finally:
        receiver.close()
