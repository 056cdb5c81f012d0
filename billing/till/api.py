"""Stripe's API: who asks, what for, and whether it was asked before."""

import base64
import binascii
import hmac
from contextlib import ExitStack

from billing.till import forms, idempotency, params, routes
from billing.till.http import Reply, Request, json_reply
from billing.till.ids import new_id
from billing.till.problems import Body, CardProblem, Problem
from billing.till.till import Till
from billing.till.versions import api_version


class Api:
    def __init__(self, till: Till) -> None:
        self._till = till
        self._keys = idempotency.Keys()

    def answer(self, request: Request) -> Reply | None:
        """None: the connection is closed without an answer."""
        till, behaviour = self._till, self._till.behaviour
        request_id = new_id("req", 14)
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
        entry = till.log.begin(
            method=request.method,
            path=request.path,
            params=None,
            idempotency_key=key or None,
            request_id=request_id,
        )
        if behaviour.wait_while_frozen():
            return None
        try:
            status, body, headers = self._answer(request, request_id, key, entry)
        except Problem as problem:
            status, body, headers = problem.status, problem.body, {}
        else:
            if behaviour.use_up("lose_answers"):
                return None
        entry["status"] = status
        return json_reply(
            status, body, **{"Request-Id": request_id, "Stripe-Version": api_version(), **headers}
        )

    def _answer(
        self, request: Request, request_id: str, key: str, entry: Body
    ) -> tuple[int, Body, dict[str, str]]:
        behaviour = self._till.behaviour
        if behaviour.down:
            raise Problem("An unknown error occurred.", status=500, kind="api_error")
        if behaviour.use_up("rate_limited"):
            message = "Request rate limit exceeded."
            raise Problem(message, status=429, code="rate_limit")
        _check_sender(self._till, request)
        path = request.path.removeprefix("/v1/")
        if behaviour.forbidden and path.startswith(behaviour.forbidden):
            raise Problem("The key does not have the required permissions for this endpoint.", status=403)
        route, ids = routes.find(request.method, path)
        form = forms.decode(request.query if request.method == "GET" else request.text)
        entry["params"] = form
        given = params.read(form, route.params)
        params.understands(given, route.known)
        headers = {"Idempotency-Key": key} if key else {}
        with ExitStack() as stack:
            if key:
                stack.enter_context(self._keys.held(key))
            behaviour.wait_while_slow()
            wanted = idempotency.digest(request.method, path, form)
            known = idempotency.replay(self._till, key, wanted) if key else None
            if known is not None:
                status, body, first = known
                return status, body, {**headers, "Idempotent-Replayed": "true", "Original-Request": first}
            status, body = self._run(route, ids, given, request, request_id, (key, wanted))
            return status, body, headers

    def _run(
        self,
        route: routes.Route,
        ids: list[str],
        given: Body,
        request: Request,
        request_id: str,
        once: tuple[str, str],
    ) -> tuple[int, Body]:
        """All or nothing, the memory of it included. What went wrong once goes wrong again, as with Stripe."""
        till = self._till
        key, wanted = once
        try:
            with till.transaction(request_id, key or None):
                try:
                    status, body = 200, routes.run(till, route, ids, given, request.path)
                except CardProblem as problem:
                    status, body = problem.status, problem.body
                if key:
                    idempotency.remember(till, key, wanted, status, body, request_id)
        except Problem as problem:
            if key and "param" not in problem.error:  # Stripe keeps nothing of what it did not begin
                with till.transaction():
                    idempotency.remember(till, key, wanted, problem.status, problem.body, request_id)
            raise
        return status, body


def _check_sender(till: Till, request: Request) -> None:
    if not has_key(till, request):
        sent = request.headers.get("authorization", "")
        message = "Invalid API Key provided." if sent else "You did not provide an API key."
        raise Problem(message, status=401)
    version = request.headers.get("stripe-version", "")
    if version != api_version():
        raise Problem(f"Invalid Stripe API version: {version[:50]}. The till speaks {api_version()}.")


def has_key(till: Till, request: Request) -> bool:
    """As Bearer, or as the name of Basic."""
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            sent = base64.b64decode(sent, validate=True).decode().partition(":")[0]
        except (binascii.Error, ValueError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), till.settings.secret_key.encode())
