"""What all formats have in common: orders as tasks, words that steer them, and webhooks."""

import asyncio
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.upstreams import images
from tests.upstreams.http1 import Asked, Reply, post

WORD = re.compile(r"(?<!\S)up:([a-z0-9_]+)(?:=(\S+))?")
MANNERS = ("hang", "drip", "endless", "drop")
NONSENSE = {
    "html": Reply(200, b"<!doctype html><title>502 Bad Gateway</title>", {"Content-Type": "text/html"}),
    "empty": Reply(200, b"", {"Content-Type": "application/json"}),
    "notjson": Reply(200, b'{"status": "COMPLETED", ', {"Content-Type": "application/json"}),
}
FOREIGN = "http://127.0.0.2:9"


def words_of(prompt: object) -> dict[str, str]:
    return dict(WORD.findall(prompt)) if isinstance(prompt, str) else {}


@dataclass(slots=True)
class Task:
    """One order. `ready_at` by the monotonic clock."""

    prompt: str
    width: int
    height: int
    seed: int
    output_format: str = "png"
    n: int = 1
    webhook: str = ""
    made_from: dict[str, Any] = field(default_factory=dict)
    task_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    made_at: float = field(default_factory=time.time)
    canceled: bool = False
    words: dict[str, str] = field(init=False)
    ready_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.words = words_of(self.prompt)
        seed, _, word = self.words.get("from", "").partition(":")
        if word and self.seed >= int(seed):
            name, _, value = word.partition("=")
            self.words[name] = value
        self.ready_at = time.monotonic() + self.late_s

    @property
    def late_s(self) -> float:
        return float(self.words.get("late", "0"))

    @property
    def is_ready(self) -> bool:
        return "stuck" not in self.words and time.monotonic() >= self.ready_at

    @property
    def created_at(self) -> str:
        return datetime.fromtimestamp(self.made_at, UTC).isoformat().replace("+00:00", "Z")


class Format:
    """To be subclassed: one wire format. `origin` is the stand-in's own address, known once it listens."""

    scheme = "Bearer"
    credential = "the-credential"
    webhook_secret = ""
    model = "z-image-turbo"
    origin = ""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.sent: list[dict[str, Any]] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def answer(self, asked: Asked) -> Reply:
        """What this format's server answers."""
        if asked.headers.get("authorization") != f"{self.scheme} {self.credential}":
            return Reply(401, self.error(401))
        return await self.route(asked)

    async def route(self, asked: Asked) -> Reply:
        """The same, to somebody who is known."""
        raise NotImplementedError

    def error(self, status: int) -> Any:
        """The body that comes with an HTTP status, as the real one has it."""
        raise NotImplementedError

    def signed(self, task: Task, *, forged: bool) -> tuple[dict[str, str], bytes]:
        """A webhook's headers and body."""
        raise NotImplementedError

    # --- Steering ---

    def fault(self, words: Mapping[str, str], step: str) -> Reply | None:
        """What a prompt asks for instead of an answer at this step."""
        if words.get("at", "submit") != step:
            return None
        for word, value in words.items():
            if word in MANNERS:
                return Reply(manner=word)
            if word in NONSENSE:
                return NONSENSE[word]
            if word.isdecimal():
                body = self.error(int(word))
                if "echo" in words:
                    body = {**body, "echo": f"the key {self.credential} is not ours"}
                return Reply(int(word), body, {"Retry-After": value} if value else {})
        return None

    # --- Tasks ---

    async def take(self, task: Task) -> None:
        """Remembers the order, and tells of it when it is ready."""
        self.tasks[task.task_id] = task
        mode = task.words.get("webhook", "")
        if not task.webhook or mode == "none":
            return
        if mode == "early":
            await self._tell(task, 0, mode)
            return
        telling = asyncio.create_task(self._tell(task, task.late_s + 0.02, mode))
        self._sending.add(telling)
        telling.add_done_callback(self._sending.discard)

    async def _tell(self, task: Task, wait_s: float, mode: str) -> None:
        await asyncio.sleep(wait_s)
        headers, body = self.signed(task, forged=mode == "forged")
        for _ in range(2 if mode == "twice" else 1):
            status = await post(task.webhook, headers, body)
            self.sent.append({"task_id": task.task_id, "url": task.webhook, "status": status})

    # --- Images ---

    def image_urls(self, task: Task) -> list[str]:
        if "inside" in task.words:
            return [task.words["inside"]] * task.n
        return [
            f"{self.origin}/results/{task.task_id}/{index}.{task.output_format}" for index in range(task.n)
        ]

    def image(self, asked: Asked) -> Reply:
        """The answer to `GET /results/…`: no credential is asked for, as with the real ones."""
        task_id, _, rest = asked.path.removeprefix("/results/").partition("/")
        task = self.tasks.get(task_id)
        index = rest.partition(".")[0]
        if task is None or not index.isdecimal():
            return Reply(404, b"gone")
        if fault := self.fault(task.words, "image"):
            return fault
        if "redirect" in task.words:
            return Reply(302, b"", {"Location": task.words["redirect"]})
        if "huge" in task.words:
            return Reply(200, images.huge(), {"Content-Type": "image/png"})
        is_usable = int(index) >= int(task.words.get("unusable", "0"))
        wrong = task.words.get("wrongtype", None if is_usable else "text")
        if wrong is not None:
            body, content_type = images.NOT_IMAGES[wrong or "html"]
            return Reply(200, body, {"Content-Type": content_type})
        body = self.image_bytes(task, int(index))
        return Reply(200, body, {"Content-Type": images.CONTENT_TYPES[task.output_format]})

    def image_bytes(self, task: Task, index: int) -> bytes:
        return images.picture(task.width, task.height, task.output_format, task.seed + index)


def is_whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
