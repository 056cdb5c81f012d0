"""What an archive holds: all of the organization, nothing of others, and no secrets."""

import hashlib
import json
import uuid
from typing import Any

import pytest

from accounts import audit
from accounts.models import ApiKey, AuditAction, DataExport, ExportState, Invitation
from accounts.origin import Origin
from accounts.privacy import archive, exports
from billing import manual
from generations import storage
from generations.models import Generation, Image
from tests.accounts.privacy.steps import (
    access_of,
    an_image_of,
    document,
    fetched,
    open_archive,
)
from tests.cast import Person, new_key
from tests.makers import a_paid_payment, ago

pytestmark = pytest.mark.django_db


def exported(person: Person) -> bytes:
    exports.ask(access_of(person))
    assert exports.make_due() == 1
    return fetched(person, DataExport.objects.get(organization=person.organization, state=ExportState.READY))


def test_it_holds_all_of_the_organization(alice: Person, bob: Person) -> None:
    image = an_image_of(alice, "a fox, „schön“ 🦊")
    old = an_image_of(alice, "an old one", days_old=31)
    Generation.objects.filter(pk=old.generation_id).update(metadata_text='{"order": 17}')
    made = {"seed": 7, "steps": 8, "width": 256, "height": 256, "revision": "abc", "torch": "2.13.0"}
    Image.objects.filter(pk=image.pk).update(provenance_text=json.dumps(made))
    key, _secret = new_key(bob, name="CI")
    payment = a_paid_payment(alice.organization)
    Invitation.objects.create(
        organization=alice.organization,
        email="dora@studio.example",
        role="viewer",
        digest="d" * 64,
        invited_by=alice.user,
        expires_at=ago(-60),
    )
    audit.record_by(access_of(alice), AuditAction.KEY_CREATED, subject=key.actor, note="CI", scopes=["read"])
    audit.record(
        alice.organization,
        AuditAction.SIGNED_IN,
        actor=alice.user.actor,
        origin=Origin("192.0.2.7", "A browser"),
    )
    zipped = open_archive(exported(alice))

    [organization] = document(zipped, "organization.json")
    assert (organization["name"], organization["shop"]) == ("Alice's Studio", alice.organization.shop.name)
    members = document(zipped, "members.json")
    assert [(one["email"], one["role"]) for one in members] == [
        ("alice@studio.example", "owner"),
        ("bob@studio.example", "developer"),
    ]
    [listed] = document(zipped, "keys.json")
    assert (listed["id"], listed["name"], listed["created_by"]) == (key.public_id, "CI", bob.user.actor)
    [invitation] = document(zipped, "invitations.json")
    assert (invitation["email"], invitation["invited_by"]) == ("dora@studio.example", alice.user.actor)
    events = document(zipped, "audit.json")
    assert [event["action"] for event in events] == ["key_created", "signed_in", "export_asked"]
    assert (events[0]["note"], events[0]["details"]) == ("CI", {"scopes": ["read"]})
    assert (events[1]["address"], events[1]["agent"]) == ("192.0.2.7", "A browser")

    first, second = document(zipped, "generations.json")
    assert (first["prompt"], first["consumed_credits"]) == ("a fox, „schön“ 🦊", 15)
    [file] = first["images"]
    assert hashlib.sha256(zipped.read(file["file"])).hexdigest() == file["sha256"]
    assert zipped.read(file["file"]) == storage.read(image.storage_key)
    assert file["provenance"] == made
    assert second["images"][0]["provenance"] is None
    assert (second["prompt"], second["metadata"], second["webhook_url"]) == (
        "an old one",
        {"order": 17},
        None,
    )
    names = set(zipped.namelist())
    assert not any(old.public_id in name for name in names), "It is past its retention"

    [balance] = document(zipped, "balance.json")
    assert balance["available_credits"] == 1500 + 1000 - 30
    kinds = [entry["kind"] for entry in document(zipped, "ledger.json")]
    assert kinds == ["grant", "hold", "capture", "hold", "capture", "top_up"]
    assert [one["id"] for one in document(zipped, "payments.json")] == [payment.public_id]
    assert document(zipped, "vouchers.json") == []
    contents = document(zipped, "contents.json")
    assert contents["documents"]["generations.json"] == 2
    assert contents["files"] == 1


