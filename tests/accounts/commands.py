"""Operators' commands as a shell sees them: exit code, stdout, stderr."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import ManagementUtility

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str


class Shell:
    """Runs `manage.py` in this process, on a database with real commits."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Done:
        self._capsys.readouterr()
        code = 0
        try:
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        out, err = self._capsys.readouterr()
        return Done(code, out, err)

    def answer(self, *arguments: str) -> str:
        """The one line that a command that succeeds prints."""
        done = self(*arguments)
        assert (done.code, done.err) == (0, ""), done
        assert done.out.count("\n") == 1
        return done.out.removesuffix("\n")

    def refusal(self, *arguments: str) -> str:
        """What a command that fails says: on stderr, in one line, with exit 1 and an empty stdout."""
        done = self(*arguments)
        assert (done.code, done.out) == (1, ""), done
        [line] = done.err.strip().splitlines()
        return line


def in_a_process(*arguments: str, **variables: str) -> Done:
    """`manage.py` as a process of its own, which finds the database by DATA_DIR and DATABASE_URL."""
    environment = {name: value for name, value in os.environ.items() if variables.get(name) != ""} | variables
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={name: value for name, value in environment.items() if value},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Done(done.returncode, done.stdout, done.stderr)
