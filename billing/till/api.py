"""Stripe's API: who asks, what for, and whether it was asked before."""

import base64
import binascii
from contextlib import ExitStack

from billing.till import forms, idempotency, params, routes
from billing.till.accounts import Accounts
from billing.till.http import Reply, Request, json_reply
from billing.till.ids import new_id
from billing.till.problems import Body, CardProblem, Problem
from billing.till.till import Till
from billing.till.versions import api_version


class Api:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._keys = idempotency.Keys()

    def answer(self, request: Request) -> Reply | None:
        """None: the connection is closed without an answer."""
        # What nobody has the key of is the first one's to refuse, and to remember.
        till = self._accounts.of_key(key_of(request)) or self._accounts.first
        behaviour = till.behaviour
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
            status, body, headers = self._answer(till, request, request_id, key, entry)
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
        self, till: Till, request: Request, request_id: str, key: str, entry: Body
    ) -> tuple[int, Body, dict[str, str]]:
        behaviour = till.behaviour
        if behaviour.down:
            raise Problem("An unknown error occurred.", status=500, kind="api_error")
        if behaviour.use_up("rate_limited"):
            message = "Request rate limit exceeded."
            raise Problem(message, status=429, code="rate_limit")
        self._check_sender(request)
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
                stack.enter_context(self._keys.held(till.store.account, key))
            behaviour.wait_while_slow()
            wanted = idempotency.digest(request.method, path, form)
            known = idempotency.replay(till, key, wanted) if key else None
            if known is not None:
                status, body, first = known
                return status, body, {**headers, "Idempotent-Replayed": "true", "Original-Request": first}
            status, body = self._run(till, route, ids, given, request, request_id, (key, wanted))
            return status, body, headers

    def _run(
        self,
        till: Till,
        route: routes.Route,
        ids: list[str],
        given: Body,
        request: Request,
        request_id: str,
        once: tuple[str, str],
    ) -> tuple[int, Body]:
        """All or nothing, the memory of it included. What went wrong once goes wrong again, as with Stripe."""
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

    def _check_sender(self, request: Request) -> None:
        if self._accounts.of_key(key_of(request)) is None:
            sent = request.headers.get("authorization", "")
            message = "Invalid API Key provided." if sent else "You did not provide an API key."
            raise Problem(message, status=401)
        version = request.headers.get("stripe-version", "")
        if version != api_version():
            raise Problem(f"Invalid Stripe API version: {version[:50]}. The till speaks {api_version()}.")


def key_of(request: Request) -> str:
    """As Bearer, or as the name of Basic; "" for neither."""
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(sent, validate=True).decode().partition(":")[0]
        except (binascii.Error, ValueError):
            return ""
    return sent if scheme.lower() == "bearer" else ""
