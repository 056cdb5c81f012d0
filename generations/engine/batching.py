"""Jobs that wait for the one thread, and which of them it takes next: the oldest, and others of its key with it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from PIL import Image

from generations.engine.jobs import Canceled, Key, RenderJob


@dataclass(eq=False, slots=True)
class Entry:
    """A job with those who wait for it. `on_step` is told the percent done, never less than before."""

    job: RenderJob
    key: Key
    on_step: Callable[[int], None]
    cancelled: Callable[[], bool]
    future: "Future[Image.Image]" = field(default_factory=Future)
    arrived: float = field(default_factory=time.monotonic)
    _shown: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def show(self, percent: int) -> None:
        with self._lock:
            if percent > self._shown:
                self._shown = percent
                self.on_step(percent)

    def is_wanted(self) -> bool:
        """Who cancelled it is told at once, although the device may go on with others of its batch."""
        if not self.future.done() and self.cancelled():
            self.fail(Canceled())
        return not self.future.done()

    def bring(self, image: Image.Image) -> None:
        if self.is_wanted():
            self.show(100)
            self.future.set_result(image)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Batcher:
    """`window_s`: how long the first job waits for company; `batch_tokens`: of all images of a batch together."""

    def __init__(self, *, window_s: float, batch_tokens: int) -> None:
        self._window_s = window_s
        self._batch_tokens = batch_tokens
        self._waiting: list[Entry] = []
        self._limits: dict[Key, int] = {}
        self._changed = threading.Condition()
        self._closed = False

    def put(self, entry: Entry) -> bool:
        """False once it was closed."""
        with self._changed:
            if self._closed:
                return False
            self._waiting.append(entry)
            self._changed.notify_all()
            return True

    def take(self) -> list[Entry]:
        """The next batch, as soon as there is one; empty once it was closed and nothing is left."""
        with self._changed:
            while True:
                self._waiting = [entry for entry in self._waiting if entry.is_wanted()]
                if not self._waiting:
                    if self._closed:
                        return []
                    self._changed.wait()
                    continue
                first = self._waiting[0]
                batch = [entry for entry in self._waiting if entry.key == first.key][: self.most(first)]
                wait_s = first.arrived + self._window_s - time.monotonic()
                if wait_s <= 0 or len(batch) == self.most(first) or self._closed:
                    self._waiting = [entry for entry in self._waiting if entry not in batch]
                    return batch
                self._changed.wait(wait_s)

    def most(self, entry: Entry) -> int:
        """How many of its key are made at once."""
        usual = max(1, self._batch_tokens // entry.job.image_tokens)
        return min(usual, self._limits.get(entry.key, usual))

    def limit(self, key: Key, most: int) -> None:
        """More than that did not fit into the device's memory."""
        with self._changed:
            self._limits[key] = max(1, most)

    def megapixels(self) -> float:
        """Of all that wait."""
        with self._changed:
            return sum(entry.job.megapixels for entry in self._waiting)

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting)

    def close(self) -> list[Entry]:
        """Takes nothing new. What still waits, which is taken all the same unless the caller fails it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            return list(self._waiting)
