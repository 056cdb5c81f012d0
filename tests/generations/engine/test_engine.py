"""The engine's promises, with a backend that draws gradients: what is batched, what is told, what ends how."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from PIL import Image

from generations.engine.core import Engine
from generations.engine.fake import FakeBackend
from generations.engine.jobs import Canceled, EngineLost, OutOfMemory, RenderError, RenderJob
from tests import scale
from tests.waiting import wait_until

SIZE = 256
BATCH_TOKENS = 4 * (SIZE // 16) ** 2  # four at once


@dataclass
class Running:
    """`closed`: lets nothing be taken before all jobs of a test wait."""

    backend: FakeBackend
    engine: Engine
    fatal: list[str] = field(default_factory=list)

    def submit(
        self,
        prompt: str = "a lighthouse",
        *,
        seed: int = 1,
        side: int = SIZE,
        on_step: Callable[[int], None] = lambda _percent: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> "Future[Image.Image]":
        return self.engine.submit(RenderJob(f"task{seed}", prompt, side, side, seed), on_step, cancelled)

    def occupied(self) -> "Future[Image.Image]":
        """The device is at work, so that what is submitted next waits."""
        job = self.submit("fake:hang")
        wait_until(lambda: self.backend.rendered, "the device to be at work")
        return job

    def batches(self) -> list[int]:
        """Sizes of all but the first, which kept the device at work."""
        return [len(batch) for batch in self.backend.rendered[1:]]


@pytest.fixture
def running() -> Iterator[Running]:
    yield from _run()


def _run(**options: float) -> Iterator[Running]:
    fatal: list[str] = []
    backend = FakeBackend()
    engine = Engine(
        backend, batch_tokens=BATCH_TOKENS, on_fatal=fatal.append, **{"window_s": 0.01, **options}
    )
    engine.warm_up([])
    yield Running(backend, engine, fatal)
    backend.release.set()
    engine.close(10)


def failure(job: "Future[Image.Image]") -> BaseException | None:
    return job.exception(timeout=10)


# --- Batches ------------------------------------------------------------------------------------


def test_compatible_jobs_that_wait_are_made_together(running: Running) -> None:
    running.occupied()
    jobs = [running.submit(seed=seed) for seed in range(8)]
    running.backend.release.set()
    assert [job.result(10).size for job in jobs] == [(SIZE, SIZE)] * 8
    assert running.batches() == [4, 4]


def test_jobs_that_come_within_the_window_are_made_together() -> None:
    for running in _run(window_s=0.5):
        jobs = [running.submit(seed=seed) for seed in range(3)]
        assert all(job.result(10) for job in jobs)
        assert [len(batch) for batch in running.backend.rendered] == [3]


@pytest.mark.parametrize(
    "other",
    [{"side": 272}, {"prompt": "a lighthouse " * 5}],
    ids=["another size", "another bucket of 32 tokens"],
)
def test_incompatible_jobs_are_never_mixed(running: Running, other: dict[str, object]) -> None:
    running.occupied()
    for seed in range(4):
        running.submit(seed=seed)
        running.submit(seed=seed, **other)  # type: ignore[arg-type] # as the parameters say
    running.backend.release.set()
    wait_until(lambda: sum(running.batches()) == 8, "all to be made")
    for batch in running.backend.rendered:
        keys = {job.key(running.backend.count_tokens(job.prompt)) for job in batch}
        assert len(keys) == 1
    assert running.batches() == [4, 4] or max(running.batches()) <= 4


def test_the_oldest_goes_first_whatever_has_more_company(running: Running) -> None:
    running.occupied()
    running.submit(side=512, seed=1)
    for seed in range(4):
        running.submit(seed=seed)
    running.backend.release.set()
    wait_until(lambda: sum(running.batches()) == 5, "all to be made")
    assert [batch[0].width for batch in running.backend.rendered[1:]] == [512, SIZE]


def test_large_images_are_made_alone(running: Running) -> None:
    running.occupied()
    jobs = [running.submit(side=1024, seed=seed) for seed in range(2)]
    running.backend.release.set()
    assert all(job.result(10) for job in jobs)
    assert running.batches() == [1, 1]


def test_one_thread_alone_touches_the_device(running: Running) -> None:
    count = scale.count(16, 64)
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda seed: running.submit(seed=seed).result(30), range(count)))
    assert len(made) == count
    assert len(running.backend.threads) == 1
    assert running.engine.health().images == count


# --- Progress -----------------------------------------------------------------------------------


def test_progress_only_rises_and_ends_at_100(running: Running) -> None:
    told: list[int] = []
    running.submit("fake:slow=0.8", on_step=told.append).result(10)
    assert told == sorted(set(told))
    assert told[-1] == 100
    assert len(told) >= 3


def test_progress_is_told_five_times_a_second_at_most(running: Running) -> None:
    told: list[int] = []
    running.submit("fake:slow=0.5", on_step=told.append).result(10)
    assert len(told) <= 4  # after 0.2 and 0.4 s, perhaps at the very end, and the end


# --- Canceling ----------------------------------------------------------------------------------


def test_a_job_canceled_while_it_waits_is_never_made(running: Running) -> None:
    running.occupied()
    stopped = threading.Event()
    stopped.set()
    job = running.submit(seed=9, cancelled=stopped.is_set)
    running.backend.release.set()
    assert isinstance(failure(job), Canceled)
    assert all(made.seed != 9 for batch in running.backend.rendered for made in batch)


def test_a_job_canceled_alone_breaks_off(running: Running) -> None:
    stopped = threading.Event()
    job = running.submit("fake:slow=20", cancelled=stopped.is_set)
    wait_until(lambda: running.backend.rendered, "it to begin")
    stopped.set()
    assert isinstance(failure(job), Canceled)
    assert running.submit().result(10).size == (SIZE, SIZE)


def test_a_job_canceled_inside_a_batch_leaves_the_others_alone(running: Running) -> None:
    running.occupied()
    stopped = threading.Event()
    prompts = [f"fake:slow=1 {number}" for number in range(3)]
    jobs = [running.submit(prompt, cancelled=stopped.is_set if prompt is prompts[1] else lambda: False)
            for prompt in prompts]  # fmt: skip
    running.backend.release.set()
    wait_until(lambda: running.batches() == [3], "the batch to begin")
    stopped.set()
    assert isinstance(failure(jobs[1]), Canceled)
    assert jobs[0].result(10)
    assert jobs[2].result(10)
    assert running.batches() == [3]


# --- Memory -------------------------------------------------------------------------------------


def test_a_batch_that_does_not_fit_is_halved_until_it_does(running: Running) -> None:
    running.occupied()
    jobs = [running.submit(f"fake:oom=3 {seed}", seed=seed) for seed in range(4)]
    running.backend.release.set()
    assert all(job.result(10) for job in jobs)
    assert running.batches() == [4, 2, 2]
    assert running.backend.freed == 1
    # It is known from now on.
    running.backend.release.clear()
    running.backend.rendered.clear()
    running.occupied()
    jobs = [running.submit(f"fake:oom=3 {seed}", seed=seed) for seed in range(4)]
    running.backend.release.set()
    assert all(job.result(10) for job in jobs)
    assert running.batches() == [2, 2]
    assert running.fatal == []


def test_an_image_that_does_not_fit_is_tried_once_with_tiling_and_is_then_refused(running: Running) -> None:
    assert isinstance(failure(running.submit("fake:oom=1")), OutOfMemory)
    assert running.backend.tiled == [False, True]
    assert running.submit().result(10)
    assert running.backend.tiled[-1] is False
    assert running.fatal == []


def test_three_such_images_within_ten_minutes_end_the_process(running: Running) -> None:
    for _ in range(2):
        assert isinstance(failure(running.submit("fake:oom=1")), OutOfMemory)
    assert running.engine.health().ready
    failure(running.submit("fake:oom=1"))
    wait_until(lambda: running.fatal, "the end")
    assert not running.engine.health().ready


# --- What cannot go on --------------------------------------------------------------------------


def test_a_failed_device_ends_the_process_and_all_that_wait_are_told(running: Running) -> None:
    running.occupied()
    jobs = [running.submit("fake:lost"), running.submit(side=512), running.submit(side=1024)]
    running.backend.release.set()
    assert [type(failure(job)) for job in jobs] == [EngineLost] * 3
    wait_until(lambda: running.fatal, "the end")
    assert running.fatal == ["the device failed: an illegal memory access was encountered"]
    assert isinstance(failure(running.submit()), EngineLost)


def test_a_hang_ends_the_process() -> None:
    for running in _run(hang_s=0.3):
        job = running.submit("fake:hang")
        assert isinstance(failure(job), EngineLost)
        fatal = running.fatal
        wait_until(lambda: fatal, "the end")  # noqa: B023 - before the loop goes on
        assert "no sign" in fatal[0]


def test_a_bug_ends_its_batch_and_not_the_engine(running: Running) -> None:
    found = failure(running.submit("fake:bug"))
    assert type(found) is RenderError
    assert "a bug" in str(found)
    assert running.submit().result(10)
    assert running.fatal == []


def test_a_prompt_that_would_be_cut_is_not_made(running: Running) -> None:
    assert "tokens" in str(failure(running.submit("x" * 500)))
    assert running.backend.rendered == []


def test_closing_makes_what_waits_and_takes_nothing_new(running: Running) -> None:
    running.occupied()
    waiting = running.submit(seed=2)
    closing = threading.Thread(target=running.engine.close)
    closing.start()
    wait_until(lambda: isinstance(_now(running.submit(seed=3)), EngineLost), "it to be closed")
    running.backend.release.set()
    assert waiting.result(10).size == (SIZE, SIZE)
    closing.join(10)
    assert not closing.is_alive()


def _now(job: "Future[Image.Image]") -> BaseException | None:
    return job.exception(timeout=0) if job.done() else None


def test_what_stands_in_the_way_of_loading_is_raised() -> None:
    class Broken(FakeBackend):
        def load(self) -> None:
            raise OSError("no such folder")

    with pytest.raises(OSError, match="no such folder"):
        Engine(Broken()).warm_up([])


def test_every_size_is_made_before_work_is_taken() -> None:
    backend = FakeBackend()
    engine = Engine(backend, batch_tokens=BATCH_TOKENS)
    engine.warm_up([(256, 256), (1024, 1024)])
    assert [(batch[0].width, len(batch)) for batch in backend.rendered] == [
        (256, 1),
        (256, 4),
        (1024, 1),
        (1024, 1),
    ]
    assert engine.health().ready
    assert engine.health().seconds_per_megapixel is not None
    engine.close(10)
