"""What is wrong in one shop is told to its operators, and what is wrong with all of it to the platform's."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts import staff
from accounts.mail import alerts
from accounts.models import AlertKind, QueuedMail, Shop, ShopStaff, StaffRole, User
from accounts.organizations import person
from accounts.shops import first_shop
from config.watching import alarms
from config.watching.alarms import Trouble
from generations.models import Alarm
from tests.config.desk_shops import SECOND, THIRD, Desk, a_desk
from tests.mail import Mailbox
from tests.operators import desk_of, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
PLATFORM = ["operator@platform.example"]


@pytest.fixture(autouse=True)
def operators(settings: Settings) -> None:
    settings.OPERATOR_EMAILS = PLATFORM


@pytest.fixture
def desk() -> Desk:
    return a_desk(SECOND, "second.example")


def an_operator(
    shop: Shop, email: str, role: StaffRole = StaffRole.OPERATOR, *, confirmed: bool = True
) -> str:
    user = person(email)
    User.objects.filter(pk=user.pk).update(email_confirmed_at=timezone.now() if confirmed else None)
    ShopStaff.objects.create(shop=shop, user=user, role=role)
    return email


def test_a_shops_operators_are_told_and_nobody_else(desk: Desk, mailbox: Mailbox) -> None:
    mine = an_operator(desk.shop, "boss@second.example")
    an_operator(desk.shop, "support@second.example", StaffRole.SUPPORT)
    an_operator(desk.shop, "unconfirmed@second.example", confirmed=False)
    an_operator(a_desk(THIRD, "third.example").shop, "boss@third.example")
    alerts.raise_alert(desk.shop.pk, AlertKind.ACCOUNT, "It refuses our account", "Look.")
    assert alerts.send_due() == 1
    [message] = mailbox.messages
    assert message["To"] == mine
    alarms.settle("circuit", [Trouble("circuit:1", "It fails", "Look.", desk.shop.pk)])
    alarms.settle("circuit", [])
    assert set(QueuedMail.objects.values_list("to", flat=True)) == {mine}


def test_without_operators_the_platform_is_told(desk: Desk) -> None:
    assert staff.mail_of(desk.shop.pk) == PLATFORM
    user = User.objects.get(email=an_operator(desk.shop, "boss@second.example"))
    assert staff.mail_of(desk.shop.pk) == [user.email]
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert staff.mail_of(desk.shop.pk) == PLATFORM


def test_what_is_wrong_with_the_whole_is_the_platforms_alone(desk: Desk) -> None:
    an_operator(desk.shop, "boss@second.example")
    an_operator(first_shop(), "boss@first.example")
    alarms.settle("queue", [Trouble("queue", "Orders wait too long", "Look.")])
    assert set(QueuedMail.objects.values_list("to", flat=True)) == set(PLATFORM)
    assert Alarm.objects.get().shop is None
    assert "Orders wait too long" in text_of(desk_of(operator()).get("/admin/"))
    for shop in (desk, a_desk("annabella")):
        client = shop.browser(shop.staff())
        assert "Orders wait too long" not in text_of(client.get("/admin/"))
        assert client.get("/admin/generations/alarm/").context["cl"].result_count == 0
