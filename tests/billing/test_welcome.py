"""Welcome credits: once per person, to the first organization that they own, and not too many a day."""

import datetime
import logging

import pytest
from pytest_django import Settings

from accounts import hooks, shops
from accounts.models import Membership, Organization, Role, Shop, User
from accounts.organizations import create_organization
from accounts.shops import first_shop
from billing import tasks
from billing.models import LedgerEntry, Welcome, WelcomeCount
from billing.welcome import _hashed_network, give
from tests.billing.gifts import a_person
from tests.makers import ago, an_organization, books_are_right, wallet_of
from tests.several import a_shop

pytestmark = pytest.mark.django_db
HOME = "203.0.113.7"


@pytest.fixture(autouse=True)
def generous(settings: Settings) -> None:
    settings.WELCOME_CREDITS = 50


def a_founder(*, confirmed: bool = True) -> tuple[User, Organization]:
    user = a_person(confirmed=confirmed)
    return user, create_organization(first_shop(), f"{user.email}'s", user)


def test_a_shop_may_give_none(settings: Settings) -> None:
    settings.WELCOME_CREDITS = 0
    user, organization = a_founder()
    assert give(user, HOME) == 0
    assert wallet_of(organization)[0] == 0
    assert not Welcome.objects.exists()


def test_whoever_confirms_their_address_is_welcomed_once() -> None:
    user, organization = a_founder()
    for hook in hooks.address_confirmed:
        hook(user, HOME)
    assert wallet_of(organization)[0] == 50
    assert LedgerEntry.objects.get().reference == f"welcome:{user.uuid}"
    assert give(user, "198.51.100.1") == 0
    assert wallet_of(organization)[0] == 50
    assert books_are_right()


def test_without_a_confirmed_address_there_are_none_yet() -> None:
    user, organization = a_founder(confirmed=False)
    assert give(user, HOME) == 0
    assert wallet_of(organization)[0] == 0


def test_a_suspended_shop_gives_none_until_it_is_open_again() -> None:
    shop = a_shop("Plates", welcome_credits=50).shop
    user = a_person()
    organization = create_organization(shop, "Erin's", user)
    for row, suspended in ((shop, True), (organization, True), (organization, False)):
        type(row)._default_manager.filter(pk=row.pk).update(suspended_at=ago(1) if suspended else None)
        shops.forget()
        assert give(user, HOME) == 0
    assert (wallet_of(organization)[0], Welcome.objects.count()) == (0, 0)
    Shop.objects.filter(pk=shop.pk).update(suspended_at=None)
    shops.forget()
    assert give(user, HOME) == wallet_of(organization)[0] == 50


def test_they_go_to_the_first_organization_that_one_owns() -> None:
    user = a_person()
    joined = an_organization()
    Membership.objects.create(organization=joined, user=user, role=Role.ADMIN)
    assert give(user, HOME) == 0
    first, second = (create_organization(first_shop(), name, user) for name in ("First", "Second"))
    assert give(user, HOME) == 50
    assert [wallet_of(one)[0] for one in (joined, first, second)] == [0, 50, 0]


def test_a_network_gets_its_share_of_a_day_and_more_the_next(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.WELCOME_PER_NETWORK_PER_DAY = 2
    given = [give(a_founder()[0], f"203.0.113.{last}") for last in (1, 2)]
    late, organization = a_founder()
    with caplog.at_level(logging.WARNING):
        assert give(late, "::ffff:203.0.113.3") == 0
    assert given == [50, 50]
    assert f"No welcome credits for user:{late.uuid} today: its network has had its share" in caplog.text
    assert "203.0.113" not in caplog.text
    assert wallet_of(organization)[0] == 0
    assert give(a_founder()[0], "203.0.114.1") == 50
    WelcomeCount.objects.update(on=datetime.date(2020, 1, 1))
    assert give(late, "203.0.113.3") == 50
    assert books_are_right()


def test_in_ipv6_a_network_is_what_one_customer_has(settings: Settings) -> None:
    settings.WELCOME_PER_NETWORK_PER_DAY = 1
    addresses = ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1")
    assert [give(a_founder()[0], address) for address in addresses] == [50, 0, 50]


@pytest.mark.parametrize("address", ["", "unix:", "999.1.1.1"])
def test_those_without_an_address_are_one_network(settings: Settings, address: str) -> None:
    settings.WELCOME_PER_NETWORK_PER_DAY = 1
    assert [give(a_founder()[0], one) for one in ("", address)] == [50, 0]


def test_the_shop_gives_so_many_a_day(settings: Settings) -> None:
    settings.WELCOME_PER_DAY = 2
    assert [give(a_founder()[0], f"203.0.{third}.1") for third in range(3)] == [50, 50, 0]
    assert WelcomeCount.objects.get(network="").count == 2
    assert WelcomeCount.objects.exclude(network="").count() == 2


def test_networks_are_hashes_that_are_erased_after_two_days() -> None:
    give(a_founder()[0], HOME)
    [network] = WelcomeCount.objects.exclude(network="").values_list("network", flat=True)
    assert len(network) == 64
    today = WelcomeCount.objects.get(network="").on
    WelcomeCount.objects.update(on=today - datetime.timedelta(days=1))
    tasks.erase_networks()
    assert WelcomeCount.objects.count() == 2
    WelcomeCount.objects.update(on=today - datetime.timedelta(days=2))
    tasks.erase_networks()
    assert WelcomeCount.objects.get().network == ""


def test_a_network_is_not_followed_from_day_to_day(settings: Settings) -> None:
    settings.WELCOME_PER_NETWORK_PER_DAY = 5
    give(a_founder()[0], HOME)
    give(a_founder()[0], HOME)
    [here] = WelcomeCount.objects.exclude(network="").values_list("network", flat=True)
    day = datetime.date(2026, 1, 1)
    assert _hashed_network(HOME, day) == _hashed_network("203.0.113.200", day)
    assert (
        len({here, _hashed_network(HOME, day), _hashed_network(HOME, day + datetime.timedelta(days=1))}) == 3
    )


# --- Several shops --------------------------------------------------------------------------------


def test_each_shop_says_what_it_gives_and_gives_it_to_its_own(settings: Settings) -> None:
    user, organization = a_founder()
    generous, mean = a_shop("Generous", welcome_credits=7).shop, a_shop("Mean").shop
    theirs = [create_organization(shop, f"At {shop}", user) for shop in (generous, mean)]
    assert give(user, HOME) == 57
    assert [wallet_of(one)[0] for one in (organization, *theirs)] == [50, 7, 0]
    assert give(user, HOME) == 0
    references = set(Welcome.objects.values_list("reference", flat=True))
    assert references == {f"welcome:{user.uuid}", f"welcome:{user.uuid}:{generous.pk}"}
    assert books_are_right()


def test_the_first_shop_may_say_so_itself() -> None:
    shop = first_shop()
    shop.welcome_credits = 3
    shop.save()
    assert give(a_founder()[0], HOME) == 3
    shop.welcome_credits = 0
    shop.save()
    assert give(a_founder()[0], HOME) == 0


def test_the_limits_of_a_day_are_each_shop_s_own(settings: Settings) -> None:
    settings.WELCOME_PER_DAY = 1
    shop = a_shop(welcome_credits=7).shop
    users = [a_person() for _ in range(3)]
    for number, user in enumerate(users):
        create_organization(shop, f"Theirs {number}", user)
    assert [give(user, f"203.0.{third}.1") for third, user in enumerate(users)] == [7, 0, 0]
    assert give(a_founder()[0], "203.0.9.1") == 50
