"""`python -m benchmarks.gpu`: what one GPU does with Z-Image-Turbo, against what its arithmetic allows.

Weights are random at full size (normal, 0.02: never zeros), so nothing is downloaded: they measure speed and memory,
not looks. Parts: `stages`, `sizes`, `attention`, `compile`, `prompts`, `naive`; each takes less than ten minutes, which
`--budget-s` holds. `--tiny --device cpu` runs all of it within a minute on any machine, and its figures mean nothing.
`--write` puts the table into docs/performance.md.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import gpu_page, gpu_roofline

PARTS = ("stages", "sizes", "attention", "compile", "prompts", "naive")
SIZES = ((512, 512), (1280, 720), (1024, 1024), (1536, 1536))
TINY_SIZES = ((256, 256), (320, 256))
ATTENTION = ("native", "_native_flash", "_native_cudnn")
PROMPTS = {"12 words": 12, "100 words": 100, "300 words": 300}
ROUNDS = 3
GIB = 1024**3


@dataclass
class Bench:
    """`rows`: what was measured so far; nothing new is begun after `end_at` (monotonic)."""

    config: Any
    pipe: Any
    tiny: bool
    tflops: float
    end_at: float
    rows: list[gpu_page.Row]

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        return TINY_SIZES if self.tiny else SIZES

    def backend(self, **changes: Any) -> Any:
        from generations.engine.diffusers_backend import DiffusersBackend

        backend = DiffusersBackend(replace(self.config, **changes))
        backend.adopt(self.pipe)
        return backend

    def measure(
        self, part: str, what: str, size: tuple[int, int], batch: int, run: Callable[[], object]
    ) -> None:
        """Medians of ROUNDS, after one that counts for nothing; what cannot be run is a row as well."""
        import torch

        if time.monotonic() > self.end_at:
            self.rows.append(gpu_page.Row(part, what, size, batch, problem="no time left"))
            return
        is_cuda = self.config.device.startswith("cuda")
        try:
            run()
            if is_cuda:
                torch.cuda.reset_peak_memory_stats()
            taken = []
            for _ in range(1 if self.tiny else ROUNDS):
                begun = _now(is_cuda)
                run()
                taken.append(_now(is_cuda) - begun)
        except Exception as error:  # noqa: BLE001 - a backend that is not there, memory that is too small
            self.rows.append(gpu_page.Row(part, what, size, batch, problem=_in_words(error)))
            return
        peak_gib = torch.cuda.max_memory_allocated() / GIB if is_cuda else 0.0
        seconds = statistics.median(taken)
        floor_s = None if self.tiny else gpu_roofline.image_s(*size, tflops=self.tflops) * batch
        self.rows.append(gpu_page.Row(part, what, size, batch, seconds, peak_gib, floor_s))


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0][:120]


def _now(is_cuda: bool) -> float:
    import torch

    if is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter()


# --- The parts ----------------------------------------------------------------------------------


def stages(bench: Bench) -> None:
    backend = bench.backend()
    for size in bench.sizes:
        try:
            backend.timed(_job(size))
            taken = backend.timed(_job(size))
        except Exception as error:  # noqa: BLE001 - memory that is too small for this size
            bench.rows.append(gpu_page.Row("stages", "all", size, 1, problem=_in_words(error)))
            continue
        bench.rows += [gpu_page.Row("stages", stage, size, 1, seconds) for stage, seconds in taken.items()]


def sizes(bench: Bench) -> None:
    backend = bench.backend()
    for size in bench.sizes:
        for batch in (1, 2, 4):
            bench.measure("sizes", "end to end", size, batch, lambda s=size, b=batch: _render(backend, s, b))  # type: ignore[misc]


def attention(bench: Bench) -> None:
    for name in ATTENTION[:1] if bench.tiny else ATTENTION:
        try:
            backend = bench.backend(attention=name)
        except Exception as error:  # noqa: BLE001 - a backend that this torch or device lacks
            bench.rows.append(gpu_page.Row("attention", name, bench.sizes[-1], 1, problem=str(error)[:120]))
            continue
        for size in bench.sizes:
            bench.measure("attention", name, size, 1, lambda s=size, b=backend: _render(b, s, 1))  # type: ignore[misc]
    bench.backend(attention="native")


def compile_(bench: Bench) -> None:
    """Last among the parts of one process: what is compiled stays so."""
    for how in ("vae", "all"):
        try:
            backend = bench.backend(compile=how)
        except Exception as error:  # noqa: BLE001 - as for attention
            bench.rows.append(gpu_page.Row("compile", how, bench.sizes[0], 1, problem=str(error)[:120]))
            continue
        for size in bench.sizes[:2]:
            bench.measure("compile", how, size, 1, lambda s=size, b=backend: _render(b, s, 1))  # type: ignore[misc]


def prompts(bench: Bench) -> None:
    backend = bench.backend()
    size = bench.sizes[0]
    for name, words in PROMPTS.items():
        job = replace(_job(size), prompt="lamp " * words)
        bench.measure("prompts", name, size, 1, lambda j=job: backend.render([j], _nothing))  # type: ignore[misc]


def naive(bench: Bench) -> None:
    """As the model's page has it: one call of the pipeline, decoded and turned into a picture by diffusers."""
    import torch

    bench.backend()
    for size in bench.sizes:

        def call(size: tuple[int, int] = size) -> None:
            bench.pipe(
                prompt="a lighthouse at dusk",
                width=size[0],
                height=size[1],
                num_inference_steps=8,
                guidance_scale=0.0,
                generator=torch.Generator("cpu").manual_seed(1),
            )

        bench.measure("naive", "one call of diffusers", size, 1, call)


def _job(size: tuple[int, int], seed: int = 1) -> Any:
    from generations.engine.jobs import RenderJob

    return RenderJob("bench", "a lighthouse at dusk, oil painting", *size, seed)


def _render(backend: Any, size: tuple[int, int], batch: int) -> None:
    backend.render([_job(size, seed) for seed in range(batch)], _nothing)


def _nothing(_step: int, _mark: object) -> None:
    pass


RUN = {
    "stages": stages,
    "sizes": sizes,
    "attention": attention,
    "prompts": prompts,
    "naive": naive,
    "compile": compile_,
}


# --- The whole ----------------------------------------------------------------------------------


def main(arguments: list[str]) -> Iterator[str]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all when absent")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a model of 2 MB: whether this file runs")
    parser.add_argument(
        "--tflops", type=float, default=790.0, help="what the card was measured to do in bf16"
    )
    parser.add_argument("--budget-s", type=float, default=540.0, help="for each part")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from benchmarks import gpu_model
    from generations.engine.config import EngineConfig

    with TemporaryDirectory() as folder:
        pipe = gpu_model.build(Path(folder), tiny=options.tiny, device=options.device)
        config = EngineConfig(model=folder, device=options.device)
        bench = Bench(config, pipe, options.tiny, options.tflops, 0.0, [])
        for part in (name for name in RUN if not options.parts or name in options.parts):
            bench.end_at = time.monotonic() + options.budget_s
            seen = len(bench.rows)
            RUN[part](bench)
            for row in bench.rows[seen:]:
                yield row.as_text()
    if options.write:
        gpu_page.write(bench.rows, gpu_model.facts(options.device), tiny=options.tiny)
        yield f"{gpu_page.PAGE} is written"


if __name__ == "__main__":
    for line in main(sys.argv[1:]):
        print(line, flush=True)  # noqa: T201 - its result
