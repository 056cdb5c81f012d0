"""What an order is to whoever makes its images, and what their answers mean to us. No ORM and no money here."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class OutcomeKind(StrEnum):
    """What an upstream's answer means for us; the customer's view of each is in outcomes.py."""

    OK = "ok"
    WAIT = "wait"
    BUSY = "busy"
    LIMITED = "limited"  # it works, and takes no more of ours for now
    ACCOUNT = "account"
    FUNDS = "funds"
    REJECTED = "rejected"
    INVALID = "invalid"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    FAILED = "failed"


# It wants nothing from us until the operator has mended something there.
REFUSES_US = frozenset({OutcomeKind.ACCOUNT, OutcomeKind.FUNDS})


class AfterCrash(StrEnum):
    """What may be done with an attempt whose outcome we lost, together with the worker that drove it."""

    RESEND = "resend"
    LOOK_UP = "look_up"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Job:
    """One generation as an upstream sees it. Sides in pixels; `seed` is drawn, 0 to 2147483647.

    `attempt_key` names this attempt to upstreams that take an idempotency key, also when it is sent again. `hops`: how
    many shops of this software the order has passed by.
    """

    task_id: str
    attempt_key: str
    prompt: str
    width: int
    height: int
    seed: int
    output_format: str
    n: int = 1
    hops: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`images` are undecoded files, only with OK; `cost_micros` is what the attempt cost us."""

    kind: OutcomeKind
    images: tuple[bytes, ...] = ()
    detail: str = ""
    cost_micros: int = 0


# Told the percent done, 0 to 100. False: the task is no longer ours (canceled, expired), stop now.
OnProgress = Callable[[int], bool]


class Provider(Protocol):
    """Makes images in the worker's own process. Those that are reached by HTTP are adapters: see wire.py."""

    name: str
    after_crash: AfterCrash
    can_stop: bool  # whether a running job can be stopped without being paid for

    def generate(self, job: Job, on_progress: OnProgress) -> Outcome:
        """Make the images, in at most settings.CALL_TOTAL_S seconds. Never raises for what an upstream says."""
        ...
