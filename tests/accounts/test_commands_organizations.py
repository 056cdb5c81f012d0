"""create_organization, suspend_organization, resume_organization."""

import pytest

from accounts.models import Membership, Organization, Role, User
from billing.models import LedgerEntry
from billing.reads import balance
from tests.accounts.client import generate, word_of
from tests.accounts.commands import Shell
from tests.cast import Person, new_key
from tests.several import a_shop


def test_new_organization_prints_its_slug_and_has_an_owner_and_a_wallet(shell: Shell) -> None:
    slug = shell.answer("create_organization", "  Blue Studio ", "--owner", "Dora@Studio.Example")
    organization = Organization.objects.get(slug=slug)
    assert (slug, organization.name) == ("blue-studio", "Blue Studio")
    member = Membership.objects.get(organization=organization)
    assert (member.user.email, member.role) == ("dora@studio.example", Role.OWNER)
    assert not member.user.has_usable_password()
    assert balance(organization.pk).available == 0


def test_it_may_be_a_customer_of_another_shop(shell: Shell) -> None:
    shop = a_shop("North").shop
    slug = shell.answer("create_organization", "Blue", "--owner", "dora@studio.example", "--shop", shop.slug)
    assert Organization.objects.get(slug=slug).shop == shop
    said = shell.refusal("create_organization", "Red", "--owner", "dora@studio.example", "--shop", "south")
    assert shop.slug in said
    assert not Organization.objects.filter(name="Red").exists()


def test_credits_to_start_with_are_an_entry(shell: Shell) -> None:
    slug = shell.answer("create_organization", "Blue", "--owner", "dora@studio.example", "--credits", "150")
    organization = Organization.objects.get(slug=slug)
    assert balance(organization.pk).available == 150
    assert LedgerEntry.objects.get(wallet__organization=organization).kind == "grant"


@pytest.mark.parametrize(("name", "start"), [("Blue", "blue"), ("青", "organization"), ("x" * 80, "x" * 50)])
def test_equal_names_get_slugs_of_their_own(shell: Shell, name: str, start: str) -> None:
    slugs = {shell.answer("create_organization", name, "--owner", "dora@studio.example") for _ in range(3)}
    assert len(slugs) == 3
    assert all(slug.startswith(start) for slug in slugs)
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "owner"),
    [("", "dora@studio.example"), ("  ", "dora@studio.example"), ("x" * 81, "d@s.example"), ("Blue", "dora")],
)
def test_unusable_name_or_address_is_refused_and_leaves_nothing(shell: Shell, name: str, owner: str) -> None:
    assert shell.refusal("create_organization", name, "--owner", owner)
    assert not Organization.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize("credits", ["-1", "1.5", "many", "1000000001"])
def test_unusable_number_of_credits_is_refused(shell: Shell, credits: str) -> None:
    done = shell("create_organization", "Blue", "--owner", "dora@studio.example", f"--credits={credits}")
    assert (done.code != 0, done.out) == (True, "")
    assert "--credits" in done.err
    assert not Organization.objects.exists()


def test_suspended_organization_prints_its_slug_and_is_shut_out_until_resumed(
    shell: Shell, alice: Person
) -> None:
    slug = alice.organization.slug
    key = new_key(alice)[1]
    assert shell.answer("suspend_organization", slug) == slug
    assert word_of(generate(key)) == (403, "organization_suspended")
    assert "suspended already" in shell.refusal("suspend_organization", slug)
    assert shell.answer("resume_organization", slug) == slug
    assert generate(key).status_code == 200
    assert "not suspended" in shell.refusal("resume_organization", slug)


@pytest.mark.parametrize("command", ["suspend_organization", "resume_organization"])
def test_unknown_organization_is_refused(shell: Shell, command: str) -> None:
    assert "nobody" in shell.refusal(command, "nobody")
