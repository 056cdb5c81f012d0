"""Customers who order without pause, and try again whatever breaks: `python crowd.py SPEC`.

A process of its own, on the standard library alone. SPEC is the JSON of `Crowd`. It orders until its stdin ends,
lets every order come to its answer, and then prints what each was told as one JSON line.
"""

import http.client
import json
import random
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

PATIENCE_S = 60.0
ANSWER_TIMEOUT_S = 30.0
BROKEN = 0  # instead of a status: the connection was refused, or broke before the answer
TRY_AGAIN = (BROKEN, 409, 429, 503)


@dataclass(frozen=True, slots=True)
class Crowd:
    """`per_second` orders from all `customers` together. `keyed`: the share with an idempotency key, which they
    repeat for every try and once more after the answer; the others order anew. `again_s` lies between tries.
    """

    port: int
    key: str
    customers: int
    per_second: float
    prompts: Sequence[str] = ("a lighthouse",)
    keyed: float = 1.0
    again_s: float = 0.15
    seed: int = 0


@dataclass(slots=True)
class Told:
    """What a customer was told of one order. `statuses` in the order they came; `tasks` without repetition."""

    idempotency_key: str | None
    statuses: list[int] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    no_retry_after: int = 0  # 503 without it


class Ordering:
    """A running crowd."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def finish(self) -> list[Told]:
        """No new orders; what became of all."""
        out, _ = self._process.communicate(timeout=PATIENCE_S + ANSWER_TIMEOUT_S)
        assert self._process.returncode == 0
        return [Told(**json.loads(line)) for line in out.splitlines()]


@contextmanager
def ordering(crowd: Crowd) -> Iterator[Ordering]:
    command = [sys.executable, __file__, json.dumps(asdict(crowd))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Ordering(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def statuses(told: Sequence[Told]) -> Counter[int]:
    return Counter(status for order in told for status in order.statuses)


# --- In the process of its own -------------------------------------------------------------------


def order_until(stop: threading.Event, crowd: Crowd, number: int, told: list[Told]) -> None:
    chance = random.Random(f"{crowd.seed}:{number}")
    pause_s = crowd.customers / crowd.per_second
    while not stop.wait(pause_s * chance.uniform(0.5, 1.5)):
        key = str(uuid.uuid4()) if chance.random() < crowd.keyed else None
        told.append(order(crowd, chance.choice(crowd.prompts), key))


def order(crowd: Crowd, prompt: str, idempotency_key: str | None) -> Told:
    told = Told(idempotency_key)
    deadline = time.monotonic() + PATIENCE_S
    for _ in range(2 if idempotency_key else 1):
        while (status := post(crowd, prompt, told)) in TRY_AGAIN and time.monotonic() < deadline:
            time.sleep(crowd.again_s)
        if status != 200:
            break
    return told


def post(crowd: Crowd, prompt: str, told: Told) -> int:
    headers = {"Authorization": f"Bearer {crowd.key}", "Content-Type": "application/json"}
    if told.idempotency_key:
        headers["Idempotency-Key"] = told.idempotency_key
    size = "1536*1536" if "noise" in prompt else "256*256"
    began, status, task = time.monotonic(), BROKEN, None
    connection = http.client.HTTPConnection("127.0.0.1", crowd.port, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("POST", "/api/generate", json.dumps({"prompt": prompt, "size": size}), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 200:
            task = json.loads(body)["data"]["task_id"]
        status = answer.status
        if status == 503 and not answer.getheader("Retry-After"):
            told.no_retry_after += 1
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    told.statuses.append(status)
    told.slowest_s = max(told.slowest_s, time.monotonic() - began)
    if task and task not in told.tasks:
        told.tasks.append(task)
    return status


def main(spec: str) -> None:
    crowd = Crowd(**json.loads(spec))
    told: list[Told] = []
    stop = threading.Event()
    threads = [
        threading.Thread(target=order_until, args=(stop, crowd, number, told))
        for number in range(crowd.customers)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    for order_told in told:
        print(json.dumps(asdict(order_told)))  # noqa: T201 - its answer


if __name__ == "__main__":
    main(sys.argv[1])
