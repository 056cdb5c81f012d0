"""A request and its answer, as the till's parts see them."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` have lower-case names."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    @property
    def text(self) -> str:
        """The body; what is no UTF-8 in it becomes something that no parameter accepts."""
        return self.body.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(status: int, body: Any, **headers: str) -> Reply:
    sent = {"Content-Type": "application/json", "Cache-Control": "no-cache, no-store"}
    return Reply(status, json.dumps(body, indent=2).encode(), {**sent, **headers})
