"""403: scopes, address lists, suspended organizations."""

import pytest
from pytest_django import Settings

from accounts.organizations import resume, suspend
from generations.models import Generation
from tests.accounts.client import data_of, error_of, generate, status, task_of
from tests.cast import Person, new_key


def test_key_without_generate_cannot_create(alice: Person) -> None:
    _row, key = new_key(alice, scopes=["read"])
    assert error_of(generate(key), 403)["type"] == "insufficient_scope"
    assert not Generation.objects.exists()


def test_key_without_read_cannot_look(alice: Person) -> None:
    _row, key = new_key(alice, scopes=["generate"])
    task = task_of(generate(key))
    assert error_of(status(key, task), 403)["type"] == "insufficient_scope"


def test_admin_scope_does_not_stand_for_the_others(alice: Person) -> None:
    _row, key = new_key(alice, scopes=["admin"])
    assert error_of(generate(key), 403)["type"] == "insufficient_scope"


def test_suspended_organization_is_refused_until_it_is_resumed(alice: Person) -> None:
    _row, key = new_key(alice)
    task = task_of(generate(key))
    suspend(alice.organization)
    assert error_of(generate(key), 403)["type"] == "organization_suspended"
    assert error_of(status(key, task), 403)["type"] == "organization_suspended"
    resume(alice.organization)
    assert data_of(status(key, task))["task_id"] == task


def test_suspension_of_one_organization_leaves_others_alone(alice: Person, charlie: Person) -> None:
    suspend(alice.organization)
    assert generate(new_key(charlie)[1]).status_code == 200


@pytest.mark.parametrize(
    ("listed", "address", "is_allowed"),
    [
        ([], "203.0.113.9", True),
        (["203.0.113.9"], "203.0.113.9", True),
        (["203.0.113.9"], "203.0.113.10", False),
        (["198.51.100.0/24", "203.0.113.0/24"], "203.0.113.200", True),
        (["203.0.113.7/24"], "203.0.113.200", True),  # a host with its network's length
        (["203.0.113.0/24"], "::ffff:203.0.113.9", True),  # IPv4 on a dual-stack socket
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "203.0.113.9", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["203.0.113.9"], "", False),  # a Unix socket has no address
        (["203.0.113.9"], "unknown", False),
    ],
)
def test_address_list_decides_from_where_a_key_works(
    alice: Person, listed: list[str], address: str, is_allowed: bool
) -> None:
    _row, key = new_key(alice, allowed_addresses=listed)
    response = generate(key, REMOTE_ADDR=address)
    if is_allowed:
        assert task_of(response)
    else:
        assert error_of(response, 403)["type"] == "address_not_allowed"


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "is_allowed"),
    [
        ([], "203.0.113.9", "198.51.100.1", True),  # anybody can write the header
        ([], "198.51.100.1", "203.0.113.9", False),
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.9", True),
        (
            ["10.0.0.0/8"],
            "10.0.0.1",
            "203.0.113.9, 198.51.100.1",
            False,
        ),  # the nearest that is not ours counts
        (["10.0.0.0/8"], "10.0.0.1", "198.51.100.1, 203.0.113.9, 10.2.3.4", True),
        (["10.0.0.0/8"], "10.0.0.1", "203.0.113.9, nonsense", False),
        (["10.0.0.0/8"], "10.0.0.1", "", False),
        (["10.0.0.0/8"], "198.51.100.1", "203.0.113.9", False),
        (["::1"], "::1", "::ffff:203.0.113.9", True),
    ],
)
def test_forwarded_address_counts_only_from_a_trusted_proxy(
    alice: Person, settings: Settings, trusted: list[str], remote: str, forwarded: str, is_allowed: bool
) -> None:
    settings.TRUSTED_PROXIES = trusted
    _row, key = new_key(alice, allowed_addresses=["203.0.113.9"])
    response = generate(key, REMOTE_ADDR=remote, headers={"X-Forwarded-For": forwarded})
    assert response.status_code == (200 if is_allowed else 403)


def test_refused_requests_name_the_rate_too(alice: Person) -> None:
    _row, key = new_key(alice, scopes=["read"])
    assert generate(key)["RateLimit"] == '"create";r=19;t=1'
    assert generate(key, REMOTE_ADDR="203.0.113.9")["RateLimit-Policy"] == '"create";q=20;w=20'
