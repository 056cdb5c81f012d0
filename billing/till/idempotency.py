"""Idempotency keys: what was done once is answered from memory."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from billing.till.problems import Body, Problem
from billing.till.till import Till

KEPT_S = 24 * 3600
LONGEST_KEY = 255


class Keys:
    """Of requests in flight, in this process; of finished ones, in the store."""

    def __init__(self) -> None:
        self._in_flight: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def held(self, account: str, key: str) -> Iterator[None]:
        """Raises Problem when another request of this account with this key is being answered."""
        if len(key) > LONGEST_KEY:
            raise Problem(
                f"An idempotency key has at most {LONGEST_KEY} characters.", kind="idempotency_error"
            )
        with self._lock:
            if (account, key) in self._in_flight:
                raise Problem(
                    f"There is currently another in-progress request using this Stripe-Idempotency-Key: {key}. If you"
                    " believe this is an error, please try again later.",
                    status=409,
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            self._in_flight.add((account, key))
        try:
            yield
        finally:
            with self._lock:
                self._in_flight.discard((account, key))


def digest(method: str, path: str, params: Body) -> str:
    text = json.dumps([method, path, params], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def replay(till: Till, key: str, wanted: str) -> tuple[int, Body, str] | None:
    """The status, body and request id of the first answer, if there was one. Raises Problem when it was to others."""
    found = till.store.rows(
        "SELECT digest, status, body, request_id, at FROM replies WHERE account = ? AND key = ?",
        till.store.account,
        key,
    )
    for had, status, body, request_id, at in found:
        if float(str(at)) < till.exact_now() - KEPT_S:
            return None
        if had != wanted:
            raise Problem(
                f"Keys for idempotent requests can only be used with the same parameters they were first used with."
                f" Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return int(str(status)), json.loads(str(body)), str(request_id)
    return None


def remember(till: Till, key: str, made_by: str, status: int, body: Body, request_id: str) -> None:
    till.store.rows(
        "INSERT OR REPLACE INTO replies (account, key, digest, status, body, request_id, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        till.store.account,
        key,
        made_by,
        status,
        json.dumps(body),
        request_id,
        till.exact_now(),
    )
