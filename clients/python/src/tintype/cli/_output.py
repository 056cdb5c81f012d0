"""What the command writes. No key, and nothing that a terminal would obey, leaves through here."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from typing import Any, TextIO

from tintype import errors
from tintype.retries import may_repeat

# Longer than the beginning by which keys are told apart, which is no secret.
_KEY = re.compile(r"(tt_(?:live|test)_[0-9A-Za-z]{4})[0-9A-Za-z]+")


def masked(text: str) -> str:
    return _KEY.sub(r"\1…", text)


def printable(text: object) -> str:
    """Other people's words, without signs that move the cursor."""
    return "".join(sign if sign.isprintable() else "�" for sign in str(text))


class Output:
    """`out` is what scripts read; `err` is for people."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self.out = out
        self.err = err

    def print(self, text: object = "") -> None:
        self.out.write(masked(printable(text)) + "\n")

    def say(self, text: str) -> None:
        for line in text.splitlines():
            self.err.write(masked(printable(line)) + "\n")
        self.err.flush()

    def json(self, data: Any) -> None:
        self.out.write(masked(json.dumps(data, indent=2)) + "\n")

    def facts(self, facts: Sequence[tuple[str, object]]) -> None:
        """Name and value a line; what is None is left out."""
        known = [(name, value) for name, value in facts if value is not None]
        width = max((len(name) for name, _ in known), default=0)
        for name, value in known:
            self.print(f"{name:<{width}}  {value}")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """The last column is cut where the terminal ends."""
        cells = [head, *([printable("-" if cell is None else cell) for cell in row] for row in rows)]
        widths = [max(len(row[index]) for row in cells) for index in range(len(head) - 1)]
        room = shutil.get_terminal_size().columns if self.out.isatty() else None
        for row in cells:
            line = "  ".join(
                [*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]
            )
            self.print(line[:room].rstrip())


def explained(error: errors.TintypeError) -> str:
    """What went wrong, and what mends it."""
    lines = [f"tintype: {error}"]
    if isinstance(error, errors.ApiError):
        lines[0] += f" ({error.type}{f': {error.param}' if error.param else ''})"
        if isinstance(error, errors.InsufficientCredits) and error.required is not None:
            lines.append(f"  {error.required} credits are needed, {error.available} are available")
        if error.fix_url:
            lines.append(f"  mend it here: {error.fix_url}")
        if error.retry_after is not None and may_repeat(error.status, error.type, is_repeatable=True):
            lines.append(f"  try again in {error.retry_after} s")
        if error.request_id:
            lines.append(f"  request {error.request_id}")
    if error.task_id is not None:
        lines.append(f"  see what becomes of it: tintype status --wait {error.task_id}")
    return "\n".join(lines)
