"""What a check has to say."""

from dataclasses import dataclass, replace
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line each of `what` and `cure`; `check` is filled in by whoever ran it."""

    level: Level
    what: str
    cure: str = ""
    check: str = ""

    def of(self, check: str) -> "Finding":
        return replace(self, check=check)

    def __str__(self) -> str:
        return f"{self.level:<7}  {self.check}: {self.what} {self.cure}".rstrip()


def ok(what: str) -> Finding:
    return Finding("ok", what)


def warning(what: str, cure: str = "") -> Finding:
    """It works, and will not always."""
    return Finding("warning", what, cure)


def error(what: str, cure: str) -> Finding:
    """Something does not work, or is open to others."""
    return Finding("error", what, cure)
