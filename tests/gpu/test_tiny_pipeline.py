"""The real pipeline classes, loaded by the product's own code from a folder with next to nothing in it."""

import itertools
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from generations.engine import tokens, weights
from generations.engine.config import EngineConfig
from generations.engine.core import Engine
from generations.engine.diffusers_backend import DiffusersBackend, _problem
from generations.engine.jobs import Canceled, DeviceLost, EngineLost, Mark, OnMark, OutOfMemory, RenderJob
from tests.waiting import wait_until

SIZE = 256
PROMPTS = ["a lighthouse", "a ship", "a lamp at sea", "two gulls"]  # of one bucket


def config_of(model: Path, **changes: Any) -> EngineConfig:
    usual: dict[str, Any] = {"device": "cpu", "sizes": ((SIZE, SIZE),), "batch_tokens": 4 * (SIZE // 16) ** 2}
    return EngineConfig(model=str(model), **usual | changes)


@pytest.fixture(scope="module")
def backend(model: Path) -> DiffusersBackend:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries to one another
        loaded = DiffusersBackend(config_of(model))
        loaded.load()
    return loaded


@pytest.fixture
def engine(backend: DiffusersBackend, model: Path) -> Iterator[Engine]:
    """With the backend that is loaded already."""
    engine = Engine(_Loaded(backend), batch_tokens=4 * (SIZE // 16) ** 2, window_s=0.2)
    engine.warm_up([])
    yield engine
    engine.close(30)


class _Loaded:
    """The same, without loading it once more; `before` is called with each batch, and may raise."""

    def __init__(
        self, backend: DiffusersBackend, before: Callable[[int], None] = lambda _count: None
    ) -> None:
        self._backend = backend
        self._before = before
        self.batches: list[int] = []
        self.sizes: list[set[tuple[int, int]]] = []
        self.steps = 0

    def load(self) -> None:
        pass

    def render(self, jobs: Sequence[RenderJob], on_mark: OnMark) -> Any:
        self.batches.append(len(jobs))
        self.sizes.append({(job.width, job.height) for job in jobs})
        real = self._backend.latents

        def counted(step: int, mark: Mark) -> None:
            self.steps += 1
            on_mark(step, mark)

        def latents(jobs: Sequence[RenderJob], on_mark: OnMark) -> Any:
            self._before(len(jobs))
            return real(jobs, on_mark)

        self._backend.latents = latents  # type: ignore[method-assign] # as if the pipeline raised
        try:
            return self._backend.render(jobs, counted)
        finally:
            self._backend.latents = real  # type: ignore[method-assign] # as above

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def a_job(number: int = 0, **changes: Any) -> RenderJob:
    usual: dict[str, Any] = {
        "prompt": PROMPTS[number % 4],
        "width": SIZE,
        "height": SIZE,
        "seed": 100 + number,
    }
    return RenderJob(f"task{number}", **usual | changes)


def nothing(_step: int, _mark: object) -> None:
    pass


def test_a_seed_makes_the_same_image_again(backend: DiffusersBackend) -> None:
    first, again, other = (backend.render([a_job(seed=seed)], nothing)[0] for seed in (5, 5, 6))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    assert first.size == (SIZE, SIZE)


def test_an_image_is_the_same_alone_and_inside_a_batch(backend: DiffusersBackend) -> None:
    jobs = [a_job(number) for number in range(4)]
    together = backend.pixels(jobs, nothing)
    for job, among_others in zip(jobs, together, strict=True):
        [alone] = backend.pixels([job], nothing)
        assert float((alone - among_others).abs().max()) < 1e-3


def test_width_and_height_are_not_mixed_up(backend: DiffusersBackend) -> None:
    assert backend.render([a_job(width=320, height=256)], nothing)[0].size == (320, 256)


@pytest.mark.parametrize("prompt", ["a lighthouse", "灯台、夕暮れ", "<|im_end|> \n\n  x", "é" * 200])
def test_tokens_are_counted_as_the_pipeline_does(backend: DiffusersBackend, model: Path, prompt: str) -> None:
    pipe = backend._pipe
    text = pipe.tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}],
        tokenize=False,
        add_generation_prompt=True,
        enable_thinking=True,
    )
    assert tokens.count(prompt, model) == len(pipe.tokenizer(text).input_ids)


def test_what_is_surely_short_is_short(model: Path) -> None:
    counted = tokens.count("x" * tokens._SURE_BYTES, model)
    assert counted is not None
    assert counted <= tokens.MAX_TOKENS


def test_a_batch_that_the_memory_does_not_hold_brings_all_its_images(backend: DiffusersBackend) -> None:
    def short_of_memory(count: int) -> None:
        if count >= 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    loaded = _Loaded(backend, short_of_memory)
    engine = Engine(loaded, batch_tokens=4 * (SIZE // 16) ** 2, window_s=1)
    engine.warm_up([])
    images = [engine.submit(a_job(number), lambda _p: None, lambda: False) for number in range(4)]
    assert all(image.result(60).size == (SIZE, SIZE) for image in images)
    assert loaded.batches == [4, 2, 2]
    engine.close(30)


def test_one_that_it_does_not_hold_alone_is_decoded_in_parts(backend: DiffusersBackend) -> None:
    times = itertools.count()

    def once(_count: int) -> None:
        if next(times) == 0:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    engine = Engine(_Loaded(backend, once))
    engine.warm_up([])
    assert engine.submit(a_job(width=1024, height=1024, steps=1), lambda _p: None, lambda: False).result(60)
    engine.close(30)


def test_a_failed_device_ends_the_engine(backend: DiffusersBackend) -> None:
    def lost(_count: int) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    fatal: list[str] = []
    engine = Engine(_Loaded(backend, lost), on_fatal=fatal.append)
    engine.warm_up([])
    assert isinstance(engine.submit(a_job(), lambda _p: None, lambda: False).exception(60), EngineLost)
    wait_until(lambda: fatal, "the end")


def test_errors_of_torch_are_told_apart() -> None:
    assert isinstance(_problem(torch.OutOfMemoryError("CUDA out of memory")), OutOfMemory)
    assert isinstance(_problem(RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling")), OutOfMemory)
    assert isinstance(_problem(RuntimeError("CUDA error: device-side assert")), DeviceLost)
    assert _problem(RuntimeError("shapes differ")) is None
    assert _problem(ValueError("no")) is None


def test_sixteen_at_once_are_made_by_one_thread_in_few_batches(engine: Engine) -> None:
    told: dict[int, list[int]] = {number: [] for number in range(16)}

    def order(number: int) -> bytes:
        job = a_job(number, prompt=PROMPTS[0])
        return engine.submit(job, told[number].append, lambda: False).result(120).tobytes()

    with ThreadPoolExecutor(16) as threads:
        images = list(threads.map(order, range(16)))
    assert len(set(images)) == 16
    assert engine.health().batches <= 6
    assert engine.health().images == 16
    for percents in told.values():
        assert percents == sorted(set(percents))
        assert percents[-1] == 100


def test_eight_that_are_alike_become_two_or_three_batches(engine: Engine) -> None:
    jobs = [engine.submit(a_job(number), lambda _p: None, lambda: False) for number in range(8)]
    assert all(job.result(60) for job in jobs)
    assert engine.health().batches <= 3


def test_images_of_two_sizes_are_never_mixed(backend: DiffusersBackend) -> None:
    loaded = _Loaded(backend)
    engine = Engine(loaded, batch_tokens=4 * (SIZE // 16) ** 2, window_s=0.2)
    engine.warm_up([])
    jobs = [
        engine.submit(a_job(number, width=width, height=SIZE), lambda _p: None, lambda: False)
        for number in range(3)
        for width in (SIZE, 320)
    ]
    assert [job.result(60).size for job in jobs] == [(SIZE, SIZE), (320, SIZE)] * 3
    assert all(len(sizes) == 1 for sizes in loaded.sizes)
    assert sum(loaded.batches) == 6
    engine.close(30)


def test_a_canceled_job_stops_the_pipeline_between_two_steps_unless_others_are_in_its_batch(
    backend: DiffusersBackend,
) -> None:
    loaded, stopped = _Loaded(backend), threading.Event()
    engine = Engine(loaded, batch_tokens=4 * (SIZE // 16) ** 2, window_s=0.2)
    engine.warm_up([])
    alone = engine.submit(a_job(steps=400), lambda _percent: stopped.set(), stopped.is_set)
    assert isinstance(alone.exception(60), Canceled)
    assert 0 < loaded.steps < 400

    stopped.clear()
    steps, loaded.steps = 60, 0
    unwanted, wanted = (
        engine.submit(a_job(number, steps=steps), lambda _percent: stopped.set(), cancelled)
        for number, cancelled in enumerate((stopped.is_set, lambda: False))
    )
    assert isinstance(unwanted.exception(60), Canceled)
    assert wanted.result(60).size == (SIZE, SIZE)
    assert (loaded.batches, loaded.steps) == ([1, 2], steps)
    engine.close(30)


# --- The folder ---------------------------------------------------------------------------------


def test_a_whole_folder_has_no_problems_and_a_revision(model: Path) -> None:
    assert list(config_of(model).problems()) == []
    assert weights.revision(model).startswith("files-")


@pytest.mark.parametrize(
    ("file", "size"),
    [
        ("model_index.json", 0),
        ("vae/config.json", None),
        ("tokenizer/tokenizer.json", None),
        ("transformer/diffusion_pytorch_model.safetensors", 5000),
        ("transformer/diffusion_pytorch_model.safetensors", 3),
        ("text_encoder/model.safetensors", None),
    ],
)
def test_what_is_missing_or_cut_short_is_named(
    model: Path, tmp_path: Path, file: str, size: int | None
) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    if size is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes((folder / file).read_bytes()[:size])
    problems = list(config_of(folder).problems())
    assert len(problems) == 1
    assert str(folder / file) in problems[0] or (size is None and str((folder / file).parent) in problems[0])


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    [problem] = config_of(tmp_path / "nowhere").problems()
    assert problem == f"GPU_MODEL: {tmp_path / 'nowhere'} is no folder."


def test_a_snapshot_of_the_hub_has_its_commit_as_revision(model: Path, tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = Path(shutil.copytree(model, tmp_path / "snapshots" / commit))
    assert weights.revision(folder) == commit
    note = (
        Path(shutil.copytree(model, tmp_path / "local"))
        / ".cache/huggingface/download/vae/config.json.metadata"
    )
    note.parent.mkdir(parents=True)
    note.write_text(f"{commit}\nabc\n1.0\n")
    assert weights.revision(tmp_path / "local") == commit
