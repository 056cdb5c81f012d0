import os
from pathlib import Path
from typing import Any

from django.apps import AppConfig


class FailingGpuConfig(AppConfig):
    """In the processes of a shop under test: a prompt with `gpu:lost` finds the device broken, once for each time that
    FAULT_FILE is made.
    """

    name = "tests.gpu"

    def ready(self) -> None:
        from generations.engine import making
        from generations.engine.config import EngineConfig

        make = making.make_backend

        def make_failing(config: EngineConfig) -> Any:
            backend: Any = make(config)
            latents = backend.latents

            def failing(jobs: Any, on_mark: Any) -> Any:
                if any("gpu:lost" in job.prompt for job in jobs):
                    try:
                        Path(os.environ["FAULT_FILE"]).unlink()
                    except FileNotFoundError:
                        pass
                    else:
                        raise RuntimeError("CUDA error: an illegal memory access was encountered")
                return latents(jobs, on_mark)

            backend.latents = failing
            return backend

        making.make_backend = make_failing  # what a broken device does
