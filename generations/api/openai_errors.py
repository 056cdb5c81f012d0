"""Errors as OpenAI's clients know them: the same body for all, and a status that makes them raise what they should."""

from typing import Any

from accounts.errors import DomainError
from accounts.gcra import MINUTE_US, SECOND_US, Decision
from billing.errors import InsufficientCredits, PaymentOwed, SpendCapReached

PREFIX = "/v1/"
NO_CREDITS = (InsufficientCredits, PaymentOwed, SpendCapReached)
STILL_RUNNING = "still_running"
# Another try would only cost: nothing changes until somebody does something, or it is under way already.
TRY_NO_MORE = {STILL_RUNNING, "canceled"}
# Our words that OpenAI has other ones for.
CODES = {
    "unauthenticated": "invalid_api_key",
    "insufficient_scope": "missing_scope",
    "invalid_field": "invalid_value",
    "missing_field": "missing_required_parameter",
    "content_rejected": "content_policy_violation",
    "rate_limited": "rate_limit_exceeded",
    "too_many_open_tasks": "rate_limit_exceeded",
}
TYPES = {429: "requests", 500: "server_error", 503: "server_error", 504: "server_error"}


class _Problem(DomainError):
    """Base of what only these clients are told."""


class ModelNotFound(_Problem):
    type, status = "model_not_found", 404

    def __init__(self, model: str) -> None:
        super().__init__(f"The model '{model}' does not exist or is not sold here", param="model")


class StillRunning(_Problem):
    """The wait is over and the image is not there: the order goes on."""

    type, status = STILL_RUNNING, 504

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"The image is not ready yet. The order goes on as {task_id}: ask GET /api/status?task_id={task_id}",
            task_id=task_id,
        )


class NoImage(_Problem):
    """An order that ended without one, and cost nothing."""

    def __init__(self, error_type: str, message: str, task_id: str) -> None:
        self.type = error_type
        self.status = {"content_rejected": 400, "invalid_request": 400, "canceled": 409}.get(error_type, 500)
        if error_type == "upstream_unavailable":
            self.status = 503
        super().__init__(message, task_id=task_id)


def status_of(error: DomainError) -> int:
    """402 is unknown to these clients: out of credits is a 429 that they do not repeat."""
    return 429 if isinstance(error, NO_CREDITS) else error.status


def body_of(error: DomainError, message: str, address: str) -> dict[str, Any]:
    """`{"error": {"message", "type", "param", "code"}}`, and what else is known of it behind these four.
    `address`: of the shop.
    """
    if isinstance(error, NO_CREDITS):
        kind, code = "insufficient_quota", "insufficient_quota"
    else:
        kind, code = TYPES.get(error.status, "invalid_request_error"), CODES.get(error.type, error.type)
    more = {"fix_url": address + error.fix_path} if error.fix_path else {}
    return {
        "error": {
            "message": message,
            "type": kind,
            "param": error.param,
            "code": code,
            **error.details,
            **more,
        }
    }


def headers_of(error: DomainError) -> dict[str, str]:
    if isinstance(error, NO_CREDITS) or error.type in TRY_NO_MORE:
        return {"x-should-retry": "false"}
    return {}


def rate_headers(decision: Decision) -> dict[str, str]:
    """Of the tightest bucket, as RateLimit states it; only that these clients ask when it will be full again."""
    full_in_us = 0
    if decision.next_us:
        rate = decision.rate
        full_in_us = rate.full_us - (decision.possible + 1) * rate.interval_us + decision.next_us
    return {
        "x-ratelimit-limit-requests": str(decision.rate.burst),
        "x-ratelimit-remaining-requests": str(decision.possible),
        "x-ratelimit-reset-requests": duration(full_in_us),
    }


def duration(us: int) -> str:
    """As Go writes it: 12ms, 1s, 6m0s. Rounded up."""
    if us < SECOND_US:
        return f"{-(-us // 1000)}ms" if us else "0s"
    minutes, seconds = divmod(-(-us // SECOND_US), MINUTE_US // SECOND_US)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}s" if hours else f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
