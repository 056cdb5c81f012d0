"""Each deed of the desk has a permission of its own, without which its address leads nowhere, whatever else one may."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.desk.deeds import Deed, deeds_of
from accounts.models import ApiKey, AuditEvent, Organization
from generations.models import Generation, Incident
from tests.accounts.client import generate
from tests.cast import Person, new_key
from tests.generations.hurt import a_failed, an_incident
from tests.makers import an_access
from tests.operators import clerk, desk_of, do, operator
from tests.pages import browser_of, text_of
from tests.routes import rows

pytestmark = pytest.mark.django_db
MODELS: list[type[Model]] = [Organization, ApiKey, Generation, Incident]
PERMISSIONS = {
    "suspend": "suspend_organization",
    "resume": "suspend_organization",
    "look-in": "stand_in",
    "grant-credits": "grant_credits",
    "take-credits": "take_credits",
    "freeze": "freeze_apikey",
    "thaw": "freeze_apikey",
    "revoke": "freeze_apikey",
    "credit": "grant_credits",
    "retry": "retry_generation",
    "cancel": "cancel_generation",
    "give": "credit_incident",
    "again": "credit_incident",
}


@pytest.fixture
def things(alice: Person) -> dict[type[Model], Model]:
    return {
        Organization: alice.organization,
        ApiKey: new_key(alice)[0],
        Generation: a_failed(an_access(alice.organization)),
        Incident: an_incident(),
    }


def all_deeds(things: dict[type[Model], Model]) -> list[tuple[Model, Deed[Any]]]:
    reverse("admin:index")  # finds what there is
    return [(things[model], deed) for model in MODELS for deed in deeds_of(model)]


def path_of(row: Model, deed: Deed[Any]) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/{deed.name}/"


def test_who_may_everything_else_cannot_do_it_by_its_address_either(things: dict[type[Model], Model]) -> None:
    found = all_deeds(things)
    assert {deed.name: deed.permission.partition(".")[2] for _row, deed in found} == PERMISSIONS
    everything_else = set(Permission.objects.values_list("codename", flat=True))
    for row, deed in found:
        assert Permission.objects.filter(codename=PERMISSIONS[deed.name]).count() == 1
        others = desk_of(clerk(*everything_else - {PERMISSIONS[deed.name]}))
        before = rows()
        assert others.get(path_of(row, deed)).status_code == 403
        assert do(others, row, deed.name, credits="5").status_code == 403
        after = rows()
        assert {name for name in after if after[name] != before[name]} == set(), deed.name


def test_who_has_it_needs_no_other_and_sees_no_link_but_those(things: dict[type[Model], Model]) -> None:
    for row, deed in all_deeds(things):
        allowed = desk_of(clerk(PERMISSIONS[deed.name]))
        assert allowed.get(path_of(row, deed)).status_code == 200, deed.name
        assert allowed.put(path_of(row, deed)).status_code == 405
    looker = desk_of(clerk("view_organization"))
    page = looker.get(f"/admin/accounts/organization/{things[Organization].pk}/change/").content.decode()
    assert not any(f"/{name}/" in page for name in PERMISSIONS)


def test_neither_customers_nor_strangers_find_them(
    things: dict[type[Model], Model], alice: Person, charlie: Person
) -> None:
    before = rows()["accounts.AuditEvent"]
    for row, deed in all_deeds(things):
        for client, status in ((browser_of(alice), 404), (browser_of(charlie), 404), (browser_of(), 302)):
            assert client.get(path_of(row, deed)).status_code == status
            assert client.post(path_of(row, deed), {"reason": "x"}).status_code == status
    assert rows()["accounts.AuditEvent"] == before


def test_no_reason_no_deed(things: dict[type[Model], Model]) -> None:
    desk = desk_of(operator())
    for row, deed in all_deeds(things):
        path = path_of(row, deed)
        if not deed.obstacle(row):
            assert "This field is required." in text_of(do(desk, row, deed.name, reason="  ")), path
        assert desk.get(path.replace(f"/{row.pk}/", "/0/")).status_code == 404
    assert not AuditEvent.objects.exists()


def test_forms_need_their_token(alice: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator())
    assert do(client, alice.organization, "suspend").status_code == 403
    assert Organization.objects.get().suspended_at is None


def test_twice_suspended_is_once_and_the_second_reads_so(alice: Person) -> None:
    desk = desk_of(operator())
    assert "is suspended." in text_of(do(desk, alice.organization, "suspend"))
    assert "It is suspended already." in text_of(do(desk, alice.organization, "suspend"))
    assert AuditEvent.objects.count() == 1


def test_keys_of_a_suspended_organization_are_refused_until_it_is_resumed(alice: Person) -> None:
    desk, (_key, secret) = desk_of(operator()), new_key(alice)
    do(desk, alice.organization, "suspend")
    refused = generate(secret)
    assert (refused.status_code, json.loads(refused.content)["error"]["type"]) == (
        403,
        "organization_suspended",
    )
    assert "is suspended." in text_of(browser_of(alice).get("/home/"))
    assert "may order again." in text_of(do(desk, alice.organization, "resume"))
    assert generate(secret).status_code == 200
