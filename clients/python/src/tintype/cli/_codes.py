"""What the command ends with, so that scripts can tell what to do."""

from __future__ import annotations

from enum import IntEnum

from tintype import errors


class Code(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    KEY = 3
    CREDITS = 4
    NOT_FOUND = 5
    CONFLICT = 6
    LATER = 7
    CONNECTION = 8
    SHOP = 9
    FILE = 10
    INTERRUPTED = 130


MEANINGS = {
    Code.DONE: "done",
    Code.FAILED: "the generation failed or was canceled; nothing was charged",
    Code.USAGE: "the command line, or a field of the order, is wrong",
    Code.KEY: "the key is not accepted, or may not do that",
    Code.CREDITS: "not enough credits, or a cap is reached",
    Code.NOT_FOUND: "there is no such task",
    Code.CONFLICT: "too late, or this idempotency key was used for another order",
    Code.LATER: "not now: too many requests, the shop is busy, or the task is still running",
    Code.CONNECTION: "no answer",
    Code.SHOP: "an error of the shop",
    Code.FILE: "a file could not be written, or an image not be fetched",
    Code.INTERRUPTED: "interrupted; a task that was accepted goes on",
}

_OF: tuple[tuple[type[errors.TintypeError], Code], ...] = (
    (errors.GenerationFailed, Code.FAILED),
    (errors.ConfigurationError, Code.USAGE),
    (errors.BadRequest, Code.USAGE),
    (errors.Unauthenticated, Code.KEY),
    (errors.Forbidden, Code.KEY),
    (errors.PaymentRequired, Code.CREDITS),
    (errors.NotFound, Code.NOT_FOUND),
    (errors.IdempotencyInFlight, Code.LATER),
    (errors.Conflict, Code.CONFLICT),
    (errors.IdempotencyMismatch, Code.CONFLICT),
    (errors.RateLimited, Code.LATER),
    (errors.Unavailable, Code.LATER),
    (errors.StillRunning, Code.LATER),
    (errors.ConnectionFailed, Code.CONNECTION),
    (errors.DownloadFailed, Code.FILE),
)


def code_of(error: errors.TintypeError) -> Code:
    return next((code for kind, code in _OF if isinstance(error, kind)), Code.SHOP)
