"""report_leaked_key: what GitHub's report does, by hand."""

import io

import pytest

from accounts import keys
from accounts.models import ApiKey, AuditEvent, QueuedMail
from tests.accounts.client import generate
from tests.accounts.commands import Shell
from tests.cast import Person, new_key

PLACE = "https://paste.example/1"


def types(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_reported_key_is_frozen_and_its_people_are_told(
    shell: Shell, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = new_key(alice)
    types(monkeypatch, f"  {secret}\n")
    assert shell.answer("report_leaked_key", "--place", PLACE) == key.prefix
    assert generate(secret).status_code == 401
    assert ApiKey.objects.get().frozen_reason == "leaked"
    assert PLACE in QueuedMail.objects.get().body
    assert AuditEvent.objects.get().details == {"reason": "leaked", "source": "operator"}


def test_what_cannot_be_frozen_is_said(shell: Shell, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    key, secret = new_key(alice)
    for text in ("", key.prefix, keys.mint(livemode=True), "\udcff"):
        types(monkeypatch, text)
        assert shell.refusal("report_leaked_key") == "There is no such key. Give the whole key on stdin."
    types(monkeypatch, secret)
    shell.answer("report_leaked_key")
    types(monkeypatch, secret)
    assert shell.refusal("report_leaked_key") == f"{key.prefix} was frozen before."
    ApiKey.objects.update(revoked_at=key.created_at, frozen_at=None)
    types(monkeypatch, secret)
    assert shell.refusal("report_leaked_key") == f"{key.prefix} was revoked before."
    assert QueuedMail.objects.count() == 1
