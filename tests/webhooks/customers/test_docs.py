"""What docs/webhooks.md tells customers to do, done."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests import programs
from tests.cast import Person
from tests.house import ROOT
from tests.webhooks.customers.telling import an_endpoint, an_event, send_due
from tests.webhooks.receiver import Receiver
from webhooks.event_types import EVENT_TYPES, TEST
from webhooks.settling import PAUSES_S

DOCS = (ROOT / "docs" / "webhooks.md").read_text()


@pytest.mark.django_db
def test_python_of_the_docs_tells_ours_from_forged_ones(alice: Person, receiver: Receiver) -> None:
    [code] = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)
    an_endpoint(alice, receiver)
    an_event(alice.organization)
    send_due()
    [one] = receiver.received
    [secret] = receiver.secrets
    assert made["event_of"](one.raw, one.headers, secret) == one.event
    assert made["event_of"](one.raw + b" ", one.headers, secret) is None
    assert made["event_of"](one.raw, one.headers, "whsec_" + "A" * 43 + "=") is None


FENCES = {"javascript": ("js", "cjs"), "php": ("php", "php")}


@pytest.mark.parametrize("language", programs.runnable(FENCES))
def test_other_languages_of_the_docs_tell_ours_from_forged_ones(tmp_path: Path, language: str) -> None:
    fence, ending = FENCES[language]
    [code] = re.findall(rf"```{fence}\n(.*?)```", DOCS, re.DOTALL)
    programs.assert_it_checks_signatures(language, code, tmp_path, ending)


def test_docs_name_every_event() -> None:
    for word in (*EVENT_TYPES, TEST):
        assert f"`{word}`" in DOCS


def test_docs_state_the_schedule() -> None:
    assert "at once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h" in DOCS
    assert PAUSES_S == (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
