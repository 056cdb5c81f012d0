"""Mail once each time that a balance falls below what its organization set."""

from typing import Any

import pytest
from pytest_django import Settings

from accounts.mail import outbox
from accounts.models import QueuedMail, Role
from billing import ledger, low_balance, tasks
from billing.models import BalanceNotice
from tests.cast import Person, give_credits, join
from tests.mail import Mailbox
from tests.makers import new_reference

pytestmark = pytest.mark.django_db


def spend(person: Person, credits: int) -> None:
    ledger.take(person.organization.pk, credits, reference=new_reference("manual"), actor="system")


def told() -> list[str]:
    return sorted(QueuedMail.objects.values_list("to", flat=True))


def test_it_is_told_once_per_crossing(alice: Person) -> None:
    low_balance.set_threshold(alice.organization.pk, 1000)
    assert low_balance.look() == 0
    spend(alice, 500)  # 1,000 are left
    assert low_balance.look() == 0
    spend(alice, 1)
    assert (low_balance.look(), low_balance.look()) == (1, 0)
    spend(alice, 900)
    assert low_balance.look() == 0
    give_credits(alice.organization, 901)
    assert low_balance.look() == 0
    spend(alice, 1)
    assert low_balance.look() == 1
    assert told() == [alice.user.email] * 2


def test_who_handles_money_is_told_and_nobody_else(alice: Person, bob: Person, charlie: Person) -> None:
    billing = join("billing@studio.example", alice.organization, Role.BILLING)
    admin = join("admin@studio.example", alice.organization, Role.ADMIN)
    gone = join("gone@studio.example", alice.organization, Role.ADMIN)
    gone.user.is_active = False
    gone.user.save()
    join("viewer@studio.example", alice.organization, Role.VIEWER)
    low_balance.set_threshold(alice.organization.pk, 2000)
    tasks.watch_balances()
    assert told() == sorted(one.user.email for one in (alice, billing, admin))


def plain(message: Any) -> str:
    """The text of a mail that has its markup beside it."""
    [part] = [one for one in message.walk() if one.get_content_type() == "text/plain"]
    return str(part.get_payload(decode=True).decode()).replace("\r\n", "\n")


def test_the_mail_says_how_many_are_left_and_where_to_get_more(
    alice: Person, mailbox: Mailbox, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    low_balance.set_threshold(alice.organization.pk, 2000)
    low_balance.look()
    assert outbox.send_due() == 1
    [message] = mailbox.messages
    body = plain(message)
    assert str(message["Subject"]).strip() == "Few credits are left for \u2068Alice's Studio\u2069"
    assert "\u2068Alice's Studio\u2069 has 1,500 credits left at Tintype." in body
    assert "when there are fewer than 2,000" in body
    assert "\nhttps://shop.example/credits/\n" in body


def test_one_credit_is_one_credit(alice: Person, mailbox: Mailbox) -> None:
    spend(alice, 1499)
    low_balance.set_threshold(alice.organization.pk, 2)
    low_balance.look()
    outbox.send_due()
    assert "has 1 credit left at" in plain(mailbox.messages[0])


def test_another_threshold_is_another_question(alice: Person) -> None:
    organization = alice.organization.pk
    low_balance.set_threshold(organization, 2000)
    assert low_balance.look() == 1
    low_balance.set_threshold(organization, 3000)
    assert low_balance.look() == 0, "It is as low as it was"
    low_balance.set_threshold(organization, 100)
    assert low_balance.look() == 0
    assert BalanceNotice.objects.get().low_since is None
    low_balance.set_threshold(organization, 2000)
    assert low_balance.look() == 1
    assert low_balance.threshold(organization) == 2000


def test_who_sets_none_hears_nothing(alice: Person, charlie: Person) -> None:
    low_balance.set_threshold(alice.organization.pk, 2000)
    low_balance.set_threshold(alice.organization.pk, None)
    assert low_balance.threshold(alice.organization.pk) is None
    assert low_balance.look() == 0
    assert told() == []


@pytest.mark.parametrize("credits", [0, -1, low_balance.MAX_THRESHOLD_CREDITS + 1])
def test_no_threshold_is_out_of_bounds(alice: Person, credits: int) -> None:
    with pytest.raises(ValueError, match="a threshold is"):
        low_balance.set_threshold(alice.organization.pk, credits)
