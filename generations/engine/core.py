"""The engine: one thread that talks to the device, and one beside it that tells how far that is and whether it lives.

Rules of its own (docs/gpu.md): nobody else touches the pipeline; a batch that does not fit is halved, down to one image
with tiling; what still does not fit is BUSY for its order; a device that errs or hangs ends the process.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from PIL import Image

from generations.engine.batching import Batcher, Entry
from generations.engine.jobs import (
    Backend,
    Canceled,
    DeviceLost,
    EngineLost,
    Mark,
    OutOfMemory,
    RenderError,
    RenderJob,
)
from generations.engine.tokens import MAX_TOKENS

logger = logging.getLogger(__name__)

PUBLISH_S: Final = 0.2  # progress, at most so often
STEPS_PERCENT: Final = 95  # the rest is decoding
SHORTAGES: Final = 3  # of single images, within SHORTAGE_WINDOW_S: something is wrong with this process
SHORTAGE_WINDOW_S: Final = 600.0
_SMOOTHING: Final = 0.2


@dataclass(frozen=True, slots=True)
class Health:
    """`problem`: why it has stopped for good, "" while it works. `seconds_per_megapixel` None: nothing was measured."""

    ready: bool
    problem: str
    waiting: int
    waiting_megapixels: float
    seconds_per_megapixel: float | None
    batches: int
    images: int
    shortages: int


class Engine:
    """`on_fatal` is called once, with the reason, after all that wait have been told: the process should end.

    `hang_s`: how long the device may give no sign during a batch.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        window_s: float = 0.02,
        batch_tokens: int = 4096,
        hang_s: float = 120.0,
        on_fatal: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self.backend = backend
        self._batcher = Batcher(window_s=window_s, batch_tokens=batch_tokens)
        self._hang_s = hang_s
        self.on_fatal = on_fatal
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._problem = ""
        self._failure: Exception | None = None
        self._current: list[Entry] = []
        self._marks: deque[tuple[int, Mark]] = deque()
        self._sign_at: float | None = None  # monotonic; None while nothing is asked of the device
        self._shortages: deque[float] = deque()
        self._last_measured: float | None = None
        self._seconds_per_megapixel: float | None = None
        self._batches = self._images = 0
        self._thread = threading.Thread(target=self._run, name="gpu", daemon=True)
        self._ticker = threading.Thread(target=self._tick_forever, name="gpu-progress", daemon=True)
        self._warm: list[RenderJob] = []

    # --- From any thread ------------------------------------------------------------------------

    def warm_up(self, sizes: Iterable[tuple[int, int]], *, steps: int = 8) -> None:
        """Loads the model and makes one batch of each size, all in the engine's thread; returns once it is ready.
        Raises what stood in the way.
        """
        self._warm = [
            RenderJob(f"warm-up {width}x{height}", "a lighthouse", width, height, 1, steps)
            for width, height in sizes
        ]
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        self._ticker.start()

    def submit(
        self, job: RenderJob, on_step: Callable[[int], None], cancelled: Callable[[], bool]
    ) -> "Future[Image.Image]":
        """The image, or one of RenderError. `on_step` hears the percent done at most every PUBLISH_S, and 100 at the
        end; neither it nor `cancelled` may wait for anything.
        """
        counted = self.backend.count_tokens(job.prompt)
        entry = Entry(job, job.key(counted), on_step, cancelled)
        if counted > MAX_TOKENS:  # the model would read its beginning alone; orders are refused for it before
            entry.fail(RenderError(f"a prompt of {counted} tokens"))
        elif self._problem or not self._batcher.put(entry):
            entry.fail(EngineLost(self._problem or "the engine is closed"))
        return entry.future

    def health(self) -> Health:
        with self._lock:
            return Health(
                ready=self._ready.is_set() and not self._problem and self._failure is None,
                problem=self._problem,
                waiting=len(self._batcher) + len(self._current),
                waiting_megapixels=self._batcher.megapixels()
                + sum(entry.job.megapixels for entry in self._current),
                seconds_per_megapixel=self._seconds_per_megapixel,
                batches=self._batches,
                images=self._images,
                shortages=len(self._shortages),
            )

    def close(self, timeout_s: float | None = None) -> None:
        """Takes nothing new; returns once all that waits is made."""
        self._batcher.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._ended.set()

    # --- The one thread -------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self.backend.load()
            for job in self._warm:
                self._warm_one(job)
        except Exception as error:  # noqa: BLE001 - whoever waits in warm_up() hears of it
            self._failure = error
            return
        finally:
            self._ready.set()
        while not self._problem and (batch := self._batcher.take()):
            self._sign_at = time.monotonic()
            try:
                self._render(batch)
            finally:
                self._sign_at = None
                self._current = []
        self._ended.set()

    def _warm_one(self, job: RenderJob) -> None:
        """One alone, then as many as a batch takes, unless that is one."""
        key = job.key(self.backend.count_tokens(job.prompt))
        entry = Entry(job, key, lambda _percent: None, lambda: False)
        for count in (1, self._batcher.most(entry)):
            begun = time.monotonic()
            fits = True
            try:
                self.backend.render([job] * count, lambda _step, _mark: None)
            except OutOfMemory:
                fits = False
            if fits:
                self._measure(count * job.megapixels, time.monotonic() - begun)
            elif count > 1:
                logger.warning("%s: %d at once do not fit into the memory, so one is", job.task_id, count)
                self.backend.free()
                self._batcher.limit(key, 1)
            else:
                # Orders of this size will be tried with tiling; the others need not wait for that.
                logger.warning("%s: does not fit into the memory", job.task_id)
                self.backend.free()
        # The first one of a size also compiled and allocated: what was measured last counts.
        self._seconds_per_megapixel = self._last_measured

    def _render(self, entries: Sequence[Entry]) -> None:
        wanted = [entry for entry in entries if entry.is_wanted()]
        if not wanted or self._problem:
            return
        made = self._try(wanted)
        if isinstance(made, list):
            for entry, image in zip(wanted, made, strict=True):
                entry.bring(image)
        elif isinstance(made, OutOfMemory):
            self._with_less_memory(wanted, made)
        elif isinstance(made, DeviceLost):
            self._die(f"the device failed: {made}")
        else:
            for entry in wanted:
                entry.fail(made)

    def _try(self, entries: list[Entry]) -> list[Image.Image] | Exception:
        """What went wrong is returned, not raised: a traceback would keep the tensors that are to be freed."""
        self._current = entries
        self._marks.clear()
        begun = time.monotonic()
        problem: Exception
        try:
            made = self.backend.render([entry.job for entry in entries], self._mark)
        except OutOfMemory as error:
            problem = OutOfMemory(str(error))
        except DeviceLost as error:
            problem = DeviceLost(str(error))
        except Canceled:
            problem = Canceled()
        except Exception as error:  # a bug, ours or a library's: it must end these jobs and not the engine
            logger.exception("A batch of %d could not be made", len(entries))
            problem = RenderError(f"{type(error).__name__}: {error}"[:300])
        else:
            self._measure(sum(entry.job.megapixels for entry in entries), time.monotonic() - begun)
            self._batches += 1
            self._images += len(entries)
            return made
        return problem

    def _mark(self, step: int, mark: Mark) -> None:
        """After each step that was given to the device."""
        self._sign_at = time.monotonic()
        self._marks.append((step, mark))
        wanted = [entry for entry in self._current if entry.is_wanted()]  # each of the others is told
        if not wanted:
            raise Canceled

    def _with_less_memory(self, entries: list[Entry], error: OutOfMemory) -> None:
        self.backend.free()
        if len(entries) > 1:
            half = len(entries) // 2
            logger.warning("%d images at once do not fit into the memory, so %d are made", len(entries), half)
            self._batcher.limit(entries[0].key, half)
            self._render(entries[:half])
            self._render(entries[half:])
            return
        [entry] = entries
        self.backend.set_tiling(True)
        made = self._try(entries)
        self.backend.set_tiling(False)
        if isinstance(made, list):
            entry.bring(made[0])
        elif isinstance(made, OutOfMemory):
            self.backend.free()
            entry.fail(OutOfMemory(str(error)))
            self._note_shortage()
        elif isinstance(made, DeviceLost):
            self._die(f"the device failed: {made}")
        else:
            entry.fail(made)

    def _note_shortage(self) -> None:
        now = time.monotonic()
        self._shortages.append(now)
        while self._shortages and now - self._shortages[0] > SHORTAGE_WINDOW_S:
            self._shortages.popleft()
        if len(self._shortages) >= SHORTAGES:
            self._die(f"{SHORTAGES} images did not fit into the memory within {SHORTAGE_WINDOW_S:g} s")

    def _measure(self, megapixels: float, seconds: float) -> None:
        measured, known = seconds / megapixels, self._seconds_per_megapixel
        self._last_measured = measured
        self._seconds_per_megapixel = measured if known is None else known + _SMOOTHING * (measured - known)

    def _die(self, reason: str) -> None:
        with self._lock:
            if self._problem:
                return
            self._problem = reason
        logger.error("The engine stops: %s", reason)
        for entry in (*self._current, *self._batcher.close()):
            entry.fail(EngineLost(reason))
        self._ended.set()
        self.on_fatal(reason)

    # --- Beside it ------------------------------------------------------------------------------

    def _tick_forever(self) -> None:
        while not self._ended.wait(PUBLISH_S):
            self._tick()

    def _tick(self) -> None:
        step = None
        while self._marks and self._marks[0][1].query():
            step = self._marks.popleft()[0]
        for entry in list(self._current):
            if step is not None and not entry.future.done():
                entry.show(STEPS_PERCENT * (step + 1) // entry.job.steps)
        sign_at = self._sign_at
        if sign_at is not None and time.monotonic() - sign_at > self._hang_s:
            self._die(f"the device gave no sign for {self._hang_s:g} s")
