"""Sends the events out, signed, again and again until they are taken. What is not taken survives a restart."""

import json
import socket
import threading
from urllib.parse import urlsplit

from stripe import WebhookSignature

from billing.till import sessions
from billing.till.objects import visible
from billing.till.problems import Body
from billing.till.till import Till

# After the last, the last again; given up after three days, as Stripe does.
PAUSES_S = (1, 5, 30, 300, 3600, 3 * 3600, 6 * 3600)
GIVE_UP_AFTER_S = 3 * 24 * 3600
TIMEOUT_S = 10.0
LONGEST_WAIT_S = 20.0  # how late a session may expire when nothing else happens
THREADS = 2


class Deliveries:
    """Threads that send what is due, and let sessions expire that nobody paid."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._busy: set[int] = set()

    def start(self) -> None:
        for number in range(THREADS):
            threading.Thread(target=self._work, name=f"deliveries-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            seq, event = self._next()
            copies = 2 if self._till.behaviour.webhooks == "duplicate" else 1
            for _ in range(copies):
                body, headers = signed(self._till, event)
                status = post(self._till.settings.webhook_url, headers, body.encode())
            self._note(seq, event["id"], status)

    def _next(self) -> tuple[int, Body]:
        """Waits for it."""
        till, store = self._till, self._till.store
        with store.changed:
            while True:
                sessions.expire_due(till)
                now = till.exact_now()
                waiting = store.rows(
                    "SELECT seq, event, due_at FROM deliveries ORDER BY due_at, seq LIMIT 50"
                )
                free = [row for row in waiting if row[0] not in self._busy]
                if free and float(str(free[0][2])) <= now:
                    seq, event = int(str(free[0][0])), store.get(str(free[0][1]))
                    if event is not None and till.behaviour.webhooks != "drop":
                        self._busy.add(seq)
                        return seq, event
                    store.rows("DELETE FROM deliveries WHERE seq = ?", seq)
                    continue
                wait_s = float(str(free[0][2])) - now if free else LONGEST_WAIT_S
                store.changed.wait(min(wait_s, LONGEST_WAIT_S))

    def _note(self, seq: int, event_id: str, status: int) -> None:
        till, store = self._till, self._till.store
        with store.transaction():
            self._busy.discard(seq)
            if 200 <= status < 300:
                event = till.need("event", event_id)
                store.put(event | {"pending_webhooks": 0})
                store.rows("DELETE FROM deliveries WHERE seq = ?", seq)
                return
            now = till.exact_now()
            ((attempts, first_at),) = store.rows(
                "SELECT attempts, first_at FROM deliveries WHERE seq = ?", seq
            )
            pause_s = PAUSES_S[min(int(str(attempts)), len(PAUSES_S) - 1)]
            if now + pause_s > float(str(first_at)) + GIVE_UP_AFTER_S:
                store.rows("DELETE FROM deliveries WHERE seq = ?", seq)
                return
            store.rows(
                "UPDATE deliveries SET attempts = attempts + 1, last_status = ?, due_at = ? WHERE seq = ?",
                status,
                now + pause_s,
                seq,
            )


def signed(till: Till, event: Body) -> tuple[str, dict[str, str]]:
    """The body and the headers that the event is sent with now."""
    body = json.dumps(visible(event), indent=2, ensure_ascii=False)
    signature = WebhookSignature.generate_signature_header(body, till.settings.webhook_secret)
    return body, {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}


def post(url: str, headers: dict[str, str], body: bytes, timeout_s: float = TIMEOUT_S) -> int:
    """The status of the answer; 0 when there was none. Over plain HTTP: the shop is next door."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [*(f"{name}: {value}" for name, value in headers.items()), "User-Agent: Stripe/1.0"]
    request = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout_s) as connection:
            connection.sendall(request)
            status = connection.makefile("rb").readline(1000).split(b" ")[1]
            return int(status)
    except (OSError, ValueError, IndexError):
        return 0
