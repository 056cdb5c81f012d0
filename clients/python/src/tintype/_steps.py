"""What an operation is made of: a generator that says what it wants done, and is told what came of it.

It opens no connection and does not wait, so the same one serves the blocking client and the asynchronous one; each of
these has one loop that does what is asked for.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from tintype.errors import ConnectionFailed
from tintype.retries import Retries

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """What every request of a client has in common. `base_url` without a slash at its end."""

    base_url: str
    api_key: str = field(repr=False)
    timeout_s: float
    retries: Retries


@dataclass(frozen=True, slots=True)
class Request:
    """Answered by an Answer, or by ConnectionFailed where none came."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = None
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, slots=True)
class Write:
    """A whole file, or none: it appears under its name once all of it is there."""

    path: Path
    content: bytes = field(repr=False)


Step: TypeAlias = Request | Sleep | Write
Outcome: TypeAlias = Answer | ConnectionFailed | None
Flow: TypeAlias = Generator[Step, Any, T]
