"""A short name is taken within a shop alone: nobody learns by one that somebody at another shop is called so."""

import pytest
from django.db import IntegrityError, transaction

from accounts import access, organizations
from accounts.models import Organization
from accounts.organizations import create_organization, full_slug, named, person
from billing.reads import balance
from tests.accounts.client import generate, word_of
from tests.accounts.shops.steps import run
from tests.accounts.signing.steps import sign_up
from tests.cast import Person, new_key
from tests.config.desk_shops import SECOND, a_desk
from tests.operators import desk_of, operator
from tests.pages import text_of
from tests.several import Place, an_owner, browser_at, the_platform

pytestmark = pytest.mark.django_db
NAME = "Dora's Studio"


def test_the_same_name_at_another_shop_is_as_if_it_had_never_been(north: Place, south: Place) -> None:
    here, there = (an_owner(place, "dora@studio.example", NAME) for place in (north, south))
    assert here.organization.slug == there.organization.slug == "doras-studio"
    assert an_owner(south, "erin@studio.example", NAME).organization.slug.startswith("doras-studio-")


def test_of_two_who_find_the_same_one_free_the_slower_takes_another(
    north: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = create_organization(north.shop, NAME, person("dora@studio.example"))
    looked_before, look = iter([first.slug]), organizations.free_slug
    monkeypatch.setattr(
        organizations, "free_slug", lambda shop_id, name: next(looked_before, "") or look(shop_id, name)
    )
    second = create_organization(north.shop, NAME, person("erin@studio.example"))
    assert second.slug.startswith(f"{first.slug}-")
    assert second.name == first.name


def test_who_signs_up_there_is_not_told_either(north: Place, south: Place) -> None:
    an_owner(north, "dora@studio.example", NAME)
    assert sign_up(browser_at(south), "erin@mole.example", organization=NAME).status_code == 302
    assert Organization.objects.get(shop=south.shop).slug == "doras-studio"


def test_within_a_shop_it_is_one(north: Place) -> None:
    first = an_owner(north, "dora@studio.example", NAME).organization
    with pytest.raises(IntegrityError), transaction.atomic():
        Organization.objects.create(shop=north.shop, name="Another", slug=first.slug)


def test_each_host_leads_to_its_own(north: Place, south: Place) -> None:
    at_north, at_south = (an_owner(place, "dora@studio.example", NAME) for place in (north, south))
    walk: list[tuple[Place, Person, Person]] = [(north, at_north, at_south), (south, at_south, at_north)]
    for place, own, other in walk:
        assert (
            access.access_of_user(own.user, place.shop.pk, other.organization.slug).organization
            == own.organization
        )
        client = browser_at(place, own)
        renamed = f"Renamed at {place.host}"
        sent = {"for": own.organization.slug, "name": renamed}
        assert client.post("/settings/", sent).status_code == 302
        own.organization.refresh_from_db()
        other.organization.refresh_from_db()
        assert (own.organization.name, other.organization.name == renamed) == (renamed, False)


# --- Operators ------------------------------------------------------------------------------------


def test_commands_ask_which_where_several_shops_have_one(north: Place, south: Place) -> None:
    here, there = (an_owner(place, "dora@studio.example", NAME, credits=0) for place in (north, south))
    code, said = run("grant_credits", "doras-studio", "5", "--reason", "x")
    assert code == 1
    assert f"{north.shop.slug}/doras-studio, {south.shop.slug}/doras-studio" in said
    assert run("grant_credits", full_slug(there.organization), "5", "--reason", "x")[0] == 0
    assert [balance(one.organization.pk).available for one in (here, there)] == [0, 5]
    assert run("grant_credits", f"{the_platform().shop.slug}/doras-studio", "5", "--reason", "x")[0] == 1
    _key, secret = new_key(there)
    assert run("suspend_organization", full_slug(there.organization)) == (
        0,
        f"{full_slug(there.organization)}\n",
    )
    assert word_of(generate(secret, HTTP_HOST=south.host)) == (403, "organization_suspended")
    here.organization.refresh_from_db()
    assert here.organization.suspended_at is None


def test_a_new_organization_is_printed_as_commands_find_it(north: Place) -> None:
    options = ("create_organization", "Blue", "--owner", "dora@studio.example")
    assert run(*options) == (0, "blue\n")
    code, said = run(*options, "--shop", north.shop.slug)
    assert (code, said) == (0, f"{north.shop.slug}/blue\n")
    assert [one.shop for one in named(said)] == [north.shop]
    assert [one.shop for one in named("blue")] == [the_platform().shop, north.shop]


def test_operators_choose_where_several_shops_have_one_and_a_shops_staff_sees_its_own() -> None:
    desk = a_desk(SECOND, "second.example")
    mine = create_organization(the_platform().shop, NAME, person("dora@studio.example"))
    theirs = create_organization(desk.shop, NAME, person("dora@studio.example"))
    boss, staff = desk_of(operator()), desk.browser(desk.staff())
    path = "/admin/generations/generation/?q=doras-studio"
    led = boss.get(path, follow=True)
    assert "Several shops have an organization of that name." in text_of(led)
    assert {one.pk for one in led.context["cl"].result_list} == {mine.pk, theirs.pk}
    full = f"/admin/generations/generation/?q={full_slug(theirs)}"
    assert (
        boss.get(full)["Location"] == staff.get(path)["Location"] == f"?organization__id__exact={theirs.pk}"
    )
    found = text_of(boss.post("/admin/find/", {"term": "doras-studio"}))
    assert full_slug(mine) in found
    assert full_slug(theirs) in found
    one = boss.post("/admin/find/", {"term": full_slug(theirs)})
    assert one["Location"] == f"/admin/accounts/organization/{theirs.pk}/change/"
    hit = staff.post("/admin/find/", {"term": "doras-studio"}, follow=True)
    assert full_slug(mine) not in text_of(hit)
    assert full_slug(theirs) not in text_of(hit)
