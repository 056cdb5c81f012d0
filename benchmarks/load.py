"""`python -m benchmarks.load`: HTTP clients that each send their next request when the last one is answered.

A process of its own with one epoll loop and requests made beforehand, so that it takes little of the cores that
are measured. Reads an Order as JSON, writes the Answers.
"""

import json
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle

from tests.processes import ROOT

ANSWER_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Order:
    """`scripts`: for each client the requests that it sends in turn, as text."""

    port: int
    scripts: list[list[str]]
    seconds: float
    warm_up_s: float = 0.5


@dataclass(slots=True)
class Answers:
    """Of the `seconds` after the warm-up: answers by status, and their times; what the clients cost themselves."""

    seconds: float
    statuses: dict[str, int] = field(default_factory=dict)
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    client_cpu_s: float = 0.0

    @property
    def per_second(self) -> float:
        return self.statuses.get("200", 0) / self.seconds

    @property
    def refused(self) -> dict[str, int]:
        return {status: count for status, count in self.statuses.items() if status != "200"}


def run(port: int, scripts: Sequence[Sequence[str]], seconds: float, warm_up_s: float = 0.5) -> Answers:
    order = Order(port, [list(script) for script in scripts], seconds, warm_up_s)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT,
        input=json.dumps(asdict(order)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + warm_up_s + ANSWER_TIMEOUT_S,
    )
    return Answers(**json.loads(done.stdout))


def post(key: str, body: dict[str, object], host: str = "localhost") -> str:
    text = json.dumps(body)
    return (
        f"POST /api/generate HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    )


def get(path: str, headers: dict[str, str], host: str = "localhost") -> str:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n"


# --- In its own process --------------------------------------------------------------------------


class Client:
    """One connection; `answered` is None until an answer is whole, then its status."""

    def __init__(self, port: int, script: Sequence[str]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._requests: Iterator[bytes] = cycle([text.encode() for text in script])
        self._read = b""

    def send(self) -> None:
        self._read = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(next(self._requests))

    def answered(self) -> str | None:
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError("The shop closed a connection.")
        self._read += part
        head, end, body = self._read.partition(b"\r\n\r\n")
        if not end:
            return None
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        return head[9:12].decode() if len(body) >= length else None


def drive(order: Order) -> Answers:
    clients = {}
    poll = select.epoll()
    for script in order.scripts:
        client = Client(order.port, script)
        clients[client.socket.fileno()] = client
        poll.register(client.socket, select.EPOLLIN)
    statuses: Counter[str] = Counter()
    times: list[float] = []
    begin = time.perf_counter() + order.warm_up_s
    end = begin + order.seconds
    for client in clients.values():
        client.send()
    waiting = len(clients)
    while waiting:
        ready = poll.poll(ANSWER_TIMEOUT_S)
        if not ready:
            raise TimeoutError(f"{waiting} requests were not answered.")
        for number, _event in ready:
            client = clients[number]
            status = client.answered()
            if status is None:
                continue
            now = time.perf_counter()
            if begin <= now <= end:
                statuses[status] += 1
                times.append(now - client.sent_at)
            if now < end:
                client.send()
            else:
                waiting -= 1
    times.sort()
    return Answers(
        order.seconds,
        dict(statuses),
        1e3 * times[len(times) // 2] if times else 0.0,
        1e3 * times[len(times) * 99 // 100] if times else 0.0,
        time.process_time(),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(drive(Order(**json.load(sys.stdin))))))
