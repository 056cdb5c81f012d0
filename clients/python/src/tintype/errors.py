"""What can go wrong, by kind. `except TintypeError` catches all of it.

An answer of the shop that is an error becomes the ApiError of its machine word (`error.type`); a word that this version
does not know becomes the class of its HTTP status, so that new words of the shop break no client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tintype.results import Generation


class TintypeError(Exception):
    """Base. `task_id`: the order that this is about, where one was accepted before; else None."""

    task_id: str | None = None


class ConfigurationError(TintypeError):
    """The client cannot be made from what it was given."""


class ConnectionFailed(TintypeError):
    """No answer. `was_sent`: whether the shop may have received the request."""

    def __init__(self, message: str, *, request_id: str | None = None, was_sent: bool = True) -> None:
        super().__init__(message)
        self.request_id = request_id
        self.was_sent = was_sent


class TimedOut(ConnectionFailed):
    """The answer did not come within the client's `timeout_s`."""


class UnexpectedAnswer(TintypeError):
    """An answer that no shop gives: something else listens at that address, or stands between."""

    def __init__(self, message: str, *, status: int | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id


class StillRunning(TintypeError):
    """The order had not ended when the time to wait was over; it goes on. `generation` is what was last seen of it."""

    def __init__(self, generation: Generation) -> None:
        super().__init__(f"{generation.id} is still {generation.status}; wait for it again, or cancel it")
        self.generation = generation
        self.task_id = generation.id


class GenerationFailed(TintypeError):
    """The order ended without an image, and cost nothing. `type`: its machine word, or `canceled`."""

    def __init__(self, generation: Generation) -> None:
        problem = generation.error
        self.type = problem.type if problem else generation.status
        super().__init__(f"{generation.id} {generation.status}: {problem.message if problem else self.type}")
        self.generation = generation
        self.task_id = generation.id


class DownloadFailed(TintypeError):
    """An image did not arrive whole. Its address may have expired: read the generation again for fresh ones."""


class ApiError(TintypeError):
    """The shop said no.

    status: HTTP status. type: stable machine word. param: the field that is wrong. limit_source: `wallet`, `key` or
    `organization`. retry_after: whole seconds. fix_url: the page that mends it. details: further members.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        type: str,  # noqa: A002 - the API's word for it
        param: str | None = None,
        limit_source: str | None = None,
        retry_after: int | None = None,
        fix_url: str | None = None,
        request_id: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.param = param
        self.limit_source = limit_source
        self.retry_after = retry_after
        self.fix_url = fix_url
        self.request_id = request_id
        self.details = dict(details or {})


class BadRequest(ApiError):
    """400 and its kin: the same request will never be accepted."""


class InvalidField(BadRequest):
    """`param` names the field."""


class MissingField(InvalidField):
    pass


class ContentRejected(BadRequest):
    """The content rules refuse the prompt; nothing was charged."""


class Unauthenticated(ApiError):
    """401: no key, or one that is unknown, revoked, expired or frozen."""


class PaymentRequired(ApiError):
    """402: there is nothing to pay it with."""


class InsufficientCredits(PaymentRequired):
    @property
    def required(self) -> int | None:
        """Credits."""
        return self.details.get("required")

    @property
    def available(self) -> int | None:
        """Credits."""
        return self.details.get("available")


class PaymentOwed(InsufficientCredits):
    """A refund or dispute left the organization owing."""


class SpendCapReached(PaymentRequired):
    """The key's own cap, not the wallet."""


class Forbidden(ApiError):
    """403."""


class InsufficientScope(Forbidden):
    """The key may not do that."""


class AddressNotAllowed(Forbidden):
    """The key may not be used from this address."""


class Suspended(Forbidden):
    """The organization or the shop is suspended."""


class NotFound(ApiError):
    """404: unknown, or somebody else's."""


class Conflict(ApiError):
    """409."""


class IdempotencyInFlight(Conflict):
    """The first request with this idempotency key is still being handled."""


class AlreadyEnded(Conflict):
    pass


class TooLateToCancel(Conflict):
    pass


class IdempotencyMismatch(ApiError):
    """422: this idempotency key was used before with another request."""


class RateLimited(ApiError):
    """429: come back after `retry_after` seconds."""


class TooManyOpenTasks(RateLimited):
    pass


class Unavailable(ApiError):
    """503: the shop cannot do it at the moment."""


class Overloaded(Unavailable):
    """More orders wait than can be made in time."""


class ServerError(ApiError):
    """Any other 5xx. `request_id` finds it in the shop's log."""


BY_TYPE: dict[str, type[ApiError]] = {
    "invalid_field": InvalidField,
    "missing_field": MissingField,
    "content_rejected": ContentRejected,
    "unauthenticated": Unauthenticated,
    "insufficient_credits": InsufficientCredits,
    "payment_owed": PaymentOwed,
    "spend_cap_reached": SpendCapReached,
    "insufficient_scope": InsufficientScope,
    "address_not_allowed": AddressNotAllowed,
    "organization_suspended": Suspended,
    "shop_suspended": Suspended,
    "idempotency_in_flight": IdempotencyInFlight,
    "already_ended": AlreadyEnded,
    "too_late_to_cancel": TooLateToCancel,
    "idempotency_mismatch": IdempotencyMismatch,
    "too_many_open_tasks": TooManyOpenTasks,
    "overloaded": Overloaded,
}
BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthenticated,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: IdempotencyMismatch,
    429: RateLimited,
    503: Unavailable,
}


def class_for(status: int, word: str) -> type[ApiError]:
    if word in BY_TYPE:
        return BY_TYPE[word]
    return BY_STATUS.get(status) or (ServerError if status >= 500 else BadRequest)
