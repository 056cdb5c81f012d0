"""Those who write to the members of a shop at once write to each of them once."""

import threading

import pytest
from django.db import connection

from accounts import shop_closing
from accounts.mail import circulars
from accounts.models import QueuedMail, Shop
from tests.accounts.shops.steps import customer_of, harbour
from tests.threads import together

pytestmark = pytest.mark.usefixtures("race_db")
AT_ONCE = 4


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circulars, "PORTION", 2)


def closing(members: int) -> Shop:
    """A shop of which two members were told."""
    shop = harbour()
    for index in range(members):
        customer_of(shop, f"member{index}@studio.example")
    assert shop_closing.begin(shop)
    return shop


def told() -> list[str]:
    return sorted(QueuedMail.objects.exclude(to="").values_list("to", flat=True))


def the_rest() -> QueuedMail:
    return QueuedMail.objects.select_related("shop").get(to="")


def test_each_is_told_once() -> None:
    closing(9)
    row = the_rest()
    connection.close()
    assert together(AT_ONCE, lambda _: circulars.spread(row)) == [None] * AT_ONCE
    assert told() == [f"member{index}@studio.example" for index in range(9)]


def test_who_only_read_how_far_it_is_tell_the_same_people_control() -> None:
    closing(4)
    connection.close()
    everybody_has_read = threading.Barrier(AT_ONCE)

    def spread_naively(_index: int) -> None:
        row = the_rest()
        connection.close()
        everybody_has_read.wait(30)
        circulars._write(row.shop, row.template, after=int(row.body))

    assert together(AT_ONCE, spread_naively) == [None] * AT_ONCE
    assert len(told()) == 2 + AT_ONCE * 2
