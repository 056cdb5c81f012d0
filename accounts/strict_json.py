"""JSON from strangers: what is ambiguous is refused, not guessed."""

import json
import re
from typing import Any, NoReturn

from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidJson

MAX_DEPTH = 32
# A string without an end is taken whole: to look for tokens in it would make the time quadratic.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises InvalidJson unless it is UTF-8 without a byte order mark, at most
    32 levels deep, without NaN, Infinity, duplicate keys or numbers too long to be meant.
    """
    if body.startswith(b"\xef\xbb\xbf"):
        raise InvalidJson(_("The body starts with a byte order mark; send plain UTF-8"))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidJson(_("The body is not UTF-8")) from None
    _check_depth(body)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_whole,
            parse_float=_fraction,
        )
    except (ValueError, RecursionError):
        raise InvalidJson from None
    if not isinstance(value, dict):
        raise InvalidJson(_("The body must be a JSON object"))
    return value


def _check_depth(body: bytes) -> None:
    # Before parsing: the parser's own limit depends on how deep the stack already is.
    depth = 0
    for token in _TOKENS.finditer(body):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidJson(_("The body is nested too deeply"))
        elif first in b"]}":
            depth -= 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise InvalidJson(_("A key appears twice in one object"))
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJson(_("%(name)s is not a JSON number") % {"name": name})


def _whole(digits: str) -> int:
    if len(digits) > 40:
        raise InvalidJson(_("A number is too long"))
    return int(digits)


def _fraction(digits: str) -> float:
    if len(digits) > 400:
        raise InvalidJson(_("A number is too long"))
    return float(digits)
