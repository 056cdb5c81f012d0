"""Everybody gets a copy of what is stored of themselves, and of nobody else."""

import datetime
import json
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from accounts import audit, hooks, tasks, terms
from accounts.models import AuditAction, AuditEvent, AuditOrigin, Membership, Shop
from accounts.origin import Origin
from tests.accounts.privacy.steps import DAY_S
from tests.cast import Person
from tests.makers import ago
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db
PAGE = "/account/export/"


def copy_for(person: Person) -> Any:
    response = browser_of(person).post(PAGE)
    assert response.status_code == 200
    assert response["Content-Disposition"] == 'attachment; filename="my-data.json"'
    return json.loads(response.content)


def test_it_holds_the_account_and_what_the_person_did(alice: Person, bob: Person) -> None:
    Shop.objects.update(terms_version="7", terms_url="https://shop.example/terms")
    bob.organization.shop.refresh_from_db()
    terms.accept(bob.user, bob.organization.shop, {"terms": "7"})
    for person, address in ((bob, "192.0.2.44"), (alice, "192.0.2.1")):
        audit.record(
            alice.organization,
            AuditAction.SIGNED_IN,
            actor=person.user.actor,
            subject=person.user.actor,
            origin=Origin(address, "A browser"),
        )
    copy = copy_for(bob)
    assert copy["account"]["email"] == "bob@studio.example"
    assert copy["account"]["id"] == bob.user.actor
    assert copy["signing_in"]["has_password"] is True
    assert copy["signing_in"]["sessions"] == []
    [membership] = copy["memberships"]
    assert (membership["organization"], membership["role"]) == ("Alice's Studio", "developer")
    [accepted] = copy["accepted"]
    assert (accepted["document"], accepted["version"]) == ("terms", "7")
    [event] = copy["events"]
    assert (event["action"], event["address"]) == ("signed_in", "192.0.2.44")
    text = json.dumps(copy)
    assert "alice@" not in text
    assert "192.0.2.1" not in text.replace("192.0.2.44", "")
    assert bob.user.password not in text


def test_apps_above_add_what_they_know(bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "person_sections", [lambda _user: {"passkeys": ["a phone"]}])
    assert copy_for(bob)["passkeys"] == ["a phone"]


def test_also_for_who_belongs_nowhere(bob: Person) -> None:
    Membership.objects.filter(user=bob.user).delete()
    assert copy_for(bob)["memberships"] == []
    assert "Delete your account" in text_of(browser_of(bob).get("/account/delete/"))


def test_a_visitor_has_to_sign_in() -> None:
    assert browser_of().get(PAGE)["Location"] == f"/sign-in/?next={PAGE}"
    assert browser_of().post(PAGE).status_code == 302


def test_sessions_that_ended_do_not_lie_around(alice: Person) -> None:
    for days in (-1, 1):
        session = SessionStore()
        session["_auth_user_id"] = str(alice.user.pk)
        session.set_expiry(datetime.timedelta(days=days))
        session.save()
        UserSession.objects.create(
            user=alice.user, session_key=session.session_key, ip="192.0.2.7", user_agent="A browser"
        )
    UserSession.objects.create(user=alice.user, session_key="ended", ip="192.0.2.7", user_agent="A browser")
    tasks.clear_sessions()
    live = Session.objects.get()
    assert UserSession.objects.get().session_key == live.session_key


def test_where_somebody_was_is_forgotten_after_some_time(
    alice: Person, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PORTION", 2)
    settings.AUDIT_ORIGIN_DAYS = 3
    for days in (5, 4, 3.01, 2.99, 0):
        event = AuditEvent.objects.create(
            shop_id=alice.organization.shop_id,
            organization=alice.organization,
            actor=alice.user.actor,
            action=AuditAction.SIGNED_IN,
            created_at=ago(days * DAY_S),
        )
        AuditOrigin.objects.create(event=event, address="192.0.2.7", agent="A browser", note="A note")
    tasks.clear_sessions()
    told = AuditOrigin.objects.order_by("pk").values_list("address", "agent", "note")
    assert list(told) == [(None, "", "A note")] * 3 + [("192.0.2.7", "A browser", "A note")] * 2
    assert audit.forget_origins() == 0
