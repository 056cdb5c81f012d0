"""JSON from strangers: what is ambiguous or hostile is refused, in little time."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.errors import InvalidJson
from accounts.strict_json import MAX_DEPTH, parse_object
from tests import scale

LIMIT = 65_536

REFUSED: list[bytes] = [
    b"",
    b" ",
    b"{",
    b"null",
    b"[]",
    b'["prompt"]',
    b'"prompt"',
    b"1",
    b"true",
    b'{"a":1}{"b":2}',
    b'{"a":1,}',
    b"{'a':1}",
    b"{a:1}",
    b'{"a":1}\x00',
    b'{"a":"\x00"}',
    b'{"a":"\n"}',
    b'{"a":01}',
    b'{"a":+1}',
    b'{"a":.5}',
    b'{"a":0x1}',
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":-Infinity}',
    b'{"a":[NaN]}',
    b'{"a":1,"a":1}',
    b'{"a":1,"\\u0061":2}',  # the same key, spelled otherwise
    b'{"a":{"b":1,"b":2}}',
    b'{"a":[[{"b":1,"b":2}]]}',
    b'\xef\xbb\xbf{"a":1}',
    '{"a":1}'.encode("utf-16"),
    '{"a":1}'.encode("utf-16-le"),
    '{"a":1}'.encode("utf-32"),
    '{"a":"ü"}'.encode("latin-1"),
    b'{"a":"\xed\xa0\x80"}',  # half of a surrogate pair, encoded
    b'{"a":"\xc0\x80"}',  # NUL, encoded too long
    b'{"a":' + b"9" * 41 + b"}",
    b'{"a":' + b"9" * 5000 + b"}",
    b'{"a":0.' + b"9" * 500 + b"}",
    b'{"a":"\\x41"}',
    b'{"a":"\\u12"}',
    b"// comment\n{}",
    b"\xa0{}",
]


@pytest.mark.parametrize("body", REFUSED, ids=range(len(REFUSED)))
def test_ambiguous_or_malformed_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidJson):
        parse_object(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b' \t\r\n{ "a" : 1 } \n', {"a": 1}),
        (b'{"a":1,"b":{"a":1}}', {"a": 1, "b": {"a": 1}}),
        (b'{"a":"[[[[{{{{","b":"\\"[[["}', {"a": "[[[[{{{{", "b": '"[[['}),
        ('{"ü":"😀"}'.encode(), {"ü": "😀"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":-0,"b":1e3,"c":true,"d":null}', {"a": 0, "b": 1000.0, "c": True, "d": None}),
        (b'{"a":1e999}', {"a": float("inf")}),  # a number by JSON's grammar; no field takes it
        (b'{"a":' + b"9" * 40 + b"}", {"a": 10**40 - 1}),
    ],
)
def test_plain_json_is_read(body: bytes, value: dict[str, Any]) -> None:
    assert parse_object(body) == value


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """An object, `depth` levels deep in all."""
    return b'{"a":' + opening * (depth - 1) + b"0" + closing * (depth - 1) + b"}"


def test_depth_is_taken_to_the_limit_and_no_further() -> None:
    parse_object(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 1000, 32_000):
        with pytest.raises(InvalidJson):
            parse_object(nested(depth))
        with pytest.raises(InvalidJson):
            parse_object(nested(depth, b'{"a":', b"}"))


def test_60000_open_brackets_are_refused() -> None:
    with pytest.raises(InvalidJson):
        parse_object(b"[" * 60_000)


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b'\\"' * 32_700,  # a string that never ends: each of its quotes could begin another
        b'{"a":"' + b"\\" * 65_500,
        b'"' * 65_535,
        b'{"a":"' + b'\\"[' * 21_000,
        b'{"a":' + b'"",' * 21_000,
        b"{" + b" " * 65_000,
        b'{"a":' + b"-" * 65_000,
    ],
    ids=[
        "endless string",
        "backslashes",
        "quotes",
        "brackets in a string",
        "empty strings",
        "spaces",
        "signs",
    ],
)
def test_no_body_within_the_limit_takes_long(body: bytes) -> None:
    assert len(body) <= LIMIT
    started = time.process_time()
    with pytest.raises(InvalidJson):
        parse_object(body)
    assert time.process_time() - started < 5  # quadratic work takes more, linear work milliseconds


def test_many_keys_are_read_in_little_time() -> None:
    body = b"{" + b",".join(b'"%d":0' % number for number in range(6_500)) + b"}"
    assert len(parse_object(body)) == 6_500


@given(st.binary(max_size=200))
def test_no_bytes_upset_the_parser(body: bytes) -> None:
    with suppress(InvalidJson):
        parse_object(body)


scalars = st.none() | st.booleans() | st.integers(-(10**38), 10**38) | st.text(max_size=10)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=20
)


@settings(max_examples=scale.count(50, 1000))
@given(st.dictionaries(st.text(max_size=10), trees, max_size=8))
def test_what_python_writes_is_read_back(value: dict[str, Any]) -> None:
    assert parse_object(json.dumps(value).encode()) == value
