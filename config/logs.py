"""How a log line is written: without what customers wrote, their keys and their addresses.

Our own code logs none of that. What it cannot know is what errors of others repeat: a database names the row that it
refused, a mail server the recipient, an upstream the prompt.
"""

import logging
import re

_KEY = re.compile(r"\b(tt_(?:live|test)_)[0-9A-Za-z]{5,}")
_MAIL = re.compile(r"[\w.+%-]+@(?:[\w-]+\.)+[A-Za-z][\w-]*")
# PostgreSQL quotes the values of a row; they may hold line breaks, so all goes up to what follows in a traceback.
_ROW = re.compile(
    r"(DETAIL:|Failing row contains).*?(?=\n(?:HINT|CONTEXT|Traceback|The above|During)|\Z)", re.DOTALL
)


class DiscreetFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return discreet(super().format(record))


def discreet(text: str) -> str:
    if "DETAIL:" in text or "Failing row" in text:
        text = _ROW.sub(r"\1 …", text)
    if "@" in text:
        text = _MAIL.sub("…@…", text)
    return _KEY.sub(r"\1…", text) if "tt_" in text else text
