"""Everybody on every page: those who may, those who may not, strangers, and visitors."""

from collections.abc import Collection
from typing import cast

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from accounts.models import AuditEvent, Invitation, Membership, Organization, Role
from tests.accounts.team.team import invited, post, team_of
from tests.cast import Person
from tests.page_forms import forms_of
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db
FOR_PEOPLE = {"/sign-out/", "/organizations/switch/", "/look/"}

ALL = frozenset(Role.values)
HEADS = frozenset({"owner", "admin"})
Row = tuple[str, str, dict[str, str], Collection[str], int]
# Path, method, what is sent, who may, and what they get. {member} is the viewer, {owner} the owner.
TABLE: list[Row] = [
    ("/team/", "get", {}, ALL, 200),
    ("/team/leave/", "get", {}, ALL, 200),
    ("/team/{member}/", "get", {}, HEADS, 200),
    ("/team/{member}/", "post", {"seen": "viewer", "role": "billing"}, HEADS, 302),
    ("/team/{member}/remove/", "post", {}, HEADS, 302),
    ("/team/{owner}/", "get", {}, {"owner"}, 200),
    ("/team/{owner}/", "post", {"seen": "owner", "role": "owner"}, {"owner"}, 302),
    ("/team/invite/", "post", {"email": "new@people.example", "role": "viewer"}, HEADS, 302),
    ("/team/invitations/{invitation}/again/", "post", {}, HEADS, 302),
    ("/team/invitations/{invitation}/revoke/", "post", {}, HEADS, 302),
    ("/settings/", "get", {}, HEADS, 200),
    ("/settings/", "post", {"name": "Renamed"}, HEADS, 302),
    ("/audit/", "get", {}, HEADS, 200),
    ("/audit/log.csv", "get", {}, HEADS, 200),
]
METHODS = {
    "/team/": "GET, HEAD",
    "/team/invite/": "POST",
    "/team/{member}/remove/": "POST",
    "/team/invitations/{invitation}/again/": "POST",
    "/team/invitations/{invitation}/revoke/": "POST",
    "/organizations/switch/": "POST",
    "/audit/": "GET, HEAD",
    "/audit/log.csv": "GET, HEAD",
    "/team/{member}/": "GET, HEAD, POST",
    "/team/leave/": "GET, HEAD, POST",
    "/settings/": "GET, HEAD, POST",
    "/organizations/new/": "GET, HEAD, POST",
    "/invitations/x/": "GET, HEAD, POST",
}


@pytest.fixture
def team(alice: Person) -> dict[str, Person]:
    return team_of(alice)


@pytest.fixture
def places(team: dict[str, Person]) -> dict[str, str]:
    invitation, _token = invited(team["owner"])
    return {
        "member": str(team["viewer"].user.uuid),
        "owner": str(team["owner"].user.uuid),
        "invitation": invitation.public_id,
    }


def rows() -> list[object]:
    """All that these pages may change."""
    return [
        list(model._default_manager.order_by("pk").values_list())
        for model in (Membership, Organization, Invitation, AuditEvent)
    ]


def ask(client: Client, organization: Organization, row: Row, places: dict[str, str]) -> HttpResponse:
    path, method, sent = row[0].format(**places), row[1], row[2]
    if method == "get":
        return cast(HttpResponse, client.get(path))
    return post(client, organization, path, **sent)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[1]} {row[0]}")
def test_each_role_gets_what_the_table_of_rights_says(
    team: dict[str, Person], places: dict[str, str], row: Row
) -> None:
    who, status, before = row[3], row[4], rows()
    for role, person in team.items():
        client = browser_of(person)
        with transaction.atomic():
            response = ask(client, person.organization, row, places)
            if role in who:
                assert response.status_code == status, (role, text_of(response))
                transaction.set_rollback(True)
                continue
        assert response.status_code == 403, role
        assert "Your role does not allow this" in text_of(response)
        assert rows() == before, role


def test_strangers_find_nothing_of_another_organization(charlie: Person, places: dict[str, str]) -> None:
    client, before = browser_of(charlie), rows()
    for row in TABLE:
        if "{" in row[0]:
            assert ask(client, charlie.organization, row, places).status_code == 404, row
    assert rows() == before


def test_visitors_are_sent_to_the_sign_in(places: dict[str, str], alice: Person) -> None:
    client, before = browser_of(), rows()
    for row in TABLE:
        response = ask(client, alice.organization, row, places)
        assert response.status_code == 302, row
        assert response["Location"].startswith("/sign-in/?next="), row
    assert rows() == before


def test_other_methods_are_refused(alice: Person, places: dict[str, str]) -> None:
    client = browser_of(alice)
    for path, allowed in METHODS.items():
        unwanted = {"get", "post", "put", "delete"} - {word.lower() for word in allowed.split(", ")}
        for method in unwanted:
            response = getattr(client, method)(path.format(**places))
            assert (response.status_code, response["Allow"]) == (405, allowed), (method, path)


def test_navigation_shows_what_may_be_opened(team: dict[str, Person]) -> None:
    for role, person in team.items():
        html = browser_of(person).get("/team/").content.decode()
        assert 'href="/team/"' in html
        assert ('href="/audit/"' in html) == (role in HEADS), role
        assert ('href="/settings/"' in html) == (role in HEADS), role
        assert ('action="/team/invite/"' in html) == (role in HEADS), role
        assert (f'href="/team/{team["owner"].user.uuid}/"' in html) == (role == "owner"), role


def test_form_of_another_organization_changes_nothing(alice: Person, charlie: Person) -> None:
    """Two tabs, two organizations: what was opened for one is not done to the other."""
    Membership.objects.create(organization=charlie.organization, user=alice.user, role=Role.ADMIN)
    client = browser_of(alice)
    client.post("/organizations/switch/", {"organization": charlie.organization.slug})
    before = rows()
    for path, sent in {
        "/team/invite/": {"email": "new@people.example", "role": "viewer"},
        "/settings/": {"name": "Renamed"},
        "/team/leave/": {},
    }.items():
        response = post(client, alice.organization, path, **sent)
        assert response.status_code == 409, path
        assert "opened for another organization, so nothing was changed" in text_of(response)
    assert rows() == before


def test_form_that_does_not_say_for_which_organization_it_is_changes_nothing(alice: Person) -> None:
    """On every page of members, whatever it is about: one that lacks the field would act on the chosen one."""
    client = browser_of(alice)
    before = rows()
    pages = [
        (path, form)
        for path in (
            "/team/",
            "/settings/",
            "/settings/retention/",
            "/keys/new/",
            "/credits/",
            "/playground/",
        )
        for form in forms_of(client.get(path).content.decode())
        if form.method == "post" and form.action not in FOR_PEOPLE
    ]
    assert len(pages) >= 6
    for path, form in pages:
        assert form.fields.get("for") == alice.organization.slug, (path, form.action)
        assert client.post(form.action or path, {**form.fields, "for": ""}).status_code == 409, form.action
    assert rows() == before
