"""Stripe's form encoding: `a[b][0][c]=x` -> {"a": {"b": {"0": {"c": "x"}}}}."""

import re
from urllib.parse import parse_qsl

from billing.till.problems import Problem

# Leaves are text; what becomes a list is known only by the parameter's type, so numbers stay keys here.
Form = dict[str, "str | Form"]

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
MAX_DEPTH = 10
MAX_FIELDS = 1000


def decode(text: str) -> Form:
    """Raises Problem for what is no such form."""
    form: Form = {}
    try:
        text.encode()
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise Problem("Invalid request: the body is no form encoding") from error
    for key, value in fields:
        _put(form, key, value)
    return form


def _put(form: Form, key: str, value: str) -> None:
    match = _KEY.fullmatch(key)
    parts = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])] if match else []
    if not parts or len(parts) > MAX_DEPTH:
        raise Problem(f"Invalid parameter name: {key[:100]}", param=key[:100])
    inner = form
    for part in parts[:-1]:
        below = inner.setdefault(part or str(len(inner)), {})
        if not isinstance(below, dict):
            raise Problem(f"Invalid parameter: {key[:100]} is both a value and an object", param=key[:100])
        inner = below
    last = parts[-1] or str(len(inner))
    if isinstance(inner.get(last), dict):
        raise Problem(f"Invalid parameter: {key[:100]} is both a value and an object", param=key[:100])
    inner[last] = value
