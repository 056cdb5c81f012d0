"""Which tests the proof runs: those that do more there than every day. All others were just run by `make coverage`."""

import ast
import functools
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test

TESTS = Path(__file__).resolve().parent
ROOT_CONFTEST = TESTS / "conftest.py"  # of all tests, and asks for the scale only to choose among them
SCALE = "tests.scale"


def does_more(item: pytest.Item) -> bool:
    """Whether it explores, runs on one database only every day, or asks for the scale of the run, itself or by what
    it or a conftest.py beside it imports.
    """
    if item.get_closest_marker("everyday_on") is not None or is_hypothesis_test(getattr(item, "obj", None)):
        return True
    return any(asks_for_scale(file) for file in (item.path, *_conftests(item.path)))


def _conftests(path: Path) -> list[Path]:
    return [
        file
        for folder in path.parents
        if folder.is_relative_to(TESTS) and (file := folder / "conftest.py").exists()
        if file != ROOT_CONFTEST
    ]


def asks_for_scale(file: Path) -> bool:
    """By any number of imports among the tests' own modules."""
    seen: set[Path] = set()
    left = [file]
    while left:
        current = left.pop()
        if current in seen or current == ROOT_CONFTEST:
            continue
        seen.add(current)
        names = imported(current)
        if SCALE in names:
            return True
        left += [found for name in names if (found := _file_of(name)) is not None]
    return False


@functools.cache
def imported(file: Path) -> frozenset[str]:
    """Modules by full name; of `from x import y` both, since y may be one."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in names if name.split(".")[0] == "tests")


def _file_of(name: str) -> Path | None:
    path = TESTS.parent.joinpath(*name.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return file
    return None
