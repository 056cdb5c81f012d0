"""report_leaked_key: what GitHub's report does, by hand."""

import io
import re

import pytest

from accounts import keys
from accounts.api_keys import USUAL_OVERLAP, rotate_api_key
from accounts.leaks import Finding, report
from accounts.models import ApiKey, AuditEvent, QueuedMail
from tests.accounts.client import generate
from tests.accounts.commands import Shell
from tests.cast import Person, new_key
from tests.pages import browser_of, text_of

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


def test_what_was_replaced_before_is_only_to_be_revoked(alice: Person) -> None:
    key, secret = new_key(alice)
    new, _secret = rotate_api_key(key, overlap=USUAL_OVERLAP)
    report([Finding(secret)], source="operator")
    mail = QueuedMail.objects.get().body
    browser = browser_of(alice)
    page, listed = (browser.get(path) for path in (f"/keys/{key.public_id}/", "/keys/"))
    for text in (mail, text_of(page), text_of(listed)):
        assert f"It was replaced before, by {new.prefix}…" in text
        assert "which is not affected" in text
        assert "Replace it" not in text
        assert "Replace the key" not in text
    assert f"/keys/{new.public_id}/" in mail
    assert f'href="/keys/{new.public_id}/"' in page.content.decode()
    assert "Replace" not in re.findall(r'quiet" href="/keys/key_[^>]*>([^<]*)<', listed.content.decode())


def test_what_has_expired_is_not_to_be_replaced(alice: Person) -> None:
    key, secret = new_key(alice)
    ApiKey.objects.update(expires_at=key.created_at)
    report([Finding(secret)], source="operator")
    mail = QueuedMail.objects.get().body
    assert "It had expired before, and cannot be replaced." in mail
    assert "Replace the key" not in mail
