"""Where webhooks arrive: a server in this process that keeps them, and answers as it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe

from tests.till import WEBHOOK_SECRET


@dataclass
class Inbox:
    """`answers`: the statuses of the next answers, then 200. `hosts`: the same as `received`, with the host that was
    asked.
    """

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[tuple[bytes, str]] = field(default_factory=list)
    hosts: list[tuple[bytes, str, str]] = field(default_factory=list)

    def events(self) -> list[stripe.Event]:
        """Those that came, by the library: it raises for a wrong signature."""
        return [
            stripe.Webhook.construct_event(body, signature, WEBHOOK_SECRET)
            for body, signature in list(self.received)
        ]

    def of(self, about: str, kind: str = "") -> list[stripe.Event]:
        return [
            event
            for event in self.events()
            if event.data.object["id"] == about and event.type.startswith(kind)
        ]


@contextmanager
def open_inbox() -> Iterator[Inbox]:
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signature = self.headers["Stripe-Signature"]
            inbox.received.append((body, signature))
            inbox.hosts.append((body, signature, self.headers["Host"]))
            self.send_response(inbox.answers.pop(0) if inbox.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class names it
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        inbox.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks/stripe?shop=1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield inbox
        finally:
            server.shutdown()
            thread.join()
