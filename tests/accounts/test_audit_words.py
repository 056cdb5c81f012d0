"""What the audit log holds beside who did what is told in words."""

import ast
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from accounts import audit_words
from accounts.models import AuditAction
from config.keys.draft import Draft
from tests.processes import ROOT

APPS = ("accounts", "billing", "config", "generations", "webhooks")
WRITERS = {"record", "record_by", "record_of_person", "record_of_shop", "_record", "_note", "act"}
NO_DETAILS = {"actor", "organization", "subject", "origin", "note", "shop_id"}


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({}, ""),
        ({"methods": ["password", "totp"]}, "signed in with: password, authenticator app"),
        ({"overlap_seconds": 7200, "to": "key:key"}, "the earlier key works for: 2.0 h, new key: key:key"),
        ({"expires_at": "2026-11-29T10:00:00+00:00"}, "valid until: 2026-11-29 10:00:00 UTC"),
        ({"expires_at": "soon", "livemode": True}, "valid until: soon, live: yes"),
        ({"credits": 12345, "refund": 12345}, "credits: 12,345, number of the refund: 12345"),
        ({"scopes": [], "frozen": False, "day_cap": None}, "credits a day at most: –, frozen: no, scopes: –"),
        ({"reason": "by_magic", "spell": "abra"}, "reason: by_magic, spell: abra"),
    ],
)
def test_details_in_words(details: dict[str, Any], words: str) -> None:
    assert audit_words.told(AuditAction.KEY_ROTATED, details) == words


def test_roles_are_called_as_everywhere() -> None:
    changed = {"from": "viewer", "to": "admin"}
    assert audit_words.told(AuditAction.ROLE_CHANGED, changed) == "from: Viewer, to: Admin"


def written_down() -> Iterator[str]:
    """The details that the shop's own code names when it writes."""
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and _name(call.func) in WRITERS and _is_of_audit(call):
                yield from (one.arg for one in call.keywords if one.arg and one.arg not in NO_DETAILS)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_of_audit(call: ast.Call) -> bool:
    return any(_name(one) == "action" or "AuditAction" in ast.dump(one) for one in call.args)


def test_whatever_is_written_down_has_a_name() -> None:
    known = {name.rpartition(".")[2] for name in audit_words.NAMES}
    found = set(written_down())
    assert {"role", "sessions", "automatic_top_up", "overlap_seconds", "provider"} <= found
    assert found <= known
    assert {field.name for field in dataclasses.fields(Draft)} - {"name"} <= known
