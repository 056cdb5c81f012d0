"""Settings of the local GPU (docs/gpu.md): read with all others, and checked as far as no torch is needed for that."""

import re

from django.core.exceptions import ImproperlyConfigured

from config import env

__all__ = [
    "C2PA_ALGORITHM",
    "C2PA_CERTIFICATE",
    "C2PA_KEY",
    "C2PA_TIMESTAMPS",
    "GPU_ATTENTION",
    "GPU_BACKEND",
    "GPU_BATCH_TOKENS",
    "GPU_BATCH_WINDOW_S",
    "GPU_COMPILE",
    "GPU_DEVICE",
    "GPU_DTYPE",
    "GPU_HANG_S",
    "GPU_MAX_WAIT_S",
    "GPU_MODEL",
    "GPU_OFFLOAD",
    "GPU_SIZES",
    "GPU_STEPS",
    "GPU_THREADS",
    "GPU_TILING",
    "GPU_WORKER",
    "GPU_WORKERS",
    "IMAGE_CLASSIFIER",
]

_SIZE = re.compile(r"([1-9][0-9]{2,3})[x*]([1-9][0-9]{2,3})")
_DEVICE = re.compile(r"cuda(:[0-9]{1,2})?|cpu")


def _sizes(text: str) -> list[tuple[int, int]]:
    found = []
    for part in (part.strip() for part in text.split(",") if part.strip()):
        match = _SIZE.fullmatch(part)
        sides = (int(match[1]), int(match[2])) if match else (0, 0)
        if any(side % 16 or not 256 <= side <= 1536 for side in sides):
            raise ImproperlyConfigured(
                f"GPU_SIZES={part!r}: expected sizes such as 1024x1024, each side a multiple of 16 from 256 to 1536."
            )
        found.append(sides)
    return found


def _device(text: str) -> str:
    if not _DEVICE.fullmatch(text):
        raise ImproperlyConfigured(f"GPU_DEVICE={text!r}: expected cuda, cuda:1 and so on, or cpu for tests.")
    return text


def _attention(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{0,60}", text):
        raise ImproperlyConfigured(
            f"GPU_ATTENTION={text!r}: expected a backend of diffusers, such as native."
        )
    return text


# Workers with a GPU that `manage.py up` starts, one for each of the first devices.
GPU_WORKERS: int = env.integer("GPU_WORKERS", 0, 0, 16)
# Set by `manage.py gpu_worker` for the process that it turns into.
GPU_WORKER: bool = env.flag("GPU_WORKER", False)
GPU_MODEL: str = env.text("GPU_MODEL")
GPU_BACKEND: str = env.word("GPU_BACKEND", "diffusers", ("diffusers", "fake"))
GPU_DEVICE: str = _device(env.text("GPU_DEVICE") or "cuda")
GPU_DTYPE: str = env.word("GPU_DTYPE", "", ("bfloat16", "float16", "float32"))
GPU_SIZES: list[tuple[int, int]] = _sizes(
    env.text("GPU_SIZES") or "1024x1024, 1152x864, 864x1152, 1280x720, 720x1280"
)
GPU_STEPS: int = env.integer("GPU_STEPS", 8, 1, 50)
GPU_THREADS: int = env.integer("GPU_THREADS", 8, 1, 64)
# Of all images of a batch together: four of 512x512, one of 1024x1024.
GPU_BATCH_TOKENS: int = env.integer("GPU_BATCH_TOKENS", 4096, 256, 65_536)
GPU_BATCH_WINDOW_S: float = env.seconds("GPU_BATCH_WINDOW_S", 0.02, 0, 1)
GPU_ATTENTION: str = _attention(env.text("GPU_ATTENTION"))
GPU_COMPILE: str = env.word("GPU_COMPILE", "none", ("none", "vae", "all"))
GPU_OFFLOAD: bool = env.flag("GPU_OFFLOAD", False)
GPU_TILING: bool = env.flag("GPU_TILING", False)
GPU_HANG_S: float = env.seconds("GPU_HANG_S", 120, 1, 3600)
GPU_MAX_WAIT_S: float = env.seconds("GPU_MAX_WAIT_S", 30, 0, 3600)
# module.function, asked of every image that the GPU made: see generations/content.py.
IMAGE_CLASSIFIER: str = env.text("IMAGE_CLASSIFIER")
C2PA_CERTIFICATE: str = env.text("C2PA_CERTIFICATE")
C2PA_KEY: str = env.text("C2PA_KEY")
C2PA_ALGORITHM: str = env.word(
    "C2PA_ALGORITHM", "es256", ("es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519")
)
C2PA_TIMESTAMPS: str = env.text("C2PA_TIMESTAMPS")
if bool(C2PA_CERTIFICATE) != bool(C2PA_KEY):
    raise ImproperlyConfigured("C2PA_CERTIFICATE and C2PA_KEY: name both files, or neither.")
