"""Addresses judged by themselves: no name is looked up, and no spelling of a number inside gets by."""

import pytest
from pytest_django import Settings

from tests.webhooks.test_spellings import NETWORKS, NUMBERS
from webhooks.outbound import Refused, check_without_asking


@pytest.mark.parametrize("host", [*NUMBERS, *NETWORKS, "localhost", "LocalHost.", "a.localhost"])
def test_numbers_inside_are_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(Refused):
        check_without_asking(f"https://{host}/hook")


@pytest.mark.parametrize("host", ["customer.example", "8.8.8.8", "[2606:4700::1111]", "10.customer.example"])
def test_names_and_public_numbers_pass(host: str) -> None:
    check_without_asking(f"https://{host}/hook?a=1")


def test_this_machine_is_allowed_where_it_is_for_everything(settings: Settings) -> None:
    settings.OUTBOUND_LOOPBACK = True
    for address in ("http://127.0.0.1:9/", "http://localhost:9/", "https://[::1]:8443/"):
        check_without_asking(address)
    with pytest.raises(Refused):
        check_without_asking("http://10.0.0.1/")
