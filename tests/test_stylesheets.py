"""A brace that is missing changes no page's answer, only its look."""

from pathlib import Path

import pytest
from django.conf import settings

SHEETS = sorted((Path(settings.BASE_DIR) / "static" / "css").glob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_each_part_begins_outside_of_every_rule(sheet: Path) -> None:
    depth = 0
    for number, line in enumerate(sheet.read_text(encoding="utf-8").splitlines(), 1):
        assert depth == 0 or not line.startswith("/* ---"), f"{sheet.name}:{number} lies within a rule"
        depth += line.count("{") - line.count("}")
    assert depth == 0
