"""README.md's table names every command that operators run, with no option that the command does not have."""

import re

import pytest
from django.core.management import get_commands, load_command_class

from tests.processes import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = README.partition("| `manage.py …` | prints |")[2].partition("\n\n")[0]
OF_OTHERS = {"createsuperuser", "changepassword"}
FIRST_COMMAND = "up"  # `make run`
CALLS = re.findall(r"`([a-z_]+)([^`]*)`", "\n".join(row.split("|")[1] for row in TABLE.splitlines() if row))


def test_every_command_is_named() -> None:
    ours = {path.stem for path in ROOT.glob("*/management/commands/*.py")} - {"__init__", FIRST_COMMAND}
    assert {name for name, _options in CALLS} == ours | OF_OTHERS


@pytest.mark.parametrize(("name", "options"), CALLS)
def test_command_takes_the_options_that_are_named(name: str, options: str) -> None:
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    known = {option for action in parser._actions for option in action.option_strings}
    assert set(re.findall(r"--[a-z-]+", options)) <= known
