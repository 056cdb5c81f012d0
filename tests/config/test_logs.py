"""Log lines hold no mail address, no key and no row that a database refused."""

import ast
import logging
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection

from accounts import keys
from config.logs import Bugs, DiscreetFormatter, discreet
from generations.models import Generation
from tests import house
from tests.makers import a_generation, an_access, an_organization

LOGGING: dict[str, Any] = settings.LOGGING


def line(message: str, *arguments: object, error: BaseException | None = None) -> str:
    formatter = DiscreetFormatter(LOGGING["formatters"]["lines"]["fmt"])
    info = (type(error), error, error.__traceback__) if error else None
    return formatter.format(logging.LogRecord("shop", logging.ERROR, "file.py", 1, message, arguments, info))


@pytest.mark.parametrize(
    "text", ["a@b.example", "First.Last+tag@mail.shop.example", "<jürgen@bücher.example>", "x@y.co.uk."]
)
def test_addresses_are_left_out(text: str) -> None:
    written = line("550 nobody here: %s", text)
    assert "@" not in written.replace("…@…", "")
    assert "nobody here" in written


def test_keys_are_left_out_and_their_kind_is_told() -> None:
    key = keys.mint(livemode=True)
    written = line("what about %r?", {"Authorization": f"Bearer {key}"})
    assert key[8:] not in written
    assert "tt_live_…" in written


@pytest.mark.parametrize("before", ["\n", "\r", "\x00", "\x1b", "\u2028"])
def test_keys_are_left_out_also_behind_what_would_begin_a_line(before: str) -> None:
    key = keys.mint(livemode=True)
    said = f"Authorization: Bearer{before}{key}"
    for written in (line("what about %s?", said), line("what about it?", error=ValueError(repr(said)))):
        assert key[8:] not in written
        assert "tt_live_…" in written


def test_what_others_wrote_begins_no_line_of_its_own() -> None:
    said = "no\r\n2026-11-29 ERROR root all is lost\u2028\x1b[2J\x85\tend"
    written = line("the upstream said: %s", said)
    assert written.splitlines() == [written]
    assert "\\n2026-11-29 ERROR root all is lost\\u2028\\x1b[2J" in written
    assert "\tend" in written
    with_traceback = line("broken: %s", "a\nb", error=ValueError("c\nd"))
    assert len(with_traceback.splitlines()) == 3, "The message, and the traceback's own"


def test_ids_and_names_stay() -> None:
    text = "task_01ABC: key_0123abc of alices-studio, pay_1 and /playground/?a=b&c=d"
    assert discreet(text) == text


def test_the_values_of_a_row_are_left_out() -> None:
    error = ValueError(
        'new row violates "generation_n"\nDETAIL:  Failing row contains (1, a fox\nin the snow, null).\n'
    )
    written = line("unhandled %r", error, error=error)
    assert "fox" not in written
    assert "snow" not in written
    assert "generation_n" in written


@pytest.mark.django_db
def test_a_database_that_refuses_a_prompt_tells_nobody_of_it() -> None:
    generation = a_generation(an_access(an_organization(15)))
    prompt = "a fox\nin the snow"
    with pytest.raises(DatabaseError) as refused:
        Generation.objects.filter(pk=generation.pk).update(prompt=prompt, n=9)
    try:
        raise RuntimeError("it broke") from refused.value
    except RuntimeError as error:
        written = line("unhandled %r", refused.value, error=error)
    assert "RuntimeError: it broke" in written
    assert "generation_n_is_1_to_4" in written
    assert "snow" not in written
    assert connection.vendor != "postgresql" or "DETAIL: …" in written


def test_lines_of_requests_are_about_bugs() -> None:
    bug = (RuntimeError, RuntimeError(), None)
    for status, error, is_written in (
        (500, bug, True),
        (503, bug, False),
        (500, None, False),
        (504, None, False),
    ):
        record = logging.makeLogRecord({"status_code": status, "exc_info": error})
        assert Bugs().filter(record) is is_written, (status, error)


def test_what_libraries_would_write_down_at_debug_is_never_asked_for() -> None:
    for name in ("django.db.backends", "httpx2", "httpcore2", "stripe", "botocore"):
        assert LOGGING["loggers"][name]["level"] in ("INFO", "WARNING")


# --- What our own code hands to its loggers ------------------------------------------------------

UNWANTED = {"prompt", "email", "to", "secret", "password", "credential", "token", "text", "address"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def unwanted_in_logs(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """By name: what holds text of customers, their addresses or secrets."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"), attr=level)) if level in LEVELS:
                for argument in node.args[1:]:
                    for inner in ast.walk(argument):
                        word = getattr(inner, "attr", getattr(inner, "id", ""))
                        if word in UNWANTED:
                            yield f"{path}:{node.lineno}: logs {word}"


def test_nothing_of_customers_is_handed_to_a_logger() -> None:
    assert house.violations(unwanted_in_logs) == []


def test_a_logged_address_is_found_control() -> None:
    source = 'logger.info("%s has signed in", user.email)'
    assert list(unwanted_in_logs(PurePosixPath("accounts/x.py"), ast.parse(source)))
