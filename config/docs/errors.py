"""Every error that a program can meet, from what endpoints say of themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rest_framework.views import APIView

from accounts.documented import Documented
from accounts.errors import DomainError, UnknownHost
from config.docs.cures import CURES
from config.docs.openapi import errors_of
from generations.errors import ImageDeleted, LinkClosed

# Of the addresses of images, which are no endpoints; and of a name that leads to no shop, so to none of its endpoints.
BESIDE = (LinkClosed, ImageDeleted, UnknownHost)


@dataclass(frozen=True, slots=True)
class Entry:
    word: str
    statuses: tuple[int, ...]
    message: Any
    cure: Any


def catalogue() -> list[Entry]:
    """By status, then by word."""
    known: dict[str, list[type[DomainError]]] = {}
    found: list[type[DomainError]] = [*_documented_errors(), *BESIDE]
    for error in found:
        known.setdefault(str(error.type), []).append(error)
    entries = [
        Entry(word, tuple(sorted({error.status for error in errors})), errors[0].message, CURES[word])
        for word, errors in known.items()
    ]
    return sorted(entries, key=lambda entry: (entry.statuses, entry.word))


def _documented_errors() -> Iterator[type[DomainError]]:
    for method, operation in documented_operations():
        yield from errors_of(operation, method)


def documented_operations() -> Iterator[tuple[str, Documented]]:
    """(method, what is said of it)"""
    for view in _subclasses(APIView):
        for method in ("get", "post", "put", "patch", "delete"):
            found = getattr(vars(view).get(method), "documented", None)
            if found is not None:
                yield method.upper(), found


def _subclasses(view: type[Any]) -> Iterator[type[Any]]:
    for one in view.__subclasses__():
        yield one
        yield from _subclasses(one)