def test_it_holds_nothing_of_others_and_no_secret(alice: Person, charlie: Person) -> None:
    an_image_of(charlie, "what charlie thought of")
    key, secret = new_key(alice)
    content = exported(alice)
    zipped = open_archive(content)
    text = b"".join(zipped.read(name) for name in zipped.namelist()).decode("utf-8", "replace")
    for unwanted in (secret, ApiKey.objects.get(pk=key.pk).digest, alice.user.password):
        assert unwanted not in text
    for foreign in ("charlie", "Elsewhere", charlie.organization.slug, str(charlie.user.uuid)):
        assert foreign not in text
    assert key.prefix in text


def test_it_holds_no_word_of_operators_and_not_which_of_them_it_was(alice: Person) -> None:
    staff = f"staff:{uuid.uuid4()}"
    manual.grant(alice.organization.pk, 7, reason="looks like fraud", actor=staff)
    desk = Origin("198.51.100.9", "A desk")
    for actor in (staff, "system"):
        audit.record(
            alice.organization, AuditAction.SUSPENDED, actor=actor, origin=desk, note="told by the police"
        )
    zipped = open_archive(exported(alice))
    text = b"".join(zipped.read(name) for name in zipped.namelist()).decode("utf-8", "replace")
    for secret in ("looks like fraud", "police", "198.51.100.9", "A desk", staff):
        assert secret not in text
    actors = [event["actor"] for event in document(zipped, "audit.json")]
    assert actors == ["staff", "staff", "system", alice.user.actor]
    assert document(zipped, "ledger.json")[-1]["actor"] == "staff"


def test_parts_make_up_the_whole(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "PART_BYTES", 1000)
    for number in range(3):
        an_image_of(alice, f"number {number}")
    zipped = open_archive(exported(alice))
    assert DataExport.objects.get().part_count > 10
    assert len(document(zipped, "generations.json")) == 3


def test_more_rows_than_one_query_fetches(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.privacy.export_rows.BATCH", 2)
    monkeypatch.setattr("generations.export_rows.BATCH", 2)
    for number in range(5):
        an_image_of(alice, f"number {number}")
    zipped = open_archive(exported(alice))
    orders = document(zipped, "generations.json")
    assert [one["prompt"] for one in orders] == [f"number {number}" for number in range(5)]
    assert len([name for name in zipped.namelist() if name.startswith("images/")]) == 5
    assert len(document(zipped, "ledger.json")) == 11


def test_images_beyond_what_an_archive_takes_are_counted(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = an_image_of(alice, "the older"), an_image_of(alice, "the newer")
    monkeypatch.setattr(exports, "MAX_FILES", 1)
    zipped = open_archive(exported(alice))
    files = [name for name in zipped.namelist() if name.startswith("images/")]
    assert files == [f"images/{newer.public_id}.jpeg"]
    contents: dict[str, Any] = document(zipped, "contents.json")
    assert contents["files_left_out_since_the_archive_would_be_too_large"] == 1
    assert older.public_id in zipped.read("generations.json").decode()


def test_an_image_that_goes_meanwhile_is_left_out(alice: Person) -> None:
    gone, there = an_image_of(alice, "gone"), an_image_of(alice, "there")
    storage.delete([gone.storage_key])
    zipped = open_archive(exported(alice))
    assert [name for name in zipped.namelist() if name.startswith("images/")] == [
        f"images/{there.public_id}.jpeg"
    ]
    assert document(zipped, "contents.json")["files_deleted_meanwhile"] == 1
    assert Image.objects.filter(deleted_at=None).count() == 2


def test_an_organization_with_nothing_has_an_archive_too(charlie: Person) -> None:
    zipped = open_archive(exported(charlie))
    assert document(zipped, "generations.json") == []
