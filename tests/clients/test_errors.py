"""Each machine word of the API becomes its class, with all that the shop said."""

import ast
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.stand_in import Reply, StandIn, error
from tests.processes import ROOT
from tintype import (
    NO_RETRIES,
    AlreadyEnded,
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    InsufficientCredits,
    InvalidField,
    MissingField,
    NotFound,
    Overloaded,
    PaymentOwed,
    PaymentRequired,
    RateLimited,
    ServerError,
    SpendCapReached,
    Suspended,
    TooLateToCancel,
    TooManyOpenTasks,
    Unauthenticated,
    Unavailable,
)
from tintype.errors import class_for

Asked = Callable[..., Any]


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "invalid_field", InvalidField),
        (400, "missing_field", MissingField),
        (400, "invalid_json", BadRequest),
        (401, "unauthenticated", Unauthenticated),
        (402, "insufficient_credits", InsufficientCredits),
        (402, "payment_owed", PaymentOwed),
        (402, "spend_cap_reached", SpendCapReached),
        (403, "organization_suspended", Suspended),
        (404, "not_found", NotFound),
        (409, "already_ended", AlreadyEnded),
        (409, "too_late_to_cancel", TooLateToCancel),
        (413, "body_too_large", BadRequest),
        (422, "idempotency_mismatch", IdempotencyMismatch),
        (429, "rate_limited", RateLimited),
        (429, "too_many_open_tasks", TooManyOpenTasks),
        (500, "internal", ServerError),
        (503, "overloaded", Overloaded),
        (503, "unavailable", Unavailable),
        # Words of a later shop
        (402, "out_of_luck", PaymentRequired),
        (403, "moon_phase", Forbidden),
        (409, "key_frozen", Conflict),
        (418, "teapot", BadRequest),
        (599, "odd", ServerError),
    ],
)
def test_a_word_has_its_class_and_an_unknown_one_that_of_its_status(
    status: int, word: str, kind: type[ApiError]
) -> None:
    assert class_for(status, word) is kind


def test_all_that_the_shop_said_is_there(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(
        error(
            402, "insufficient_credits", "Insufficient credits", limit_source="wallet", required=15, available=3,
            fix_url="https://shop.example/credits/", request_id="req_1",
        )
    )  # fmt: skip
    with pytest.raises(InsufficientCredits, match="Insufficient credits") as failed:
        ask(lambda shop: shop.generations.create("a lighthouse"))
    said = failed.value
    assert (said.status, said.type, said.limit_source) == (402, "insufficient_credits", "wallet")
    assert (said.required, said.available) == (15, 3)
    assert (said.fix_url, said.request_id) == ("https://shop.example/credits/", "req_1")


def test_the_field_that_is_wrong_is_named(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(error(400, "invalid_field", "size looks like …", param="size"))
    with pytest.raises(InvalidField) as failed:
        ask(lambda shop: shop.generations.create("a lighthouse", size="big"))
    assert failed.value.param == "size"


def test_retry_after_is_known_to_who_does_not_try_again(ask: Asked, stand_in: StandIn) -> None:
    stand_in.then(error(429, "rate_limited", retry_after=3))
    with pytest.raises(RateLimited) as failed:
        ask(lambda shop: shop.balance(), retries=NO_RETRIES)
    assert failed.value.retry_after == 3


def test_a_problem_as_of_rfc_9457_is_understood(ask: Asked, stand_in: StandIn) -> None:
    problem = {"type": "https://shop.example/docs/errors/not_found", "title": "Not found", "status": 404}
    stand_in.then(Reply(404, problem | {"error_type": "not_found", "request_id": "req_1", "hint": "x"}))
    with pytest.raises(NotFound, match="Not found") as failed:
        ask(lambda shop: shop.generations.get("task_x"))
    assert (failed.value.type, failed.value.details) == ("not_found", {"hint": "x"})


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"[]", b'{"error":"no"}', b"\xff"])
def test_what_stands_between_may_answer_anything(ask: Asked, stand_in: StandIn, body: bytes) -> None:
    stand_in.then(Reply(502, body, {"X-Request-Id": "req_proxy"}))
    with pytest.raises(ServerError) as failed:
        ask(lambda shop: shop.balance(), retries=NO_RETRIES)
    assert (failed.value.type, failed.value.request_id) == ("http_502", "req_proxy")


def test_no_word_of_the_shop_ends_in_a_class_of_another_status() -> None:
    """Read from the product's own error classes, so that a new word there is looked at here."""
    families = {400: BadRequest, 402: PaymentRequired, 403: Forbidden, 409: Conflict, 429: RateLimited}
    words = _words_of_the_shop()
    assert ("insufficient_credits", 402) in words
    for word, status in words:
        if status in families:
            assert issubclass(class_for(status, word), families[status]), word


def _words_of_the_shop() -> set[tuple[str, int]]:
    """From lines such as `type, status = "word", 402`."""
    found = set()
    for file in ROOT.glob("*/errors.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Assign(
                    targets=[ast.Tuple(elts=[ast.Name(id="type"), ast.Name(id="status"), *_])],
                    value=ast.Tuple(
                        elts=[ast.Constant(value=str(word)), ast.Constant(value=int(status)), *_]
                    ),
                ):
                    found.add((word, status))
    return found
