"""Sends the events out, signed, again and again until they are taken. What is not taken survives a restart."""

import json
import socket
import threading
from urllib.parse import urlsplit

from stripe import WebhookSignature

from billing.till import sessions
from billing.till.accounts import Accounts
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

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._busy: set[int] = set()

    def start(self) -> None:
        for number in range(THREADS):
            threading.Thread(target=self._work, name=f"deliveries-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            seq, till, event = self._next()
            copies = 2 if till.behaviour.webhooks == "duplicate" else 1
            for _ in range(copies):
                body, headers = signed(till, event)
                status = post(till.settings.webhook_url, headers, body.encode(), host=till.webhook_host)
            self._note(till, seq, event["id"], status)

    def _next(self) -> tuple[int, Till, Body]:
        """Waits for it."""
        accounts, database = self._accounts, self._accounts.database
        with database.changed:
            while True:
                now = accounts.first.exact_now()
                for account, session_id in database.due_sessions(int(now)):
                    sessions.expire_late(accounts.named(account), session_id)
                waiting = database.rows(
                    "SELECT seq, account, event, due_at FROM deliveries ORDER BY due_at, seq LIMIT 50"
                )
                free = [row for row in waiting if row[0] not in self._busy]
                if free and float(str(free[0][3])) <= now:
                    seq, till = int(str(free[0][0])), accounts.named(str(free[0][1]))
                    event = till.store.get(str(free[0][2])) if till is not None else None
                    if till is not None and event is not None and till.behaviour.webhooks != "drop":
                        self._busy.add(seq)
                        return seq, till, event
                    database.rows("DELETE FROM deliveries WHERE seq = ?", seq)
                    continue
                wait_s = float(str(free[0][3])) - now if free else LONGEST_WAIT_S
                database.changed.wait(min(wait_s, LONGEST_WAIT_S))

    def _note(self, till: Till, seq: int, event_id: str, status: int) -> None:
        store = till.store
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


def post(
    url: str, headers: dict[str, str], body: bytes, timeout_s: float = TIMEOUT_S, *, host: str = ""
) -> int:
    """The status of the answer; 0 when there was none. Over plain HTTP: the shop is next door. `host`: the shop's own
    among those that this server has; "" for the address's.
    """
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    lines = [f"POST {target} HTTP/1.1", f"Host: {host or parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [*(f"{name}: {value}" for name, value in headers.items()), "User-Agent: Stripe/1.0"]
    request = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout_s) as connection:
            connection.sendall(request)
            status = connection.makefile("rb").readline(1000).split(b" ")[1]
            return int(status)
    except (OSError, ValueError, IndexError):
        return 0
