"""The audit log as its readers get it: newest first, filtered, with people by name, and as a file."""

import csv
import datetime
import io
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import audit_log, members
from accounts.audit import record, record_of_person
from accounts.audit_log import GROUPS, PAGE, Wanted, defused
from accounts.models import NOBODY, AuditAction, AuditEvent, AuditOrigin, Organization, Role, User
from accounts.origin import Origin
from tests.accounts.team.team import access_of
from tests.cast import Person, join, new_key
from tests.makers import ago
from tests.operators import clerk, desk_of, operator
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db


def note_down(
    organization: Organization, actor: str, action: AuditAction = AuditAction.SIGNED_IN, **more: Any
) -> AuditEvent:
    return record(organization, action, actor=actor, **more)


def page_of(person: Person, query: str = "") -> str:
    return text_of(browser_of(person).get(f"/audit/{query}"))


def file_of(person: Person, query: str = "") -> list[dict[str, str]]:
    response = browser_of(person).get(f"/audit/log.csv{query}")
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # of an answer in parts
    return list(csv.DictReader(io.StringIO(text)))


def aged(event: AuditEvent, seconds: float) -> None:
    """Triggers refuse to change a row, so it is written anew as an older one."""
    AuditEvent.objects.create(
        shop_id=event.shop_id,
        organization=event.organization,
        actor=event.actor,
        action=event.action,
        details={"aged": True},
        created_at=ago(seconds),
    )


def test_it_says_who_did_what_to_whom_when_and_from_where(alice: Person, bob: Person) -> None:
    assert "Nothing yet." in page_of(alice)
    members.change_role(access_of(alice), bob.user.uuid, seen="developer", role="viewer")
    note_down(
        alice.organization,
        bob.user.actor,
        origin=Origin("203.0.113.7", "Firefox"),
        note="<b>\u202e",
    )
    words = page_of(alice)
    assert "alice@studio.example Changed a role from: Developer, to: Viewer bob@studio.example" in words
    assert "bob@studio.example Signed in &lt;b&gt;\u202e 203.0.113.7 Firefox" in words
    assert words.index("Signed in") < words.index("Changed a role")


def test_names_are_those_of_today_and_of_members_alone(alice: Person, bob: Person) -> None:
    organization = alice.organization
    eve = join("eve@studio.example", organization, Role.ADMIN)
    key, _secret = new_key(alice)
    strange = ["user:nonsense", "user:", "key:nothing", "staff:1", "system", "inv_12345"]
    for actor in (alice.user.actor, bob.user.actor, eve.user.actor, key.actor, *strange):
        note_down(organization, actor)
    User.objects.filter(pk=alice.user.pk).update(email="alice@new.example")
    members.remove(access_of(alice), bob.user.uuid)
    members.remove(access_of(alice), eve.user.uuid)
    User.objects.filter(pk=eve.user.pk).update(erased_at=ago(0), email="gone@erased.example")
    shown = [row["actor"] for row in reversed(file_of(alice))]
    former = f"a former member ({str(bob.user.uuid)[:4]})"
    assert shown[:4] == ["alice@new.example", former, "an erased person", f"key {key.prefix}…"]
    assert shown[4:10] == ["user:nonsense", "user:", "a key", "an operator", "the shop", "invitation …2345"]
    words = page_of(alice)
    assert "bob@studio.example" not in words
    assert "gone@erased.example" not in words


def test_keys_of_other_organizations_are_not_named(alice: Person, charlie: Person) -> None:
    key, _secret = new_key(charlie)
    note_down(alice.organization, key.actor, subject=key.actor)
    assert key.prefix not in page_of(alice)


def test_what_operators_note_stays_with_them(alice: Person) -> None:
    boss = operator()
    note_down(
        alice.organization,
        f"staff:{boss.uuid}",
        AuditAction.SUSPENDED,
        origin=Origin("198.51.100.9", "Desk"),
        note="looks like fraud",
    )
    row = file_of(alice)[-1]
    assert (row["actor"], row["actor_id"]) == ("an operator", "staff")
    everything = page_of(alice) + str(row)
    for secret in ("looks like fraud", "198.51.100.9", "Desk", str(boss.uuid), boss.email):
        assert secret not in everything
    desk = text_of(desk_of(boss).get("/admin/accounts/auditevent/"))
    assert str(boss.uuid) in desk
    assert "198.51.100.9" in desk


def test_who_is_not_known_is_called_so(alice: Person, bob: Person) -> None:
    record_of_person(bob.user, AuditAction.SIGN_IN_FAILED, actor=NOBODY, method="password")
    words = "somebody who is not signed in"
    assert f"{words} Failed to sign in tried with: password bob@studio.example" in page_of(
        alice, "?actor=nobody"
    )
    row = file_of(alice)[-1]
    assert (row["actor"], row["actor_id"], row["subject"]) == (words, "nobody", "bob@studio.example")
    assert words in text_of(desk_of(operator()).get("/admin/accounts/auditevent/?q=nobody"))


