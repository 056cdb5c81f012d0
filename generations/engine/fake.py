"""A backend that draws gradients: for tests of all that surrounds a model. Prompts steer it: `fake:oom=4` (no memory
for so many at once), `fake:lost` (the device fails), `fake:hang`, `fake:bug`, `fake:slow=2` (seconds for all steps).
"""

import re
import threading
import time
from collections.abc import Sequence

from PIL import Image

from generations.engine.jobs import DeviceLost, OnMark, OutOfMemory, Passed, RenderJob

_STEERING = re.compile(r"fake:(oom|lost|hang|bug|slow)(?:=([0-9.]+))?")


class FakeBackend:
    """`rendered`: every batch so far, as it was asked for. `release` lets a hang go on."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.rendered: list[list[RenderJob]] = []
        self.threads: set[int] = set()
        self.tiled: list[bool] = []
        self.freed = 0
        self.loaded = False
        self.release = threading.Event()
        self._step_s = step_s
        self._tiling = False

    def load(self) -> None:
        self.loaded = True

    def render(self, jobs: Sequence[RenderJob], on_mark: OnMark) -> list[Image.Image]:
        self.threads.add(threading.get_ident())
        self.rendered.append(list(jobs))
        self.tiled.append(self._tiling)
        if len({(job.width, job.height, job.steps) for job in jobs}) != 1:
            raise ValueError("jobs of different shapes")
        words: dict[str, str] = {
            found[1]: found[2] or "" for job in jobs for found in _STEERING.finditer(job.prompt)
        }
        if "oom" in words and len(jobs) >= float(words["oom"] or 1):
            raise OutOfMemory(f"no memory for {len(jobs)}")
        if "lost" in words:
            raise DeviceLost("an illegal memory access was encountered")
        if "bug" in words:
            raise ValueError("a bug")
        if "hang" in words:
            self.release.wait()
        step_s = float(words["slow"] or 0) / jobs[0].steps if "slow" in words else self._step_s
        for step in range(jobs[0].steps):
            time.sleep(step_s)
            on_mark(step, Passed())
        return [_draw(job) for job in jobs]

    def set_tiling(self, on: bool) -> None:
        self._tiling = on

    def free(self) -> None:
        self.freed += 1

    def count_tokens(self, prompt: str) -> int:
        return len(prompt.encode()) + 19

    def facts(self) -> dict[str, str]:
        return {"model": "fake", "revision": "0", "backend": "fake"}

    def memory_bytes(self) -> tuple[int, int]:
        return 0, 0


def _draw(job: RenderJob) -> Image.Image:
    red, green, blue = job.seed % 251, job.seed // 251 % 251, len(job.prompt) % 251
    shade = Image.linear_gradient("L").resize((job.width, job.height))
    return Image.merge(
        "RGB", [shade.point(lambda value, add=add: (value + add) % 256) for add in (red, green, blue)]
    )
