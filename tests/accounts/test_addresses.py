"""Where a request came from, as proxies write it, and what it counts as."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from accounts.addresses import client_address, is_listed, network_of
from accounts.signing import limits


@pytest.mark.parametrize(
    ("forwarded", "address", "network"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.7/32"),
        ("203.0.113.7:1000", "203.0.113.7", "203.0.113.7/32"),
        ("203.0.113.7:1000, 10.0.0.2:4711", "203.0.113.7", "203.0.113.7/32"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7", "203.0.113.7/32"),
        ("[2001:db8::1]:443", "2001:db8::1", "2001:db8::/64"),
        ("[2001:db8::1]", "2001:db8::1", "2001:db8::/64"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
        ("[::ffff:203.0.113.7]:5", "203.0.113.7", "203.0.113.7/32"),
        ("unknown", "", ""),
        ("_hidden7", "", ""),
        ("203.0.113.7, _hidden8", "", ""),
        ("[", "", ""),
        ("203.0.113.7:1000:2", "", ""),
    ],
)
def test_ports_and_brackets_are_no_part_of_an_address(
    settings: Settings, forwarded: str, address: str, network: str
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address
    assert limits.by_address(request, limits.SIGN_IN).subject == f"address:{network}"


@pytest.mark.parametrize("strange", ["", "unknown", "203.0.113.7:1000:2"])
def test_what_is_no_address_is_on_no_list(strange: str) -> None:
    assert not is_listed(strange, ["0.0.0.0/0", "::/0"])


def test_socket_without_an_address_counts_as_one(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    names = {
        limits.by_address(RequestFactory().get("/", REMOTE_ADDR=path), limits.SIGN_IN).subject
        for path in ("", "/run/one.sock", "unix:two")
    }
    assert names == {"address:"}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("2001:db8::7", "2001:db8::/64"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_addresses_of_one_network_count_as_one(address: str, network: str) -> None:
    assert network_of(address, {4: 24, 6: 64}) == network
