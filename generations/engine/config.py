"""How an engine is set up, and what is missing for it: said at boot and by `manage.py gpu_check`. No torch here."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from generations.engine import weights

EXTRA = ("torch", "diffusers", "transformers", "accelerate", "safetensors")
FAKE, DIFFUSERS = "fake", "diffusers"


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """`model`: the folder. `dtype` "": bfloat16 on a GPU, float32 elsewhere. `sizes` are made ready before work is
    taken.
    """

    backend: str = DIFFUSERS
    model: str = ""
    device: str = "cuda"
    dtype: str = ""
    sizes: tuple[tuple[int, int], ...] = ((1024, 1024),)
    steps: int = 8
    batch_tokens: int = 4096
    window_s: float = 0.02
    hang_s: float = 120.0
    attention: str = ""
    compile: str = "none"
    offload: bool = False
    tiling: bool = False

    @classmethod
    def from_settings(cls) -> "EngineConfig":
        return cls(
            backend=settings.GPU_BACKEND,
            model=settings.GPU_MODEL,
            device=settings.GPU_DEVICE,
            dtype=settings.GPU_DTYPE,
            sizes=tuple(settings.GPU_SIZES),
            steps=settings.GPU_STEPS,
            batch_tokens=settings.GPU_BATCH_TOKENS,
            window_s=settings.GPU_BATCH_WINDOW_S,
            hang_s=settings.GPU_HANG_S,
            attention=settings.GPU_ATTENTION,
            compile=settings.GPU_COMPILE,
            offload=settings.GPU_OFFLOAD,
            tiling=settings.GPU_TILING,
        )

    @property
    def device_number(self) -> int:
        """Of a CUDA device."""
        return int(self.device.partition(":")[2] or 0)

    def problems(self) -> Iterator[str]:
        """What is missing, with the cure; nothing: the model can be loaded. Looks at no device."""
        if self.backend == FAKE:
            return
        missing = [name for name in EXTRA if find_spec(name) is None]
        if missing:
            yield f"{', '.join(missing)}: not installed. Run make gpu-setup."
        if not self.model:
            yield "GPU_MODEL: name the folder with the model (docs/gpu.md says how to get it)."
        else:
            for problem in weights.problems(Path(self.model)):
                yield f"GPU_MODEL: {problem}."
