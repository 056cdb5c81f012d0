"""Answers into dataclasses: members that a class does not name are let pass, and stay in `raw`."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, Union

from tintype.errors import UnexpectedAnswer

T = TypeVar("T")


class _Nothing:
    """Of which nothing that comes is an instance."""


def read(kind: type[T], data: object) -> T:
    """`kind`: a dataclass. Raises UnexpectedAnswer, which names the member that is missing or of another type."""
    value: T = _read(kind, data, kind.__name__)
    return value


def _read(kind: Any, data: object, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        [kind] = [one for one in arguments if one is not type(None)]
        return None if data is None else _read(kind, data, where)
    if origin is list and isinstance(data, list):
        return [_read(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(data)]
    if origin is dict and isinstance(data, dict):
        return {str(name): _read(arguments[1], value, f"{where}.{name}") for name, value in data.items()}
    if origin is None and dataclasses.is_dataclass(kind):
        return _read_members(kind, data, where)
    return _read_plain(kind if origin is None else _Nothing, data, where)


def _read_members(kind: Any, data: object, where: str) -> Any:
    if not isinstance(data, Mapping):
        raise _wrong(where, data)
    values: dict[str, Any] = {}
    for field, hint in _members(kind):
        if field.name == "raw":
            values["raw"] = dict(data)
        elif field.name in data:
            values[field.name] = _read(hint, data[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise UnexpectedAnswer(f"The answer lacks {where}.{field.name}")
    return kind(**values)


@functools.cache
def _members(kind: Any) -> tuple[tuple[dataclasses.Field[Any], Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((field, hints[field.name]) for field in dataclasses.fields(kind))


def _read_plain(kind: Any, data: object, where: str) -> Any:
    if kind is Any:
        return data
    if kind is datetime.datetime:
        return _moment(data, where)
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise _wrong(where, data)
    return data


def _moment(data: object, where: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(data) if isinstance(data, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _wrong(where, data)
    return moment


def _wrong(where: str, data: object) -> UnexpectedAnswer:
    # The type alone: the value may be a secret.
    return UnexpectedAnswer(f"{where} is of an unexpected kind: {type(data).__name__}")
