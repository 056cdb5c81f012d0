"""A list of the API, as pages that lead from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tintype._asking import ask
from tintype._reading import read
from tintype._steps import Flow, Settings
from tintype.errors import UnexpectedAnswer
from tintype.results import Page

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    path: str
    kind: type[T]
    query: Mapping[str, str | int | bool | None] = field(default_factory=dict)

    def page(self, settings: Settings, cursor: str | None = None) -> Flow[Page[T]]:
        answer = yield from ask(settings, "GET", self.path, query={**self.query, "cursor": cursor})
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
            raise UnexpectedAnswer(f"The answer of {self.path} is not a list")
        following = answer.get("next_cursor")
        if following is not None and (not isinstance(following, str) or following == cursor):
            raise UnexpectedAnswer(f"The list at {self.path} leads to no next page")
        return Page([read(self.kind, item) for item in answer["data"]], following)
