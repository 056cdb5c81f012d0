"""The till of one account: its settings, its store, its clock, and the transaction that everything happens in."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from billing.till.behaviour import Behaviour, Log
from billing.till.problems import Body, missing
from billing.till.store import Store

CLOCK = "clock_ahead_s"


@dataclass(frozen=True, slots=True)
class Settings:
    """`webhook_url`, of the shop's server, is empty when nobody wants to hear of anything; `public_url` has no slash at
    its end.
    """

    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    public_url: str
    webhook_url: str = ""


class Till:
    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store
        self.behaviour = Behaviour()
        self.log = Log()
        # Of the request that is being answered, for its events; within the transaction's lock.
        self.request: Body = {"id": None, "idempotency_key": None}

    @property
    def desk_path(self) -> str:
        return f"/shops/{self.store.account}/" if self.store.account else "/"

    @property
    def webhook_host(self) -> str:
        """By which the shop's server knows which shop an event is for."""
        return self.store.host() or urlsplit(self.settings.webhook_url).netloc

    @property
    def webhook_address(self) -> str:
        """As the shop would have entered it at Stripe."""
        url = self.settings.webhook_url
        return urlsplit(url)._replace(netloc=self.webhook_host).geturl() if url else ""

    def exact_now(self) -> float:
        """Seconds since 1970, and what the control API has added for all accounts."""
        return time.time() + Store(self.store.database).number(CLOCK)

    def now(self) -> int:
        return int(self.exact_now())

    @contextmanager
    def transaction(
        self, request_id: str | None = None, idempotency_key: str | None = None
    ) -> Iterator[None]:
        with self.store.transaction():
            before = self.request
            self.request = {"id": request_id, "idempotency_key": idempotency_key}
            try:
                yield
            finally:
                self.request = before

    def need(self, kind: str, object_id: str, *, param: str = "", what: str = "") -> Body:
        """The object. Raises Problem: 404, or 400 when `param` named it."""
        body = self.store.get(object_id, kind)
        if body is None:
            name = what or kind.rpartition(".")[2].replace("_", " ")
            raise missing(name, object_id, param=param or "id", status=400 if param else 404)
        return body
