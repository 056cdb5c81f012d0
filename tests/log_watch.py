"""Looks at every line that is logged during the tests, as the shop would write it: no secret, prompt or address."""

import logging
import re

from config.logs import JsonFormatter
from tests.passwords import PASSWORD

# What tests give away on purpose, in whatever they do.
SECRETS = {
    "a key": re.compile(r"tt_(?:live|test)_[0-9A-Za-z]{36}"),
    "a key of Stripe": re.compile(r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{12,}"),
    "a secret that signs": re.compile(r"\bwhsec_[0-9A-Za-z+/=]{16,}"),
    "a password": re.compile(re.escape(PASSWORD)),
    "a prompt": re.compile(r"a fox in the snow|a lighthouse|walrus", re.I),
    "an address": re.compile(r"[\w.+-]+@[\w-]+\.example\b"),
}


def told(text: str) -> list[str]:
    """What of it nobody may read, with the line that it stands in."""
    found = []
    for line in text.splitlines():
        found += [f"{what}: {line[:300]}" for what, pattern in SECRETS.items() if pattern.search(line)]
    return found


class Watch(logging.Handler):
    """`guilty`: the lines that tell too much."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.guilty: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.guilty += told(self.format(record))
