"""What operators do, and what is set about money, is in the audit log: with it, or not at all."""

import json

import pytest
from django.test import Client

from accounts import organizations
from accounts.models import ApiKey, AuditEvent, Organization
from accounts.organizations import suspend
from billing.models import AutoTopUp
from tests.accounts.commands import Shell
from tests.billing.gifts import a_voucher
from tests.billing.pages.steps import smallest
from tests.cast import Person
from tests.operators import desk_of, do, operator
from tests.pages import browser_of

Recorded = tuple[str, str, str, dict[str, object], str]


def newest() -> Recorded:
    """Action, actor, subject, details and note."""
    event = AuditEvent.objects.select_related("origin").latest("pk")
    note = event.origin.note if hasattr(event, "origin") else ""
    return event.action, event.actor, event.subject, event.details, note


def test_commands_are_recorded_as_the_shops_own(shell: Shell) -> None:
    slug = shell.answer("create_organization", "Blue", "--owner", "dora@studio.example")
    owner = Organization.objects.get().memberships.get().user
    assert newest() == ("organization_created", "system", owner.actor, {}, "")
    shell.answer("suspend_organization", slug)
    assert newest() == ("suspended", "system", "", {}, "")
    shell.answer("resume_organization", slug)
    assert newest() == ("resumed", "system", "", {}, "")
    shell.answer("set_limits", slug, "--burst", "9", "--max-open-tasks", "default")
    assert newest() == ("limits_changed", "system", "", {"burst": 9, "max_open_tasks": None}, "")
    shell.answer("grant_credits", slug, "50", "--reason", "Goodwill for Monday")
    assert newest() == ("credits_changed", "system", "", {"credits": 50}, "Goodwill for Monday")
    prefix = shell.answer("create_api_key", slug, "--test", "--name", "A secret name")[:12]
    key = ApiKey.objects.get(prefix=prefix)
    assert newest() == ("key_created", "system", key.actor, {"scopes": ["generate", "read"]}, "")
    shell.answer("revoke_api_key", prefix)
    assert newest() == ("key_revoked", "system", key.actor, {}, "")
    assert AuditEvent.objects.count() == 7
    rows = json.dumps(list(AuditEvent.objects.values("actor", "subject", "details")))
    for personal in ("Goodwill", "dora", "secret name"):
        assert personal not in rows


def test_what_changes_nothing_is_not_recorded(shell: Shell) -> None:
    slug = shell.answer("create_organization", "Blue", "--owner", "dora@studio.example")
    shell.refusal("resume_organization", slug)
    shell.answer("set_limits", slug)
    prefix = shell.answer("create_api_key", slug, "--test")[:12]
    shell.answer("revoke_api_key", prefix)
    before = AuditEvent.objects.count()
    shell.refusal("revoke_api_key", prefix)
    shell.refusal("create_api_key", slug, "--scopes", "nothing")
    assert AuditEvent.objects.count() == before


@pytest.mark.django_db
def test_the_desk_names_who_suspended_and_resumed(alice: Person) -> None:
    boss = operator()
    desk = desk_of(boss)
    for deed, word in {"suspend": "suspended", "resume": "resumed"}.items():
        for _twice in range(2):
            do(desk, alice.organization, deed)
        assert newest() == (word, f"staff:{boss.uuid}", "", {}, "as the letter of Monday says")
    assert AuditEvent.objects.count() == 2
    assert AuditEvent.objects.select_related("origin").latest("pk").origin.address == "127.0.0.1"


@pytest.mark.django_db
def test_a_pause_by_itself_says_why(alice: Person) -> None:
    assert suspend(alice.organization, reason="refusals")
    assert not suspend(alice.organization)
    assert newest() == ("suspended", "system", "", {"reason": "refusals"}, "")
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db
def test_what_could_not_be_recorded_has_not_happened(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(organizations, "record", broken)
    with pytest.raises(RuntimeError):
        suspend(alice.organization)
    assert Organization.objects.get().suspended_at is None


# --- Money --------------------------------------------------------------------------------------


@pytest.fixture
def client(alice: Person) -> Client:
    return browser_of(alice)


@pytest.mark.django_db
def test_the_threshold_of_the_mail_is_recorded_when_it_changes(client: Client, alice: Person) -> None:
    for sent in ("300", "300", "nonsense", ""):
        client.post("/credits/low/", {"threshold": sent})
    changes = [event.details for event in AuditEvent.objects.order_by("pk")]
    assert changes == [{"low_balance_mail_below": 300}, {"low_balance_mail_below": None}]
    assert newest()[:3] == ("billing_changed", alice.user.actor, "")


@pytest.mark.django_db
def test_a_voucher_is_recorded_by_its_redemption(client: Client, alice: Person) -> None:
    voucher = a_voucher(credits=250)
    for code in (voucher.code, voucher.code, "NOTHING"):
        client.post("/credits/voucher/", {"code": code})
    event = AuditEvent.objects.get()
    reference = voucher.redemptions.get().reference
    assert newest() == ("billing_changed", alice.user.actor, reference, {"credits": 250}, "")
    assert event.origin.address == "127.0.0.1"


@pytest.mark.django_db
def test_automatic_top_up_off_is_recorded_once(client: Client, alice: Person) -> None:
    AutoTopUp.objects.create(
        organization=alice.organization, is_on=True, threshold=5, pack=smallest(), actor=alice.user.actor
    )
    for _twice in range(2):
        client.post("/credits/automatic/off/")
    assert newest() == ("billing_changed", alice.user.actor, "", {"automatic_top_up": "off"}, "")
    assert AuditEvent.objects.count() == 1
