"""Z-Image-Turbo by diffusers, on one CUDA device (or, for tests, on the processor)."""

import gc
import logging
import platform
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy
import torch
from diffusers import ZImagePipeline
from diffusers.utils import logging as diffusers_logging
from PIL import Image
from transformers.utils import logging as transformers_logging

from generations.engine import tokens, weights
from generations.engine.config import EngineConfig
from generations.engine.jobs import (
    DeviceLost,
    Mark,
    OnMark,
    OutOfMemory,
    Passed,
    RenderError,
    RenderJob,
)

logger = logging.getLogger(__name__)

LIBRARIES = ("torch", "diffusers", "transformers", "safetensors")
GIB = 1024**3
TILE_PIXELS, TILE_LATENTS = 512, 64  # the usual ones begin above the size that most orders have
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
_NO_MEMORY = ("out of memory", "can't allocate memory", "alloc_failed")


class DiffusersBackend:
    """Of `config.model`, loaded without a network."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._folder = Path(config.model)
        self._is_cuda = config.device.startswith("cuda")
        self._dtype = config.dtype or ("bfloat16" if self._is_cuda else "float32")
        self._pipe: Any = None
        self._facts: dict[str, str] = {}

    # --- Loading --------------------------------------------------------------------------------

    def load(self) -> None:
        config = self._config
        for line in describe_device(config):
            logger.info(line)
        for library in (diffusers_logging, transformers_logging):
            library.disable_progress_bar()
        pipe = ZImagePipeline.from_pretrained(self._folder, dtype=_DTYPES[self._dtype], local_files_only=True)
        self.adopt(pipe)
        self._facts = {
            "model": "Z-Image-Turbo",
            "revision": weights.revision(self._folder),
            "backend": "diffusers",
            "device": torch.cuda.get_device_name(config.device_number)
            if self._is_cuda
            else platform.machine(),
            "dtype": self._dtype,
            "attention": config.attention or "native",
            "compile": config.compile,
            **{name: version(name) for name in LIBRARIES},
        }

    def adopt(self, pipe: Any) -> None:
        """Sets it up as configured; also for benchmarks, whose pipelines come from no folder."""
        config = self._config
        if self._is_cuda:
            torch.cuda.set_device(config.device_number)  # of this thread: events are recorded on it
        if config.offload:
            pipe.enable_model_cpu_offload(device=config.device)
        else:
            pipe.to(config.device)
        pipe.set_progress_bar_config(disable=True)
        if config.attention:
            pipe.transformer.set_attention_backend(config.attention)
        if config.compile in ("vae", "all"):
            pipe.vae.decoder.compile()
        if config.compile == "all":
            pipe.transformer.compile_repeated_blocks()
        self._pipe = pipe
        self.set_tiling(False)

    # --- Rendering ------------------------------------------------------------------------------

    def render(self, jobs: Sequence[RenderJob], on_mark: OnMark) -> list[Image.Image]:
        return [_picture(pixels) for pixels in self.pixels(jobs, on_mark)]

    def pixels(self, jobs: Sequence[RenderJob], on_mark: OnMark) -> list[torch.Tensor]:
        """Each image as 3 x height x width from 0 to 1, on the device."""
        try:
            return self._decoded(self.latents(jobs, on_mark))
        except RenderError:
            raise
        except Exception as error:
            problem = _problem(error)
            if problem is None:
                raise
            raise problem from None  # its traceback would keep tensors

    def latents(self, jobs: Sequence[RenderJob], on_mark: OnMark) -> torch.Tensor:
        """What the denoiser made of them, before decoding."""
        first = jobs[0]

        def after_step(_pipe: object, step: int, _time: object, tensors: dict[str, Any]) -> dict[str, Any]:
            on_mark(step, self._mark())
            return tensors

        latents: torch.Tensor = self._pipe(
            prompt=[job.prompt for job in jobs],  # a list of its own: the pipeline changes it
            width=first.width,
            height=first.height,
            num_inference_steps=first.steps,
            guidance_scale=0.0,
            # One each, else an image depends on its place in the batch; on the processor, so that a seed is the same
            # noise on every device.
            generator=[torch.Generator("cpu").manual_seed(job.seed) for job in jobs],
            max_sequence_length=tokens.MAX_TOKENS,
            callback_on_step_end=after_step,
            output_type="latent",
            return_dict=False,
        )[0]
        return latents

    def _decoded(self, latents: torch.Tensor) -> list[torch.Tensor]:
        with torch.no_grad():
            return self._decode(latents)

    def _decode(self, latents: torch.Tensor) -> list[torch.Tensor]:
        vae = self._pipe.vae
        scaled = latents.to(vae.dtype) / vae.config.scaling_factor + vae.config.shift_factor
        # One by one: decoding takes more memory than all steps before, and is as fast.
        found = [vae.decode(scaled[i : i + 1], return_dict=False)[0][0] for i in range(len(scaled))]
        self._pipe.maybe_free_model_hooks()
        images = [(image.float() / 2 + 0.5).clamp(0, 1) for image in found]
        if not all(bool(torch.isfinite(image).all()) for image in images):
            raise RenderError("the model's output is no number: the precision is too low for it")
        return images

    def _mark(self) -> Mark:
        if not self._is_cuda:
            return Passed()
        event = torch.cuda.Event()
        event.record()
        mark: Mark = event
        return mark

    # --- Memory ---------------------------------------------------------------------------------

    def set_tiling(self, on: bool) -> None:
        vae = self._pipe.vae
        if on or self._config.tiling:
            vae.enable_tiling()
            vae.tile_sample_min_size, vae.tile_latent_min_size = TILE_PIXELS, TILE_LATENTS
        else:
            vae.disable_tiling()

    def free(self) -> None:
        gc.collect()
        if self._is_cuda:
            torch.cuda.empty_cache()

    def memory_bytes(self) -> tuple[int, int]:
        if not self._is_cuda:
            return 0, 0
        device = self._config.device_number
        return torch.cuda.max_memory_allocated(device), torch.cuda.get_device_properties(device).total_memory

    # --- Words ----------------------------------------------------------------------------------

    def count_tokens(self, prompt: str) -> int:
        counted = tokens.count(prompt, self._folder)
        if counted is None:  # a folder with the older files alone
            text = self._pipe.tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}],
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=True,
            )
            counted = len(self._pipe.tokenizer(text).input_ids)
        return counted

    def facts(self) -> dict[str, str]:
        return dict(self._facts)

    # --- Measuring ------------------------------------------------------------------------------

    def timed(self, job: RenderJob, count: int = 1) -> dict[str, float]:
        """Seconds of each stage of `count` such images made at once; the device is waited for in between."""
        found: dict[str, float] = {}
        jobs = [job] * count
        with torch.no_grad():
            begun = self._now()
            self._pipe.encode_prompt(
                [job.prompt for job in jobs], self._config.device, do_classifier_free_guidance=False
            )
            found["text encoder"] = self._now() - begun
            begun = self._now()
            latents = self.latents(jobs, lambda _step, _mark: None)
            found["denoising"] = max(0.0, self._now() - begun - found["text encoder"])
            begun = self._now()
            images = self._decoded(latents)
            found["decoding"] = self._now() - begun
            begun = self._now()
            for pixels in images:
                _picture(pixels)
            found["to the processor"] = self._now() - begun
        return found

    def _now(self) -> float:
        if self._is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()


def _picture(pixels: torch.Tensor) -> Image.Image:
    return Image.fromarray(numpy.asarray((pixels * 255).round().to(torch.uint8).permute(1, 2, 0).cpu()))


def describe_device(config: EngineConfig) -> Iterator[str]:
    """Lines for people. Raises RuntimeError when the device is not there."""
    if not config.device.startswith("cuda"):
        yield f"device: the processor ({platform.machine()}), which is for tests: an image takes many minutes"
        return
    if not torch.cuda.is_available():
        raise RuntimeError(
            "GPU_DEVICE: torch finds no CUDA device. Look at nvidia-smi; torch has to be a build for CUDA"
            f" (this is {torch.__version__})."
        )
    if config.device_number >= torch.cuda.device_count():
        raise RuntimeError(f"GPU_DEVICE={config.device}: there are only {torch.cuda.device_count()} devices.")
    properties = torch.cuda.get_device_properties(config.device_number)
    free, total = torch.cuda.mem_get_info(config.device_number)
    yield f"device: {properties.name}, {total / GIB:.1f} GiB, of which {free / GIB:.1f} GiB are free"
    needed = 1.15 * weights.size_bytes(Path(config.model))
    if free < needed and not config.offload:
        yield f"memory: the weights alone take {needed / GIB:.1f} GiB: set GPU_OFFLOAD=1, or free the card"


def _problem(error: Exception) -> RenderError | None:
    """What an error of torch means to us; None: it is no device's."""
    text = str(error).partition("\n")[0][:300]
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return OutOfMemory(text)
    if isinstance(error, RuntimeError):
        if any(words in str(error).lower() for words in _NO_MEMORY):
            return OutOfMemory(text)
        if isinstance(error, getattr(torch, "AcceleratorError", ())) or "CUDA error" in str(error):
            return DeviceLost(text)
    return None
