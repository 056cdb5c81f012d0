"""What orders and their money can do over `/api/v1`, as flows. Docstrings are those of the clients' methods."""

from __future__ import annotations

import datetime
import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tintype._asking import USER_AGENT, ask, segment
from tintype._fields import given
from tintype._listing import Listing
from tintype._reading import read
from tintype._steps import Answer, Flow, Request, Settings, Sleep, Write
from tintype.errors import (
    ConnectionFailed,
    DownloadFailed,
    GenerationFailed,
    StillRunning,
    TintypeError,
)
from tintype.results import Balance, Entry, Estimate, Generation, Image, Model, Receipt, Usage

# Polling counts as reading, of which the usual key may do ten a second.
FIRST_POLL_S, LONGEST_POLL_S, POLL_GROWTH = 0.3, 1.5, 1.25
USUAL_WAIT_S = 600.0
OnProgress = Callable[[Generation], object]


def order_fields(
    prompt: str,
    aspect_ratio: str | None,
    size: str | None,
    *,
    seed: int | None,
    output_format: str | None,
    model: str | None,
    n: int | None,
) -> dict[str, Any]:
    """What was given; the shop judges it. Without any shape it is a square."""
    if aspect_ratio is None and size is None:
        aspect_ratio = "1:1"
    return given(
        prompt=prompt,
        aspect_ratio=aspect_ratio,
        size=size,
        seed=seed,
        output_format=output_format,
        model=model,
        n=n,
    )


# --- Generations --------------------------------------------------------------------------------


def create_generation(
    settings: Settings,
    prompt: str,
    *,
    aspect_ratio: str | None = None,
    size: str | None = None,
    seed: int | None = None,
    output_format: str | None = None,
    model: str | None = None,
    n: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    webhook_url: str | None = None,
    idempotency_key: str | None = None,
) -> Flow[Generation]:
    """Orders images and returns at once; `wait` waits for them.

    `size` as "1024x1024"; without it and `aspect_ratio` a square. Every call bears an idempotency key, which stays the
    same while it is tried again, so no lost answer is paid twice; pass your own to be safe across restarts of your
    program.
    """
    body = order_fields(prompt, aspect_ratio, size, seed=seed, output_format=output_format, model=model, n=n)
    if metadata is not None:
        body["metadata"] = dict(metadata)
    if webhook_url is not None:
        body["webhook_url"] = webhook_url
    answer = yield from ask(
        settings,
        "POST",
        "/api/v1/generations",
        body=body,
        idempotency_key=idempotency_key or str(uuid.uuid4()),
        is_repeatable=True,
    )
    return read(Generation, answer)


def get_generation(settings: Settings, generation_id: str) -> Flow[Generation]:
    """As it is now; the addresses of its images are signed afresh."""
    answer = yield from ask(settings, "GET", f"/api/v1/generations/{segment(generation_id)}")
    return read(Generation, answer)


def list_generations(
    *,
    status: str | None = None,
    model: str | None = None,
    key: str | None = None,
    created_after: datetime.datetime | None = None,
    created_before: datetime.datetime | None = None,
    page_size: int | None = None,
) -> Listing[Generation]:
    """Newest first. Iterating reads page after page; `page_size`: 1 to 100. `key`: the id of the key that ordered."""
    query = given(
        status=status,
        model=model,
        key=key,
        created_after=created_after,
        created_before=created_before,
        limit=page_size,
    )
    return Listing("/api/v1/generations", Generation, query)


def cancel_generation(settings: Settings, generation_id: str) -> Flow[Generation]:
    """Frees what it holds. Raises AlreadyEnded, TooLateToCancel."""
    path = f"/api/v1/generations/{segment(generation_id)}/cancel"
    answer = yield from ask(settings, "POST", path, body={}, is_repeatable=True)
    return read(Generation, answer)


def receipt_of_generation(settings: Settings, generation_id: str) -> Flow[Receipt]:
    """What was held, tried, charged and given back."""
    answer = yield from ask(settings, "GET", f"/api/v1/generations/{segment(generation_id)}/receipt")
    return read(Receipt, answer)


def wait_for_generation(
    settings: Settings,
    generation_id: str,
    *,
    timeout_s: float | None = USUAL_WAIT_S,
    on_progress: OnProgress | None = None,
) -> Flow[Generation]:
    """Returns it once it has ended, however it did. Raises StillRunning after `timeout_s`; None waits for ever.

    `on_progress` is called with every state that is read, the last one too.
    """
    began, pause = time.monotonic(), FIRST_POLL_S
    while True:
        generation = yield from get_generation(settings, generation_id)
        if on_progress is not None:
            on_progress(generation)
        if generation.has_ended:
            return generation
        left = None if timeout_s is None else timeout_s - (time.monotonic() - began)
        if left is not None and left <= 0:
            raise StillRunning(generation)
        yield Sleep(pause if left is None else min(pause, left))
        pause = min(LONGEST_POLL_S, pause * POLL_GROWTH)


