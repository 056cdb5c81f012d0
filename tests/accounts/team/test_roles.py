"""The one table of rights, on the page and in the docs."""

import re
from pathlib import Path

import pytest

from accounts.models import Role
from accounts.roles import table
from tests.cast import Person
from tests.pages import browser_of

DOC = Path(__file__).resolve().parents[3] / "docs" / "roles.md"
Table = list[list[str]]


def in_code() -> Table:
    head = ["", *(str(role.label) for role in Role)]
    return [
        head,
        *([str(right.label), *("yes" if mark else "" for mark in marks)] for right, marks in table()),
    ]


def in_docs(text: str) -> Table:
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if not set("".join(row)) <= set("- ")]


def test_docs_hold_the_table_in_code() -> None:
    assert in_docs(DOC.read_text()) == in_code()


def test_another_table_in_the_docs_is_noticed() -> None:
    text = DOC.read_text()
    assert (
        in_docs(text.replace("| Make images | yes | yes | yes | | |", "| Make images | yes | | | | |"))
        != in_code()
    )
    assert in_docs(text.replace("| Read the audit log |", "| Read all |")) != in_code()


@pytest.mark.django_db
def test_page_shows_the_table_in_code(alice: Person) -> None:
    html = browser_of(alice).get("/team/").content.decode().partition('class="rights"')[2]
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    shown = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    words = [[cell if "span" not in cell else "yes" * ("✓" in cell) for cell in row] for row in shown]
    assert words == [[cell.replace("'", "&#x27;") for cell in row] for row in in_code()]
