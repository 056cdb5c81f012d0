"""create_api_key and revoke_api_key."""

import datetime

import pytest
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey
from tests.accounts.client import content, generate, word_of
from tests.accounts.commands import Shell
from tests.cast import Person


@pytest.mark.parametrize(("options", "livemode"), [([], True), (["--test"], False)])
def test_new_key_is_printed_and_nothing_else(
    shell: Shell, alice: Person, options: list[str], livemode: bool
) -> None:
    text = shell.answer("create_api_key", alice.organization.slug, *options)
    parsed = keys.parse(text)
    assert parsed is not None
    assert parsed.livemode is livemode
    row = ApiKey.objects.get()
    assert (row.livemode, row.prefix, row.digest) == (livemode, text[:12], parsed.digest)
    assert (row.scopes, row.expires_at, row.rate_per_minute) == (["generate", "read"], None, None)
    assert generate(text).status_code == 200


def test_options_are_kept_on_the_key(shell: Shell, alice: Person) -> None:
    options = ["--name", "ci", "--scopes", "read, admin", "--rate-per-minute", "6", "--burst", "2"]
    options += ["--addresses", "10.0.0.0/8,::1", "--expires", "2999-01-31T12:00:00"]
    shell.answer("create_api_key", alice.organization.slug, *options)
    row = ApiKey.objects.get()
    assert (row.name, row.scopes, row.rate_per_minute, row.burst) == ("ci", ["read", "admin"], 6, 2)
    assert row.allowed_addresses == ["10.0.0.0/8", "::1"]
    assert row.expires_at == datetime.datetime(2999, 1, 31, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize("text", ["2999-01-31T12:00:00Z", "2999-01-31T13:00:00+01:00", "2999-01-31T12:00"])
def test_expiry_is_read_with_its_zone_else_as_utc(shell: Shell, alice: Person, text: str) -> None:
    shell.answer("create_api_key", alice.organization.slug, "--expires", text)
    assert ApiKey.objects.get().expires_at == datetime.datetime(2999, 1, 31, 12, tzinfo=datetime.UTC)


def test_key_stops_to_work_when_it_expires(shell: Shell, alice: Person) -> None:
    soon = (timezone.now() + datetime.timedelta(hours=1)).isoformat()
    text = shell.answer("create_api_key", alice.organization.slug, "--expires", soon)
    assert generate(text).status_code == 200
    ApiKey.objects.update(expires_at=timezone.now() - datetime.timedelta(seconds=1))
    assert word_of(generate(text)) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "options",
    [
        ["--scopes", "everything"],
        ["--scopes", ""],
        ["--scopes", "generate,root"],
        ["--name", "x" * 81],
        ["--addresses", "10.0.0.0/8,home"],
    ],
    ids=" ".join,
)
def test_unusable_option_is_refused_in_one_line(shell: Shell, alice: Person, options: list[str]) -> None:
    assert shell.refusal("create_api_key", alice.organization.slug, *options)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--rate-per-minute", "0"),
        ("--rate-per-minute", "fast"),
        ("--burst", "-1"),
        ("--burst", "1.5"),
        ("--expires", "tomorrow"),
        ("--expires", "2020-01-01T00:00:00Z"),
    ],
)
def test_unusable_value_is_refused_by_the_name_of_its_option(
    shell: Shell, alice: Person, option: str, value: str
) -> None:
    done = shell("create_api_key", alice.organization.slug, f"{option}={value}")
    assert (done.code != 0, done.out) == (True, "")
    assert option in done.err
    assert "Traceback" not in done.err
    assert not ApiKey.objects.exists()


def test_key_for_nobody_is_refused(shell: Shell) -> None:
    assert "nobody" in shell.refusal("create_api_key", "nobody")


@pytest.mark.parametrize("given", ["prefix", "whole key"])
def test_revoked_key_prints_its_prefix_and_is_out_at_once(shell: Shell, alice: Person, given: str) -> None:
    text = shell.answer("create_api_key", alice.organization.slug)
    other = shell.answer("create_api_key", alice.organization.slug)
    assert generate(text).status_code == 200
    assert shell.answer("revoke_api_key", text[:12] if given == "prefix" else text) == text[:12]
    assert content(generate(text))["code"] == 401
    assert generate(other).status_code == 200
    assert "revoked before" in shell.refusal("revoke_api_key", text)


@pytest.mark.parametrize("prefix", ["tt_live_zzzz", "tt_live_", "", "%", "x" * 1000])
def test_unknown_prefix_revokes_nothing(shell: Shell, alice: Person, prefix: str) -> None:
    shell.answer("create_api_key", alice.organization.slug)
    assert shell.refusal("revoke_api_key", prefix)
    assert ApiKey.objects.get().revoked_at is None


def test_prefix_of_two_keys_revokes_neither(shell: Shell, alice: Person) -> None:
    texts = [shell.answer("create_api_key", alice.organization.slug) for _ in range(2)]
    ApiKey.objects.update(prefix=texts[0][:12])
    assert "whole key" in shell.refusal("revoke_api_key", texts[0][:12])
    assert not ApiKey.objects.exclude(revoked_at=None).exists()
    assert shell.answer("revoke_api_key", texts[0]) == texts[0][:12]
    assert ApiKey.objects.exclude(revoked_at=None).get().digest == keys.digest(texts[0])
