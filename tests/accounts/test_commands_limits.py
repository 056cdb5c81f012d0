"""set_limits, and the limits that create_organization and create_api_key give."""

import pytest

from accounts.models import ApiKey, Organization
from billing.models import Wallet
from tests.accounts.client import error_of, generate, stated
from tests.accounts.commands import Shell
from tests.cast import Person, new_key

USUAL = '{"rate_per_minute":600,"burst":200,"max_open_tasks":20}'


def test_limits_in_force_are_printed_as_json(shell: Shell, alice: Person) -> None:
    assert shell.answer("set_limits", alice.organization.slug) == USUAL


def test_only_named_limits_change(shell: Shell, alice: Person) -> None:
    slug = alice.organization.slug
    assert shell.answer("set_limits", slug, "--burst", "50") == USUAL.replace("200", "50")
    assert shell.answer("set_limits", slug, "--max-open-tasks", "7", "--rate-per-minute", "30") == (
        '{"rate_per_minute":30,"burst":50,"max_open_tasks":7}'
    )
    organization = Organization.objects.get()
    assert (organization.rate_per_minute, organization.burst) == (30, 50)
    assert Wallet.objects.get().open_limit == 7


def test_default_takes_a_limit_back(shell: Shell, alice: Person) -> None:
    slug, names = alice.organization.slug, ("--rate-per-minute", "--burst", "--max-open-tasks")
    shell.answer("set_limits", slug, *(word for name in names for word in (name, "9")))
    assert shell.answer("set_limits", slug, *(word for name in names for word in (name, "default"))) == USUAL
    assert Organization.objects.get().rate_per_minute is None
    assert Wallet.objects.get().open_limit is None


def test_limits_hold_from_the_next_request_on(shell: Shell, alice: Person) -> None:
    slug, key = alice.organization.slug, new_key(alice)[1]
    assert generate(key).status_code == 200
    shell.answer("set_limits", slug, "--max-open-tasks", "2")
    assert generate(key).status_code == 200
    error = error_of(generate(key), 429)
    assert (error["type"], error["limit_source"]) == ("too_many_open_tasks", "organization")
    shell.answer("set_limits", slug, "--rate-per-minute", "1", "--burst", "1")
    # At most one passes: a full bucket, or what is left of the time of the requests before.
    errors = [error_of(generate(key), 429) for _ in range(3)]
    assert ("rate_limited", "organization") in [(error["type"], error["limit_source"]) for error in errors]


@pytest.mark.parametrize("option", ["--rate-per-minute", "--burst", "--max-open-tasks"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "none", "1000001"])
def test_unusable_limit_is_refused_by_the_name_of_its_option(
    shell: Shell, alice: Person, option: str, value: str
) -> None:
    done = shell("set_limits", alice.organization.slug, f"{option}={value}")
    assert (done.code, done.out) == (1, "")
    assert option in done.err
    assert "default" in done.err
    assert shell.answer("set_limits", alice.organization.slug) == USUAL


def test_limits_of_nobody_are_refused(shell: Shell) -> None:
    assert "nobody" in shell.refusal("set_limits", "nobody")


def test_new_organization_can_have_limits_of_its_own(shell: Shell) -> None:
    slug = shell.answer(
        "create_organization",
        "Blue",
        "--owner",
        "d@blue.example",
        "--rate-per-minute",
        "6000",
        "--burst",
        "900",
    )
    assert shell.answer("set_limits", slug) == USUAL.replace("600", "6000").replace("200", "900")


@pytest.mark.parametrize("option", [("--rate-per-minute", "601"), ("--burst", "201")])
def test_key_above_its_organization_is_made_with_a_note_that_says_the_cure(
    shell: Shell, alice: Person, option: tuple[str, str]
) -> None:
    slug = alice.organization.slug
    done = shell("create_api_key", slug, *option)
    assert done.code == 0
    assert stated(generate(done.out.strip()))[0] == "create"
    [note] = done.err.splitlines()
    assert "600 requests a minute, burst 200" in note
    assert f"manage.py set_limits {slug}" in note


def test_key_up_to_its_organization_is_made_without_a_word(shell: Shell, alice: Person) -> None:
    shell.answer("create_api_key", alice.organization.slug, "--rate-per-minute", "600", "--burst", "200")


def test_keys_that_a_new_limit_undercuts_are_named(shell: Shell, alice: Person) -> None:
    slug = alice.organization.slug
    kept, _ = new_key(alice, burst=50)
    new_key(alice, burst=10)
    revoked, _ = new_key(alice, burst=60)
    ApiKey.objects.filter(pk=revoked.pk).update(revoked_at=revoked.created_at)
    done = shell("set_limits", slug, "--burst", "20", "--rate-per-minute", "600")
    assert (done.code, done.out) == (0, USUAL.replace("200", "20") + "\n")
    [note] = done.err.splitlines()
    assert note.endswith(f": {kept.prefix}")
