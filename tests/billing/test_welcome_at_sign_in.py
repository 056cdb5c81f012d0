"""Welcome credits at a later sign-in: for those whom a limit refused, or who own an organization only since."""

import datetime
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.clock import db_now
from accounts.models import Membership, Organization, Role, User
from billing import welcome
from billing.models import WelcomeCount
from config import demo
from tests.billing.gifts import a_person
from tests.cast import Person, found
from tests.makers import an_organization, books_are_right, wallet_of
from tests.pages import browser_of
from tests.passwords import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def generous(settings: Settings) -> None:
    settings.WELCOME_CREDITS = 50


@pytest.fixture
def dora() -> Person:
    """Owns an organization, has confirmed her address, and was not welcomed then."""
    person = found("dora@studio.example", "Dora's")
    person.user.email_confirmed_at = db_now()
    person.user.save()
    person.user.refresh_from_db()
    return person


def signs_in(email: str, password: str = PASSWORD) -> None:
    assert browser_of().post("/sign-in/", {"email": email, "password": password}).status_code == 302


def available(organization: Organization) -> int:
    return wallet_of(organization)[0]


def test_whom_a_limit_refused_gets_them_another_day_and_once(settings: Settings, dora: Person) -> None:
    settings.WELCOME_PER_DAY = 1
    other = found("other@studio.example", "Other's")
    User.objects.filter(pk=other.user.pk).update(email_confirmed_at=db_now())
    assert welcome.give(other.user, "198.51.100.1") == 50
    signs_in(dora.user.email)
    assert available(dora.organization) == 0
    WelcomeCount.objects.update(on=datetime.date(2020, 1, 1))
    for _ in range(2):
        signs_in(dora.user.email)
        assert available(dora.organization) == 50
    assert books_are_right()


def test_who_becomes_an_owner_later_gets_them_then(dora: Person) -> None:
    Membership.objects.filter(user=dora.user).delete()
    taken_over = an_organization()
    Membership.objects.create(user=dora.user, organization=taken_over, role=Role.ADMIN)
    signs_in(dora.user.email)
    assert available(taken_over) == 0
    Membership.objects.filter(user=dora.user).update(role=Role.OWNER)
    signs_in(dora.user.email)
    assert available(taken_over) == 50


def test_without_a_confirmed_address_there_are_none(alice: Person) -> None:
    signs_in(alice.user.email)
    assert available(alice.organization) == 1500


def test_the_demos_owner_has_what_its_documentation_says(settings: Settings) -> None:
    settings.DEMO = True
    opened = demo.open_demo()
    assert opened is not None
    signs_in(opened.owner_email, opened.password)
    organization = Organization.objects.get(slug=opened.organization_slug)
    assert available(organization) == demo.CREDITS == 1500


def test_trouble_with_them_keeps_nobody_out(dora: Person, caplog: pytest.LogCaptureFixture) -> None:
    def lose(execute: Callable[..., object], sql: str, *arguments: Any) -> object:
        if "billing_welcome" in sql:
            raise OperationalError("the connection was lost")
        return execute(sql, *arguments)

    with connection.execute_wrapper(lose), caplog.at_level(logging.ERROR):
        signs_in(dora.user.email)
    assert f"No welcome credits for user:{dora.user.uuid} at this sign-in" in caplog.text
    signs_in(dora.user.email)
    assert available(dora.organization) == 50


def test_sign_ins_after_that_cost_two_queries(
    settings: Settings, dora: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert welcome.give(dora.user, "198.51.100.1") == 50
    with django_assert_num_queries(2):  # what they own, and whether that was welcomed
        welcome.after_sign_in(dora.user, "198.51.100.1")
    other = a_person()
    other.refresh_from_db()
    settings.WELCOME_CREDITS = 0
    with django_assert_num_queries(1):
        welcome.after_sign_in(other, "198.51.100.1")
