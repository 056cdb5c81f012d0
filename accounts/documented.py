"""What an endpoint takes, answers and refuses, said beside its view; config/docs/ makes a document of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from accounts.errors import (
    AddressNotAllowed,
    BodyTimeout,
    BodyTooLarge,
    DomainError,
    InsufficientScope,
    InvalidField,
    InvalidJson,
    MethodNotAllowed,
    OrganizationSuspended,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from accounts.shapes import Schema, array, component, moment, nullable, record, text, whole, word

ERROR_MEMBERS: dict[str, Schema] = {
    "param": nullable(text("The field that is wrong.", example="prompt")),
    "limit_source": nullable(word(("wallet", "key", "organization"), "Whose limit was reached.")),
    "retry_after": nullable(whole("Seconds after which it is worth another try.")),
    "fix_url": nullable(text("The page that mends it.", format="uri")),
    "request_id": nullable(text("Name it when you ask for help.", example="req_5f2b9c0d1e3a4b5c6d7e8f90")),
    "required": whole("Credits that the request costs; with 402."),
    "available": whole("Credits that are there; with 402."),
    "owed": whole("Credits that are owed; with `payment_owed`."),
}
_SELDOM = ("required", "available", "owed")
ERROR = component(
    "Error",
    record(
        {
            "code": whole("The HTTP status.", example=400),
            "message": text("What is wrong, in English.", example="A field is invalid"),
            "data": {"type": "null"},
            "error": record(
                {"type": text("A stable word to match on.", example="invalid_field"), **ERROR_MEMBERS},
                optional=_SELDOM,
            ),
        },
        "Every refusal.",
    ),
)
PROBLEM = component(
    "Problem",
    record(
        {
            "type": text("The address of the error's page in these docs.", format="uri"),
            "title": text("What is wrong, in English.", example="A field is invalid"),
            "status": whole("The HTTP status.", example=400),
            "error_type": text("A stable word to match on.", example="invalid_field"),
            **ERROR_MEMBERS,
        },
        "Every refusal, as RFC 9457, for who accepts application/problem+json.",
        optional=_SELDOM,
    ),
)

# Which refusals any call of a key may meet, and any with a body.
ALWAYS: tuple[type[DomainError], ...] = (
    Unauthenticated,
    InsufficientScope,
    AddressNotAllowed,
    OrganizationSuspended,
    MethodNotAllowed,
    RateLimited,
    DomainError,
    Unavailable,
)
WITH_BODY: tuple[type[DomainError], ...] = (
    InvalidJson,
    InvalidField,
    BodyTimeout,
    BodyTooLarge,
    UnsupportedMediaType,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """`where`: path, query or header. `example` is what the samples send; None leaves it out of them."""

    name: str
    where: str
    schema: Schema
    description: str
    required: bool = False
    example: Any = None


@dataclass(frozen=True, slots=True)
class Refusals:
    """How an endpoint shapes its errors: (status, word) → schema by media type; and the words of each status."""

    words: Callable[[type[DomainError]], tuple[int, str]]
    content: Callable[[int, Sequence[str]], dict[str, Schema]]


@dataclass(frozen=True, slots=True)
class Documented:
    """One operation. `tag` groups it; `body` and `answer` are schemas; `example` is the body that samples send."""

    operation_id: str
    summary: str
    tag: str
    answer: Schema
    description: str = ""
    body: Schema | None = None
    example: Mapping[str, Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[type[DomainError], ...] = ()
    status: int = 200
    body_required: bool = True
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    refusals: Refusals | None = None


View = TypeVar("View", bound=Callable[..., Any])


def documented(
    operation_id: str,
    summary: str,
    *,
    tag: str,
    answer: Schema,
    errors: Sequence[type[DomainError]] = (),
    parameters: Sequence[Parameter] = (),
    **more: Any,
) -> Callable[[View], View]:
    """Beside a view's method. `errors`: what it raises beyond that which every endpoint for keys may."""
    found = Documented(
        operation_id,
        summary,
        tag,
        answer,
        errors=tuple(errors),
        parameters=tuple(parameters),
        **more,
    )

    def mark(view: View) -> View:
        view.documented = found  # type: ignore[attr-defined]  # read by config/docs/openapi.py
        return view

    return mark


def listing(item: Schema) -> Schema:
    """A page of a list."""
    return record(
        {
            "object": word(("list",)),
            "data": array(item),
            "next_cursor": nullable(text("What `cursor` of the next page is; null at the end.")),
        }
    )


def envelope(data: Schema) -> Schema:
    """What the two endpoints under /api wrap their answers in."""
    return record({"code": whole(example=200), "message": text(example="success"), "data": data})


IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    text(minLength=1, maxLength=255, pattern=r"^[ \t]*[!-~]+[ \t]*$"),
    "Sent again within 24 hours with the same body, it brings the same answer and makes nothing new.",
)
PAGE = (
    Parameter(
        "limit", "query", whole(minimum=1, maximum=100), "How many at most; 20 unless you say.", example=20
    ),
    Parameter("cursor", "query", text(), "`next_cursor` of the page before."),
)
TIMES = (
    Parameter("created_after", "query", moment(), "Those that were made at that time or later."),
    Parameter("created_before", "query", moment(), "Those that were made before that time."),
)
