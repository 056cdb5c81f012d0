"""Several organizations per person: founded, chosen, renamed."""

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from accounts.clock import db_now
from accounts.errors import InsufficientScope
from accounts.models import Membership, Organization, Role
from accounts.names import clean_name, isolated
from accounts.organizations import found_another, may_found, person, rename, resume, suspend
from billing.models import Wallet
from tests.accounts.team.team import access_of, post, recorded
from tests.cast import Person
from tests.operators import desk_of
from tests.pages import browser_of, text_of

pytestmark = pytest.mark.django_db

GOOD = [
    "x",
    "x" * 80,
    "🦊",
    "青い写真館",
    "<b>A</b> & 'B'",
    "\u200fستوديو\u200f",
    "\u202eevil",
    "👩\u200d👧",
    " spaced ",
]
BAD = [
    "",
    "   ",
    "\u200f",
    "\u200b\u2060",
    "x" * 81,
    "x" * 300,
    "🦊" * 81,
    "a\x00b",
    "\x00",
    "a\nb",
    "a\u2028b",
]


@pytest.mark.parametrize("name", GOOD)
def test_a_name_is_kept_as_it_was_typed(name: str) -> None:
    assert clean_name(name) == name.strip()


@pytest.mark.parametrize("name", [*BAD, "\ud800"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        clean_name(name)


# --- Founding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
def test_another_one_is_founded_and_chosen(alice: Person, name: str) -> None:
    client = browser_of(alice)
    assert client.get("/organizations/new/").status_code == 200
    assert client.post("/organizations/new/", {"name": name})["Location"] == "/home/"
    organization = Organization.objects.latest("pk")
    assert organization.name == name.strip()
    assert Wallet.objects.get(organization=organization).available == 0
    membership = Membership.objects.get(organization=organization)
    assert (membership.user, membership.role) == (alice.user, Role.OWNER)
    assert recorded(organization) == [("organization_created", alice.user.actor, "")]
    html = client.get("/team/").content.decode()
    assert f'value="{organization.slug}" selected' in html
    assert "<b>A</b>" not in html
    assert "\x00" not in html


def test_a_bad_name_is_named_beside_its_field_and_kept(alice: Person) -> None:
    client = browser_of(alice)
    for name in BAD:
        response = client.post("/organizations/new/", {"name": name})
        assert response.status_code == 400, name
        html = response.content.decode()
        assert 'aria-invalid="true" aria-describedby="name-problem" autofocus' in html
        if name == "x" * 81:
            assert f'value="{name}"' in html
    assert Organization.objects.count() == 1


def test_nobody_owns_more_than_so_many(alice: Person, settings: Settings) -> None:
    settings.MAX_OWNED_ORGANIZATIONS = 2
    client = browser_of(alice)
    assert client.post("/organizations/new/", {"name": "Second"}).status_code == 302
    assert not may_found(alice.user, alice.organization.shop_id)
    words = text_of(client.get("/organizations/new/"))
    assert "You own 2 organizations, and nobody may own more here." in words
    response = client.post("/organizations/new/", {"name": "Third"})
    assert response.status_code == 409
    assert Organization.objects.count() == 2
    assert "as many organizations as one may" in text_of(client.get("/settings/"))


def test_owner_of_a_suspended_one_founds_no_other(alice: Person, bob: Person) -> None:
    suspend(alice.organization)
    client = browser_of(alice)
    words = f"{isolated(alice.organization.name)} is suspended, so you cannot found another. Ask the operator"
    assert words in text_of(client.get("/organizations/new/"))
    response = client.post("/organizations/new/", {"name": "Another"})
    assert response.status_code == 403
    assert words in text_of(response)
    assert Organization.objects.count() == 1
    for path in ("/playground/", "/team/", "/keys/", "/account/"):
        assert "is suspended. Its keys are refused" in text_of(client.get(path)), path
    assert browser_of(bob).post("/organizations/new/", {"name": "Mine"}).status_code == 302
    resume(alice.organization)
    assert "is suspended" not in text_of(client.get("/team/"))
    assert client.post("/organizations/new/", {"name": "Another"}).status_code == 302


def test_those_that_one_only_belongs_to_and_closed_ones_do_not_count(
    alice: Person, charlie: Person, settings: Settings
) -> None:
    settings.MAX_OWNED_ORGANIZATIONS = 2
    Membership.objects.create(organization=charlie.organization, user=alice.user, role=Role.ADMIN)
    second = found_another(alice.organization.shop, "Second", alice.user)
    assert not may_found(alice.user, alice.organization.shop_id)
    Organization.objects.filter(pk=second.pk).update(closing_at=db_now(), closed_at=db_now())
    assert may_found(alice.user, alice.organization.shop_id)


def test_whoever_belongs_nowhere_is_led_to_found_one(charlie: Person) -> None:
    user = person("new@people.example")
    client = desk_of(user)
    response = client.get("/playground/")
    assert response.status_code == 403
    assert "Found one of your own, or ask an owner or admin of one to invite new@people.example" in text_of(
        response
    )
    assert 'href="/organizations/new/"' in response.content.decode()
    assert client.post("/organizations/new/", {"name": "New"}).status_code == 302
    assert client.get("/playground/").status_code == 200


# --- Choosing -----------------------------------------------------------------------------------


@pytest.fixture
def both(alice: Person, charlie: Person) -> Person:
    """Alice, who looks on in Charlie's organization as well."""
    Membership.objects.create(organization=charlie.organization, user=alice.user, role=Role.VIEWER)
    return alice


def test_the_chosen_one_is_that_of_every_page(both: Person, charlie: Person) -> None:
    client = browser_of(both)
    assert "Audit log" in text_of(client.get("/team/"))
    sent = client.post("/organizations/switch/", {"organization": charlie.organization.slug})
    assert sent["Location"] == "/home/"
    for path in ("/playground/", "/credits/", "/team/"):
        html = client.get(path).content.decode()
        assert f'value="{charlie.organization.slug}" selected' in html
        assert 'href="/audit/"' not in html
    assert client.get("/audit/").status_code == 403
    client.post("/organizations/switch/", {"organization": both.organization.slug})
    assert client.get("/audit/").status_code == 200


@pytest.mark.parametrize("slug", ["", "nothing", "\x00", "x" * 300, "elsewhere", "../", "🦊"])
def test_what_is_not_theirs_is_not_chosen(alice: Person, charlie: Person, slug: str) -> None:
    client = browser_of(alice)
    assert client.post("/organizations/switch/", {"organization": slug}).status_code == 404
    assert "Alice's Studio" in text_of(client.get("/team/"))


def test_one_organization_needs_no_switch(alice: Person) -> None:
    html = browser_of(alice).get("/team/").content.decode()
    assert "/organizations/switch/" not in html
    assert "<bdi>Alice&#x27;s Studio</bdi>" in html


def test_a_closed_organization_is_not_offered(both: Person, charlie: Person) -> None:
    client = browser_of(both)
    client.post("/organizations/switch/", {"organization": charlie.organization.slug})
    Organization.objects.filter(pk=charlie.organization.pk).update(closing_at=db_now(), closed_at=db_now())
    html = client.get("/team/").content.decode()
    assert "Elsewhere" not in html
    assert "Alice&#x27;s Studio" in html


# --- Renaming -----------------------------------------------------------------------------------


def test_renaming_keeps_the_slug_and_is_recorded(alice: Person) -> None:
    client, slug = browser_of(alice), alice.organization.slug
    response = post(client, alice.organization, "/settings/", name=" <i>Plates</i> ")
    assert response["Location"] == "/settings/"
    html = client.get("/settings/").content.decode()
    assert "The organization is called \u2068&lt;i&gt;Plates&lt;/i&gt;\u2069 now." in html
    assert 'value="&lt;i&gt;Plates&lt;/i&gt;"' in html
    organization = Organization.objects.get()
    assert (organization.name, organization.slug) == ("<i>Plates</i>", slug)
    assert recorded(organization) == [("organization_renamed", alice.user.actor, "")]
    event = organization.audit_events.get()
    assert event.details == {}
    assert event.origin.note == "\u2068Alice's Studio\u2069 → \u2068<i>Plates</i>\u2069"


def test_the_same_name_is_nothing_to_record(alice: Person) -> None:
    assert post(browser_of(alice), alice.organization, "/settings/", name="Alice's Studio").status_code == 302
    assert recorded(alice.organization) == []


def test_a_bad_new_name_changes_nothing(alice: Person) -> None:
    client = browser_of(alice)
    for name in BAD:
        response = post(client, alice.organization, "/settings/", name=name)
        assert response.status_code == 400, name
        assert 'aria-describedby="name-problem"' in response.content.decode()
    assert Organization.objects.get().name == "Alice's Studio"


def test_only_those_who_may_rename(alice: Person, bob: Person) -> None:
    with pytest.raises(InsufficientScope):
        rename(access_of(bob), "Bob's")
    assert Organization.objects.get().name == "Alice's Studio"
