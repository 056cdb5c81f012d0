"""How a log line is written: without what customers wrote, their keys and their addresses.

Our own code logs none of that. What it cannot know is what errors of others repeat: a database names the row that it
refused, a mail server the recipient, an upstream the prompt.
"""

import logging
import re
from typing import Any

_KEY = re.compile(r"\b(tt_(?:live|test)_)[0-9A-Za-z]{5,}")
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


class DiscreetFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return discreet(super().format(record))


def discreet(text: str) -> str:
    if "DETAIL:" in text or "Failing row" in text:
        text = _ROW.sub(r"\1 …", text)
    if "@" in text:
        text = _MAIL.sub("…@…", text)
    return _KEY.sub(r"\1…", text) if "tt_" in text else text


def configuration(level: str) -> dict[str, Any]:
    """As logging.config takes it; `level`: of everything that has none of its own."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "config.logs.DiscreetFormatter",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
            }
        },
        "filters": {"bugs": {"()": "config.logs.Bugs"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
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
