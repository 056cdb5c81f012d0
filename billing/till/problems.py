"""Errors as Stripe answers them."""

from typing import Any

Body = dict[str, Any]


class Problem(Exception):
    """Becomes `{"error": {…}}`; what it interrupted is undone."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: Body = {"message": message, "type": kind}
        self.error |= {name: value for name, value in (("code", code), ("param", param)) if value is not None}
        self.error |= more

    @property
    def body(self) -> Body:
        return {"error": self.error}


class CardProblem(Problem):
    """402: the card's bank refused. What was done until then stays: Stripe keeps the failed charge."""

    def __init__(self, message: str, *, code: str, decline_code: str, **more: Any) -> None:
        super().__init__(message, status=402, kind="card_error", code=code, decline_code=decline_code, **more)


def missing(what: str, object_id: str, *, param: str = "id", status: int = 404) -> Problem:
    """`status` 404 where the id stands in the path, 400 where a parameter names it."""
    return Problem(f"No such {what}: '{object_id}'", status=status, code="resource_missing", param=param)


def unexpected_state(message: str, code: str = "payment_intent_unexpected_state", **more: Any) -> Problem:
    return Problem(message, code=code, **more)
