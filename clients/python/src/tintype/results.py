"""What the shop answers, typed. Credits are whole numbers, sides are pixels, times bear their zone.

Members that a later shop adds are in `raw`. Words such as `status` are plain strings, so that a new one breaks nobody.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

ENDED = frozenset({"succeeded", "failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Answered:
    """Base. `raw`: all members as the shop sent them."""

    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Image(Answered):
    """`url` opens without a key, and expires at the generation's `expires_at`. `bytes`: how many."""

    url: str
    id: str = ""
    thumbnail_url: str | None = None
    width: int | None = None
    height: int | None = None
    content_type: str | None = None
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Problem(Answered):
    """Why a generation failed. `type` is a machine word."""

    type: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Generation(Answered):
    """`status`: queued, running, succeeded, failed or canceled. `progress`: 0 to 100. `expires_at`: of the links."""

    id: str
    status: str
    progress: int = 0
    model: str = ""
    prompt: str | None = None
    aspect_ratio: str | None = None
    width: int | None = None
    height: int | None = None
    seed: int | None = None
    n: int = 1
    output_format: str | None = None
    price_credits: int = 0
    consumed_credits: int = 0
    images: list[Image] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    error: Problem | None = None
    livemode: bool = True
    created_at: datetime.datetime | None = None
    started_at: datetime.datetime | None = None
    finished_at: datetime.datetime | None = None
    expires_at: datetime.datetime | None = None
    images_deleted_at: datetime.datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `next_cursor` is None at the end."""

    data: list[T]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Hold(Answered):
    credits: int
    at: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class Try(Answered):
    """One attempt of the shop to have the order made."""

    number: int
    outcome: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Settlement(Answered):
    """`kind`: capture or release. Credits."""

    kind: str
    consumed: int = 0
    returned: int = 0
    at: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt(Answered):
    """`hold` and `settlement` are None for what is free, the latter also until the order has ended."""

    task: str
    hold: Hold | None = None
    attempts: list[Try] = field(default_factory=list)
    settlement: Settlement | None = None
    available_before: int | None = None
    available_after: int | None = None


@dataclass(frozen=True, slots=True)
class Model(Answered):
    """`price_credits`: of one image. `sizes` as `1024x1024`."""

    id: str
    price_credits: int
    sizes: list[str] = field(default_factory=list)
    max_n: int = 1


@dataclass(frozen=True, slots=True)
class Estimate(Answered):
    price_credits: int
    available: int
    affordable: bool


@dataclass(frozen=True, slots=True)
class Balance(Answered):
    """Credits; `images`: how many of the usual model `available` pays for."""

    available: int
    held: int
    owed: int
    images: int | None = None


@dataclass(frozen=True, slots=True)
class Entry(Answered):
    """One line of the ledger: by how much it changed what is available, held and owed."""

    id: str
    kind: str
    available: int
    held: int
    owed: int
    reference: str | None = None
    created_at: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class Usage(Answered):
    """Of orders, in credits and seconds. `key` and `model` are None where it was not grouped by them.

    `start` is the day, or the first of all where it was not grouped by days.
    """

    succeeded: int
    failed: int
    credits: int
    start: str | None = None
    key: str | None = None
    model: str | None = None
    p50_seconds: float | None = None
    p95_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class PerPeriod(Answered):
    """Credits per day, month (of UTC) and in all; None is no cap."""

    day: int | None = None
    month: int | None = None
    lifetime: int | None = None


@dataclass(frozen=True, slots=True)
class Key(Answered):
    """`secret`: the key itself, in the answer that creates or rotates it and in no other; never in `repr`."""

    id: str
    prefix: str
    name: str
    scopes: list[str]
    expires_at: datetime.datetime | None = None
    allowed_addresses: list[str] = field(default_factory=list)
    rate_per_minute: int | None = None
    burst: int | None = None
    max_open_tasks: int | None = None
    spend_caps: PerPeriod = field(default_factory=PerPeriod)
    spent: PerPeriod = field(default_factory=PerPeriod)
    livemode: bool = True
    last_used_at: datetime.datetime | None = None
    created_at: datetime.datetime | None = None
    revoked_at: datetime.datetime | None = None
    frozen_at: datetime.datetime | None = None
    replaced_by: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WebhookEndpoint(Answered):
    """`secret`, where the answer holds it, is for `tintype.webhooks.verify`; never in `repr`."""

    id: str
    url: str
    events: list[str]
    enabled: bool = True
    disabled_reason: str | None = None
    created_at: datetime.datetime | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class WebhookAttempt(Answered):
    """`error`: a machine word where no answer came."""

    number: int
    started_at: datetime.datetime | None = None
    response_status: int | None = None
    error: str | None = None
    answer: str | None = None
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Replayed(Answered):
    replayed: int


@dataclass(frozen=True, slots=True)
class WebhookDelivery(Answered):
    """`status`: pending, succeeded or failed. `url`: an order's own `webhook_url`. `attempts`: when read by its id."""

    id: str
    event: str
    status: str
    endpoint: str | None = None
    url: str | None = None
    sequence: int | None = None
    attempt: int = 0
    response_status: int | None = None
    next_attempt_at: datetime.datetime | None = None
    created_at: datetime.datetime | None = None
    attempts: list[WebhookAttempt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Event(Answered):
    """What a webhook brings. `sequence` grows, so the later of two is known however they arrive."""

    type: str
    timestamp: datetime.datetime
    data: dict[str, Any]
    sequence: int | None = None