def test_nobody_sees_what_was_done_elsewhere(alice: Person, charlie: Person) -> None:
    note_down(charlie.organization, charlie.user.actor, subject=alice.user.actor)
    assert "Nothing yet." in page_of(alice)
    assert [row["action"] for row in file_of(alice)] == ["export_fetched"]


def test_where_it_came_from_can_be_erased_and_the_page_goes_on(alice: Person) -> None:
    note_down(alice.organization, alice.user.actor, origin=Origin("203.0.113.7", "Firefox"), note="x")
    AuditOrigin.objects.all().delete()
    assert "alice@studio.example Signed in" in page_of(alice)
    assert "203.0.113.7" not in page_of(alice)


# --- Filters and pages --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["key_created", "signed_in", "role_changed", "suspended"]),
        ("?group=keys", ["key_created"]),
        ("?group=people", ["role_changed"]),
        ("?group=money", []),
        ("?actor=operator", ["suspended"]),
        ("?actor=keys", ["key_created"]),
        ("?actor={bob}", ["signed_in"]),
        ("?group=people&actor={bob}", []),
        ("?since=2100-01-01", []),
        ("?until=2100-01-01&group=keys", ["key_created"]),
    ],
)
def test_filters_show_what_was_asked_for(alice: Person, bob: Person, query: str, shown: list[str]) -> None:
    key, _secret = new_key(alice)
    for actor, action in [
        ("system", AuditAction.SUSPENDED),
        (alice.user.actor, AuditAction.ROLE_CHANGED),
        (bob.user.actor, AuditAction.SIGNED_IN),
        (key.actor, AuditAction.KEY_CREATED),
    ]:
        note_down(alice.organization, actor, action)
    query = query.format(bob=bob.user.actor)
    words = page_of(alice, query)
    for word in ("key_created", "signed_in", "role_changed", "suspended"):
        assert (f" {AuditAction(word).label} " in words) == (word in shown), word
    assert ("Nothing like that is in the log." in words) == (not shown)
    rows = [row["action"] for row in file_of(alice, query)]
    assert [action for action in rows if action != "export_fetched"] == shown


def test_days_include_both_ends(alice: Person) -> None:
    event = note_down(alice.organization, alice.user.actor)
    for days in (3, 2):
        aged(event, days * 86_400)
    event.refresh_from_db()
    today = event.created_at.date()
    found = Wanted(since=today, until=today).rows(alice.organization)
    assert list(found) == [event]
    assert Wanted(until=today - datetime.timedelta(days=30)).rows(alice.organization).count() == 0
    assert Wanted(since=today - datetime.timedelta(days=30)).rows(alice.organization).count() == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?group=nothing", "group"),
        ("?group=%00", "group"),
        ("?actor=user:1", "actor"),
        ("?since=yesterday", "since"),
        ("?since=0001-01-01", "since"),
        ("?until=9999-12-31", "until"),
        ("?since=2026-02-01&until=2026-01-01", "until"),
        ("?until=%00", "until"),
    ],
)
def test_a_bad_filter_is_named_beside_its_field(alice: Person, query: str, field: str) -> None:
    note_down(alice.organization, alice.user.actor)
    for path in ("/audit/", "/audit/log.csv"):
        response = browser_of(alice).get(path + query)
        assert response.status_code == 400
        assert f'aria-describedby="{field}-problem"' in response.content.decode()
    assert not AuditEvent.objects.filter(action="export_fetched").exists()


def test_a_bad_cursor_shows_the_newest(alice: Person) -> None:
    note_down(alice.organization, alice.user.actor)
    for before in ("x", "-1", "%00", "9" * 30, "١"):
        assert "Signed in" in page_of(alice, f"?before={before}"), before


def test_pages_follow_each_other_and_keep_their_filters(alice: Person) -> None:
    for _ in range(PAGE + 1):
        note_down(alice.organization, alice.user.actor)
    note_down(alice.organization, alice.user.actor, AuditAction.KEY_CREATED)
    client = browser_of(alice)
    html = client.get("/audit/?group=sign_in").content.decode()
    assert html.count("<tr role") == PAGE + 1
    older = html.partition('href="/audit/?group=sign_in&amp;before=')[2].partition('"')[0]
    assert older.isdigit()
    html = client.get(f"/audit/?group=sign_in&before={older}").content.decode()
    assert html.count("<tr role") == 2
    assert 'href="/audit/?group=sign_in"' in html
    assert 'href="/audit/log.csv?group=sign_in"' in html


