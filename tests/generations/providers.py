"""Upstreams that behave as a test says, registered under the sandbox's name so that orders reach them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from generations.providers import PROVIDERS
from generations.providers.base import AfterCrash, Job, OnProgress, Outcome


@dataclass
class Upstream:
    """Answers with `answer(job, on_progress)`; remembers the idempotency keys it was called with."""

    answer: Callable[[Job, OnProgress], Outcome]
    after_crash: AfterCrash = AfterCrash.RESEND
    name: str = "sandbox"
    can_stop: bool = True
    called_with: list[str] = field(default_factory=list)

    def generate(self, job: Job, on_progress: OnProgress) -> Outcome:
        self.called_with.append(job.attempt_key)
        return self.answer(job, on_progress)


@contextmanager
def upstream(upstream: Upstream) -> Iterator[Upstream]:
    before = PROVIDERS[upstream.name]
    PROVIDERS[upstream.name] = upstream
    try:
        yield upstream
    finally:
        PROVIDERS[upstream.name] = before
