"""What a caller gave, as JSON and query strings say it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal


class _Kept(Enum):
    KEPT = "kept"


KEPT: Final = _Kept.KEPT
Kept = Literal[_Kept.KEPT]


def named(**fields: Any) -> dict[str, Any]:
    """For changes: what was named, None among it. Raises ValueError for a time without a zone."""
    return {name: plain_value(value) for name, value in fields.items() if value is not KEPT}


def given(**fields: Any) -> dict[str, Any]:
    """What is not None. Raises ValueError for a time without a zone."""
    return {name: plain_value(value) for name, value in fields.items() if value is not None}


def plain_value(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError("A time needs its zone, as in datetime.now(UTC)")
        return value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