def test_a_page_asks_the_same_few_questions_however_many_people_are_in_it(alice: Person) -> None:
    def questions() -> int:
        client = browser_of(alice)
        client.get("/audit/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/audit/")
        return len(queries)

    note_down(alice.organization, alice.user.actor, subject=new_key(alice)[0].actor)
    few = questions()
    for number in range(10):
        one = join(f"p{number}@studio.example", alice.organization, Role.VIEWER)
        note_down(alice.organization, one.user.actor, subject=new_key(alice)[0].actor, note="x")
    assert questions() == few


# --- The file -----------------------------------------------------------------------------------


def test_the_file_holds_everything_in_parts(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "BATCH", 3)
    for number in range(7):
        note_down(alice.organization, alice.user.actor, number=number)
    response = browser_of(alice).get("/audit/log.csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    slug = alice.organization.slug
    assert response["Content-Disposition"] == f'attachment; filename="audit-{slug}.csv"'
    parts = list(response.streaming_content)  # type: ignore[attr-defined]  # of an answer in parts
    assert len([part for part in parts if part]) == 4
    rows = list(csv.DictReader(io.StringIO(b"".join(parts).decode())))
    assert [row["details"] for row in reversed(rows)] == [
        *(f'{{"number": {number}}}' for number in range(7)),
        '{"what": "audit_log"}',
    ]
    assert rows[-1]["actor_id"] == alice.user.actor
    assert rows[-1]["time"].endswith("+00:00")


def test_that_it_was_fetched_is_in_the_log(alice: Person) -> None:
    browser_of(alice).head("/audit/log.csv")
    assert not AuditEvent.objects.exists()
    file_of(alice)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor) == ("export_fetched", alice.user.actor)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "=cmd|' /C calc'!A0"]
)
def test_no_field_is_a_formula(alice: Person, text: str) -> None:
    assert defused(text) == f"'{text}"
    note_down(alice.organization, alice.user.actor, note=text, origin=Origin("203.0.113.7", text))
    row = file_of(alice)[-1]
    assert (row["note"], row["agent"]) == (f"'{text}", f"'{text}")


@pytest.mark.parametrize("text", ["", "plain", "a=b", "1-1", "{}", 'with "quotes", and\nlines'])
def test_other_fields_stay_what_they_are(alice: Person, text: str) -> None:
    assert defused(text) == text
    note_down(alice.organization, alice.user.actor, note=text)
    assert file_of(alice)[-1]["note"] == text


def test_every_action_belongs_to_one_group() -> None:
    grouped = [action for _words, actions in GROUPS.values() for action in actions]
    assert sorted(grouped) == sorted(AuditAction)


# --- The desk -----------------------------------------------------------------------------------


def test_operators_search_and_filter_all_of_them_and_change_none(alice: Person, charlie: Person) -> None:
    note_down(alice.organization, alice.user.actor, subject=charlie.user.actor, note="why")
    event = note_down(charlie.organization, charlie.user.actor, AuditAction.KEY_CREATED, note="because")
    desk, path = desk_of(operator()), "/admin/accounts/auditevent/"
    for query, shown in {
        "": {alice.user.actor, charlie.user.actor},
        f"?q={alice.user.actor}": {alice.user.actor, charlie.user.actor},
        "?action__exact=key_created": {charlie.user.actor},
        f"?q={charlie.organization.slug}": {charlie.user.actor},
    }.items():
        words = text_of(desk.get(path + query, follow=True))
        for actor in (alice.user.actor, charlie.user.actor):
            assert (actor in words) == (actor in shown), query
    assert "because" in text_of(desk.get(f"{path}{event.pk}/change/"))
    assert desk.get(f"{path}add/").status_code == 403
    assert desk.post(f"{path}{event.pk}/change/", {"actor": "system"}).status_code == 403
    assert desk.post(f"{path}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert desk_of(clerk()).get(path).status_code in (403, 404)
    assert AuditEvent.objects.count() == 2


def test_details_are_told_in_words_to_members_and_at_the_desk(alice: Person) -> None:
    details: dict[str, Any] = {"from": None, "to": 30, "setting": "retention_days", "<i>": "<b>of tomorrow"}
    note_down(alice.organization, alice.user.actor, AuditAction.SETTINGS_CHANGED, **details)
    told = "&lt;i&gt;: &lt;b&gt;of tomorrow, from: –, setting: days that images are kept, to: 30"
    assert told in page_of(alice)
    desk, path = desk_of(operator()), "/admin/accounts/auditevent/"
    assert told in text_of(desk.get(path))
    assert told in text_of(desk.get(f"{path}{AuditEvent.objects.get().pk}/change/"))
