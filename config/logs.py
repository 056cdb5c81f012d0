"""How a log line is written: with the ids of the request and the order that it is about, and without what customers
wrote, their keys and their addresses.

Our own code logs none of that. What it cannot know is what errors of others repeat: a database names the row that it
refused, a mail server the recipient, an upstream the prompt.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from accounts import trail

# Whatever stands before it: where a line was broken that is a letter, as in \ntt_live_.
_KEY = re.compile(r"(tt_(?:live|test)_)[0-9A-Za-z]{5,}")
_MAIL = re.compile(r"[\w.+%-]+@(?:[\w-]+\.)+[A-Za-z][\w-]*")
# PostgreSQL quotes the values of a row; they may hold line breaks, so all goes up to what follows in a traceback.
_ROW = re.compile(
    r"(DETAIL:|Failing row contains).*?(?=\n(?:HINT|CONTEXT|Traceback|The above|During)|\Z)", re.DOTALL
)


class Bugs(logging.Filter):
    """Of django.request, which would write an error for every answer from 500 on: 503, also those that strangers cause,
    orders that failed, and clients of OpenAI's that hung up or waited too long. Whoever raises one has said so where it
    is known what is away, and config/api.py what is a bug. What is left are exceptions that nobody made an answer of.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info) and getattr(record, "status_code", None) != 503


# What would begin a line, or steer the terminal of whoever reads it.
_CONTROL = {
    code: repr(chr(code))[1:-1]
    for code in (*range(32), *range(127, 160), 0x2028, 0x2029)
    if chr(code) != "\t"
}


class DiscreetFormatter(logging.Formatter):
    """For people: `%(trail)s` is where the ids come. A message is one line, whatever others wrote into it; only a
    traceback has several.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return super().formatMessage(record).translate(_CONTROL)

    def format(self, record: logging.LogRecord) -> str:
        record.trail = "".join(f" {name}={value}" for name, value in trail.ids().items())
        return discreet(super().format(record))


class JsonFormatter(logging.Formatter):
    """For machines: one object a line. `error` is the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **trail.ids(),
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return json.dumps({name: discreet(value) for name, value in fields.items()})


def discreet(text: str) -> str:
    if "DETAIL:" in text or "Failing row" in text:
        text = _ROW.sub(r"\1 …", text)
    if "@" in text:
        text = _MAIL.sub("…@…", text)
    return _KEY.sub(r"\1…", text) if "tt_" in text else text


FORMATS = ("lines", "json")


def configuration(level: str, form: str) -> dict[str, Any]:
    """As logging.config takes it; `level`: of everything that has none of its own; `form`: one of FORMATS."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": "config.logs.DiscreetFormatter",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s%(trail)s",
            },
            "json": {"()": "config.logs.JsonFormatter"},
        },
        "filters": {"bugs": {"()": "config.logs.Bugs"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Granian's workers: it gives its own loggers a handler, which knows nothing of the above.
            "_granian": {"handlers": ["stderr"], "propagate": False},
            # Refusals are answers, not events; bugs and outages are logged where they become answers.
            "django.request": {"level": "ERROR", "filters": ["bugs"]},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            # It writes a line with the whole address for every question to an upstream.
            "httpx2": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
            # At DEBUG these write down what is in rows, requests and mails, whatever LOG_LEVEL says.
            **{
                name: {"level": "INFO"}
                for name in ("django.db.backends", "httpcore2", "botocore", "boto3", "s3transfer", "urllib3")
            },
        },
    }
