"""Every word that people see is there in every language, and what is compiled is what was written."""

import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.processes import ROOT

CODES = ("de", "zh_Hans")
APPS = ("accounts", "billing", "config", "generations", "webhooks", "templates")
# What stands for something, or marks a text: the same in every language.
MARKS = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}|</?[a-zA-Z][^>]*>")


def catalogue(code: str, kind: str) -> Path:
    return ROOT / "locale" / code / "LC_MESSAGES" / f"django.{kind}"


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All words as they stand in the code now, with no translation."""
    folder = tmp_path_factory.mktemp("words")
    for app in APPS:
        shutil.copytree(ROOT / app, folder / app, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    shutil.copy(ROOT / "manage.py", folder)
    (folder / "locale").mkdir()
    command = [sys.executable, "manage.py", "makemessages", "-v0", "--no-location", "--keep-pot", "-l", "de"]
    environment = {**os.environ, "DATA_DIR": str(folder / "data")}
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=120)
    return folder / "locale" / "django.pot"


@pytest.mark.parametrize("code", CODES)
def test_every_word_is_translated_and_none_is_left_from_before(words: Path, code: str) -> None:
    written = catalogue(code, "po")
    for known, needed in ((written, words), (words, written)):
        # Of the second, everything has to be in the first; translated and not fuzzy when that is ours.
        untranslated = ["--use-untranslated"] if known == words else []
        done = subprocess.run(
            ["msgcmp", *untranslated, str(known), str(needed)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"cure: make messages, then translate\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("code", CODES)
def test_what_is_compiled_is_what_was_written(tmp_path: Path, code: str) -> None:
    fresh = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check", "-o", fresh, catalogue(code, "po")], check=True, timeout=60)
    assert messages(fresh) == messages(catalogue(code, "mo")), "cure: make messages"


@pytest.mark.parametrize("code", CODES)
def test_translations_keep_what_stands_for_something(code: str) -> None:
    changed = [
        (source, text)
        for source, text in messages(catalogue(code, "mo")).items()
        if isinstance(source, str) and source and sorted(MARKS.findall(source)) != sorted(MARKS.findall(text))
    ]
    assert changed == []


def messages(file: Path) -> dict[object, str]:
    """Those with plural forms by (word, number of the form)."""
    with file.open("rb") as opened:
        found: dict[object, str] = gettext.GNUTranslations(opened)._catalog  # type: ignore[attr-defined]  # no public way
    return found


def test_the_shop_speaks_what_is_written() -> None:
    assert {code.replace("_", "-").lower() for code in CODES} | {"en"} == {
        code for code, _name in settings.LANGUAGES
    }
