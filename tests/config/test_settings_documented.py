"""docs/operations.md, people.md and gpu.md name every variable that the settings read, with the default of the code."""

import ast
import re

from config.management.commands import backup, restore
from tests.processes import ROOT
from tests.services import product_variables, settings_source

OPERATIONS = "\n".join(
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("operations.md", "people.md", "gpu.md")
)
NAME = re.compile(r"`([A-Z][A-Z0-9_]+)`")
VARIABLES = product_variables()
# Of the till's and the shop's making alone, or named by its file.
NOT_FOR_OPERATORS = {"TILL_SECRET", "GPU_WORKER"}


def documented(text: str) -> dict[str, str]:
    """Names in the first column of the tables of settings -> what stands in the second."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3:
            names = NAME.findall(cells[0])
            found |= {name if name in VARIABLES else name.removesuffix("_FILE"): cells[1] for name in names}
    return found


def defaults(source: str) -> dict[str, str]:
    """Of readers that state a number: `env.integer("NAME", 10, …)`."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="env"), attr="integer" | "seconds"),
                args=[ast.Constant(value=str(name)), ast.Constant(value=default), *_],
            ):
                found[name] = str(default)
    return found


def stale(text: str, source: str) -> list[str]:
    """Of variables that share a line, the defaults stand in their order."""
    table = documented(text)
    wrong = []
    for name, default in defaults(source).items():
        stated = re.findall(r"\d+(?:\.\d+)?", table.get(name, ""))
        if stated and default not in stated:
            wrong.append(f"{name}: {default} in the code, {table[name]} in the table")
    return wrong


def test_every_variable_is_documented_and_nothing_else() -> None:
    assert VARIABLES - set(documented(OPERATIONS)) == NOT_FOR_OPERATORS
    unknown = set(documented(OPERATIONS)) - VARIABLES
    assert unknown == set(), "No setting reads these"


def test_defaults_are_those_of_the_code() -> None:
    source = settings_source()
    assert len(defaults(source)) > 20
    assert stale(OPERATIONS, source) == []


def test_a_default_that_changed_is_found() -> None:
    line = "| `PORT` | 8000 | where web listens |"
    assert stale(line, 'PORT = env.integer("PORT", 8000, 1, 65535)') == []
    assert stale(line, 'PORT = env.integer("PORT", 9000, 1, 65535)')


def test_the_recipes_for_postgresql_are_those_of_the_commands() -> None:
    for recipe in (backup.RECIPE, restore.RECIPE):
        lines = [line.split("  ")[0] for line in recipe.splitlines() if not line.startswith("#")]
        assert [line for line in lines if line not in OPERATIONS] == []
