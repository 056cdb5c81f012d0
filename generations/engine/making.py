"""An engine as it is set up. Imports torch where a model is wished for; touches no device yet."""

from generations.engine.config import FAKE, EngineConfig
from generations.engine.core import Engine
from generations.engine.jobs import Backend


def make_engine(config: EngineConfig) -> Engine:
    return Engine(
        make_backend(config),
        window_s=config.window_s,
        batch_tokens=config.batch_tokens,
        hang_s=config.hang_s,
    )


def make_backend(config: EngineConfig) -> Backend:
    if config.backend == FAKE:
        from generations.engine.fake import FakeBackend  # noqa: PLC0415 - only where it is wished for

        return FakeBackend()
    from generations.engine.diffusers_backend import DiffusersBackend  # noqa: PLC0415 - it imports torch

    return DiffusersBackend(config)
