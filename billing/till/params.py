"""Parameters are taken as the library's own `stripe.params` declare them; what they do not know is refused."""

import re
import sys
from functools import cache
from importlib import import_module
from types import SimpleNamespace, UnionType
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

from billing.till.forms import Form
from billing.till.problems import Body, Problem

MAX_METADATA_KEYS = 50
MAX_METADATA_KEY = 40
MAX_METADATA_VALUE = 500
_OPTIONS = ("stripe._request_options", "RequestOptions")  # of the client, never on the wire
_NUMBER = re.compile(r"-?\d{1,20}(\.\d+)?")


def read(form: Form, path: str) -> Body:
    """The form as values of the TypedDict at `path`, such as "checkout.SessionCreateParams". Raises Problem."""
    module, _, name = f"stripe.params.{path}".rpartition(".")
    return _members(form, getattr(import_module(module), name), "")


def understands(params: Body, known: frozenset[str]) -> None:
    """Raises Problem for what Stripe would act on and the till would ignore: such a test would prove nothing."""
    for name in params:
        if name not in known:
            raise Problem(
                f"The till does not know what to do with {name}.", code="parameter_unsupported", param=name
            )


@cache
def _hints(shape: Any) -> dict[str, Any]:
    """The members that go over the wire, with the forward references resolved."""
    options = getattr(import_module(_OPTIONS[0]), _OPTIONS[1]).__annotations__
    own = {name: hint for name, hint in shape.__annotations__.items() if name not in options}
    space = vars(sys.modules[shape.__module__])
    return get_type_hints(SimpleNamespace(__annotations__=own), globalns=space)


def _members(form: Form, shape: Any, outer: str) -> Body:
    hints = _hints(shape)
    for name in form:
        if name not in hints:
            full = _inside(outer, name)
            raise Problem(f"Received unknown parameter: {full}", code="parameter_unknown", param=full)
    for name in hints:
        if name in shape.__required_keys__ and name not in form:
            full = _inside(outer, name)
            raise Problem(f"Missing required param: {full}.", code="parameter_missing", param=full)
    return {name: _value(value, hints[name], _inside(outer, name)) for name, value in form.items()}


def _inside(outer: str, name: str) -> str:
    return f"{outer}[{name}]" if outer else name


def _value(value: str | Form, hint: Any, name: str) -> Any:
    kinds = list(_alternatives(hint))
    if isinstance(value, str):
        return _text(value, kinds, name)
    for kind in kinds:
        if hasattr(kind, "__required_keys__"):
            return _members(value, kind, name)
        origin, inner = get_origin(kind), get_args(kind)
        if origin is dict:
            return _texts(value, name)
        if origin is list:
            return [_value(value[index], inner[0], f"{name}[{index}]") for index in _indexes(value, name)]
    raise Problem(f"Invalid value for {name}: an object was not expected", param=name)


def _alternatives(hint: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType, Required, NotRequired):
        for inner in get_args(hint):
            yield from _alternatives(inner)
    else:
        yield hint


def _indexes(form: Form, name: str) -> list[str]:
    if not all(index.isdecimal() and index.isascii() for index in form):
        raise Problem("Invalid array", param=name)
    return sorted(form, key=int)


def _texts(form: Form, name: str) -> dict[str, str]:
    """Metadata: text by text. An empty one unsets its key."""
    if len(form) > MAX_METADATA_KEYS:
        raise Problem(f"Metadata can have up to {MAX_METADATA_KEYS} keys", param=name)
    for key, value in form.items():
        full = _inside(name, key)
        if not isinstance(value, str):
            raise Problem(f"Invalid value for {full}: metadata values are text", param=full)
        if len(key) > MAX_METADATA_KEY or len(value) > MAX_METADATA_VALUE:
            raise Problem(
                f"Metadata keys can be up to {MAX_METADATA_KEY} characters, values up to {MAX_METADATA_VALUE}",
                param=full,
            )
    return {key: str(value) for key, value in form.items()}


def _text(value: str, kinds: list[Any], name: str) -> Any:
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    if value in words:
        return value
    if value == "":
        raise Problem(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a field;"
            f" however '{name}' cannot be unset.",
            code="parameter_invalid_empty",
            param=name,
        )
    if bool in kinds:
        if value in ("true", "false"):
            return value == "true"
        raise Problem(f"Invalid boolean: {value[:50]}", param=name)
    if int in kinds:
        if re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            return int(value)
        raise Problem(f"Invalid integer: {value[:50]}", code="parameter_invalid_integer", param=name)
    offered = [word for word in words if word]
    if offered:
        raise Problem(f"Invalid {name}: must be one of {', '.join(offered)}", param=name)
    if str in kinds:
        return value
    if any(getattr(kind, "__name__", "") in ("Decimal", "float") for kind in kinds) and _NUMBER.fullmatch(
        value
    ):
        return value
    raise Problem(f"Invalid value for {name}", param=name)