def generate(
    settings: Settings,
    prompt: str,
    *,
    aspect_ratio: str | None = None,
    size: str | None = None,
    seed: int | None = None,
    output_format: str | None = None,
    model: str | None = None,
    n: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    webhook_url: str | None = None,
    idempotency_key: str | None = None,
    timeout_s: float | None = USUAL_WAIT_S,
    on_progress: OnProgress | None = None,
) -> Flow[Generation]:
    """Orders images, waits for them, and returns the generation with its `images`.

    Raises GenerationFailed when it fails or is canceled. After any other error once the order was accepted it goes on;
    the error's `task_id` names it.
    """
    generation = yield from create_generation(
        settings,
        prompt,
        aspect_ratio=aspect_ratio,
        size=size,
        seed=seed,
        output_format=output_format,
        model=model,
        n=n,
        metadata=metadata,
        webhook_url=webhook_url,
        idempotency_key=idempotency_key,
    )
    task_id = generation.id
    try:
        if not generation.has_ended:
            generation = yield from wait_for_generation(
                settings, task_id, timeout_s=timeout_s, on_progress=on_progress
            )
    except TintypeError as error:
        error.task_id = task_id
        raise
    if generation.status != "succeeded":
        raise GenerationFailed(generation)
    return generation


# --- Images -------------------------------------------------------------------------------------


def download(settings: Settings, image: Image) -> Flow[bytes]:
    """The file. Raises DownloadFailed, ConnectionFailed.

    The key is not sent: an image's address opens by itself.
    """
    began, made = time.monotonic(), 0
    url = image.url
    if not url.startswith(("http://", "https://")):
        raise DownloadFailed("The image has no address of the web")
    while True:
        made += 1
        failure: DownloadFailed | ConnectionFailed
        answer: Answer | ConnectionFailed = yield Request(
            "GET", url, {"User-Agent": USER_AGENT}, timeout_s=settings.timeout_s
        )
        if isinstance(answer, ConnectionFailed):
            failure, again = answer, True
        else:
            if answer.status == 200 and _is_whole(image, answer.body):
                return answer.body
            again = answer.status in (200, 429) or answer.status >= 500
            failure = DownloadFailed(
                f"{image.id or 'The image'} is not what the shop announced"
                if answer.status == 200
                else f"{image.id or 'The image'}: HTTP status {answer.status}"
                " (an address expires; read the generation again for a new one)"
            )
        pause = settings.retries.pause_s(made, time.monotonic() - began, None, draw=1.0)
        if not again or pause is None:
            raise failure
        yield Sleep(pause)


def save(settings: Settings, image: Image, path: str | Path) -> Flow[Path]:
    """Downloads it into a file, which appears whole or not at all. Raises what `download` does, and OSError."""
    content = yield from download(settings, image)
    yield Write(Path(path), content)
    return Path(path)


def _is_whole(image: Image, content: bytes) -> bool:
    if image.bytes is not None and len(content) != image.bytes:
        return False
    return not image.sha256 or hashlib.sha256(content).hexdigest() == image.sha256.lower()


# --- Prices and money ---------------------------------------------------------------------------


def list_models() -> Listing[Model]:
    """What is on sale, with prices."""
    return Listing("/api/v1/models", Model)


def estimate(
    settings: Settings,
    prompt: str = "an image",
    *,
    aspect_ratio: str | None = None,
    size: str | None = None,
    model: str | None = None,
    n: int | None = None,
) -> Flow[Estimate]:
    """What an order would cost, without making it."""
    body = order_fields(prompt, aspect_ratio, size, seed=None, output_format=None, model=model, n=n)
    answer = yield from ask(settings, "POST", "/api/v1/estimate", body=body, is_repeatable=True)
    return read(Estimate, answer)


def balance(settings: Settings) -> Flow[Balance]:
    """Credits that are available, held and owed."""
    answer = yield from ask(settings, "GET", "/api/v1/balance")
    return read(Balance, answer)


def list_ledger(
    *,
    kind: str | None = None,
    created_after: datetime.datetime | None = None,
    created_before: datetime.datetime | None = None,
    page_size: int | None = None,
) -> Listing[Entry]:
    """The lines of the ledger, newest first."""
    query = given(kind=kind, created_after=created_after, created_before=created_before, limit=page_size)
    return Listing("/api/v1/ledger", Entry, query)


def list_usage(
    *,
    group_by: Sequence[str] = (),
    start: datetime.date | None = None,
    end: datetime.date | None = None,
) -> Listing[Usage]:
    """Summed up by any of `day`, `key`, `model`, over whole days of UTC, `end` included; the last 30 unless said."""
    groups = ",".join([group_by] if isinstance(group_by, str) else group_by)
    return Listing("/api/v1/usage", Usage, given(group_by=groups or None, start=start, end=end))
