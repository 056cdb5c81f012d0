"""The audit log: written with what it tells of, never changed, and free of what a person may want erased."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from accounts import audit
from accounts.models import AuditAction, AuditEvent, AuditOrigin, Membership, Role
from accounts.organizations import create_organization
from accounts.origin import Origin, origin_of
from accounts.triggers import AUDIT_EVENTS
from tests.cast import Person, access_of_user

pytestmark = pytest.mark.django_db
HOME = Origin("203.0.113.9", "Browser/1.0")


def test_event_says_who_did_what_to_what(alice: Person) -> None:
    access = access_of_user(alice.user, origin=HOME)
    audit.record_by(
        access, AuditAction.ROLE_CHANGED, subject="user:1", note="Bob", to="viewer", **{"from": "admin"}
    )
    [event] = AuditEvent.objects.filter(organization=alice.organization)
    assert (event.actor, event.action, event.subject) == (f"user:{alice.user.uuid}", "role_changed", "user:1")
    assert event.details == {"from": "admin", "to": "viewer"}
    assert event.shop_id == alice.organization.shop_id
    assert (event.origin.address, event.origin.agent, event.origin.note) == (
        "203.0.113.9",
        "Browser/1.0",
        "Bob",
    )


def test_event_without_an_origin_needs_no_row_beside_it(alice: Person) -> None:
    audit.record(alice.organization, AuditAction.SUSPENDED, actor="system")
    assert AuditEvent.objects.count() == 1
    assert not AuditOrigin.objects.exists()


def test_what_did_not_happen_is_not_told(alice: Person) -> None:
    with transaction.atomic():
        audit.record(alice.organization, AuditAction.SUSPENDED, actor="system")
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


def test_each_organization_hears_of_its_person(alice: Person, bob: Person, charlie: Person) -> None:
    second = create_organization(alice.organization.shop, "Second", charlie.user)
    Membership.objects.create(organization=second, user=alice.user, role=Role.VIEWER)
    audit.record_of_person(alice.user, AuditAction.SIGNED_IN, origin=HOME)
    told = AuditEvent.objects.filter(action=AuditAction.SIGNED_IN).values_list("organization", flat=True)
    assert set(told) == {alice.organization.pk, second.pk}


@pytest.mark.parametrize(
    "how", ["UPDATE accounts_auditevent SET actor = 'nobody'", "DELETE FROM accounts_auditevent"]
)
def test_database_keeps_what_was_written(alice: Person, how: str) -> None:
    audit.record(alice.organization, AuditAction.SUSPENDED, actor="system")
    with (
        pytest.raises(DatabaseError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(how)
    assert AuditEvent.objects.get().actor == "system"


def test_origin_can_be_erased(alice: Person) -> None:
    audit.record(alice.organization, AuditAction.SUSPENDED, actor="system", origin=HOME, note="words")
    AuditOrigin.objects.all().delete()
    assert AuditEvent.objects.count() == 1


def test_a_migrated_database_has_its_triggers() -> None:
    assert AUDIT_EVENTS.missing(connection) == []


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("", None),
    ],
)
def test_origin_of_a_request_is_its_address(sent: str, known: str | None) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=sent, HTTP_USER_AGENT="A\x00gent" + "x" * 300)
    assert origin_of(request) == Origin(known, ("Agent" + "x" * 300)[:200])
