"""Every member of a shop gets the same mail once, however many there are, and nobody waits for that."""

from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import shop_closing
from accounts.mail import circulars, outbox
from accounts.models import QueuedMail, Shop
from tests.accounts.shops.steps import customer_of, run
from tests.cast import Person
from tests.mail import Mailbox
from tests.several import a_shop

LANGUAGES = ("", "de", "zh-hans")
CLOSES = {"": "closes", "de": "schließt", "zh-hans": "即将关闭"}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circulars, "PORTION", 2)


def some_members(shop: Shop, number: int) -> list[Person]:
    """In turn of each language."""
    found = [customer_of(shop, f"member{index}@studio.example") for index in range(number)]
    for index, person in enumerate(found):
        person.user.reads(LANGUAGES[index % 3])
    return found


def told(template: str = "shop_closing") -> Counter[str]:
    """How many mails to whom."""
    mails = QueuedMail.objects.filter(template=template).exclude(to="")
    return Counter(mails.values_list("to", flat=True))


def the_rest() -> QueuedMail:
    return QueuedMail.objects.select_related("shop").get(to="", sent_at=None)


@pytest.mark.django_db
def test_the_first_are_told_at_once_and_the_others_by_whoever_sends_mail(
    shop: Shop, mailbox: Mailbox
) -> None:
    members = some_members(shop, 5)
    members[3].user.is_active = False
    members[3].user.save()
    assert shop_closing.begin(shop)
    first, second, third, _shut_out, fifth = [person.user.email for person in members]
    assert told() == {first: 1, second: 1}
    assert "(UTC) you can sign in and fetch" in QueuedMail.objects.get(to=first).body
    assert outbox.send_due() == 3, "Two mails, and what the others stand in"
    assert told() == {third: 1, fifth: 1}, "Of those that were sent the addresses are gone"
    assert outbox.send_due() == 2
    everybody = dict.fromkeys((first, second, third, fifth), 1)
    assert Counter(message["To"] for message in mailbox.messages) == everybody
    for message, person in zip(mailbox.messages[:3], members[:3], strict=True):
        assert CLOSES[person.user.language] in message["Subject"]
    assert outbox.send_due() == 0


@pytest.mark.django_db
def test_whoever_closes_a_shop_waits_no_longer_for_many_members() -> None:
    asked = list[int]()
    for number in (3, 9):
        shop = a_shop().shop
        some_members(shop, number)
        with CaptureQueriesContext(connection) as queries:
            assert shop_closing.begin(shop)
        asked.append(len(queries))
    assert asked[0] == asked[1]


@pytest.mark.django_db
def test_who_is_killed_over_it_leaves_the_others_to_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = some_members(shop, 7)
    shop_closing.begin(shop)
    row = the_rest()
    write, written = circulars._write, list[int]()

    def dies_over_the_second(shop: Shop, template: str, *, after: int) -> int | None:
        last = write(shop, template, after=after)
        written.append(after)
        if len(written) == 2:
            raise KeyboardInterrupt
        return last

    with monkeypatch.context() as patch:
        patch.setattr(circulars, "_write", dies_over_the_second)
        with pytest.raises(KeyboardInterrupt):
            circulars.spread(row)
    assert sum(told().values()) == 4
    circulars.spread(row)
    circulars.spread(row)  # once more changes nothing
    assert told() == {person.user.email: 1 for person in members}


@pytest.mark.django_db
def test_who_had_not_been_told_of_it_is_not_when_it_is_taken_back(shop: Shop, mailbox: Mailbox) -> None:
    members = some_members(shop, 5)
    assert shop_closing.begin(shop)
    assert shop_closing.take_back(shop)
    circulars.spread_all(shop)
    assert sum(told().values()) == 2
    assert told("shop_kept") == {person.user.email: 1 for person in members}
    assert shop_closing.begin(shop)
    circulars.spread_all(shop)
    assert sum(told().values()) == 2 + 5
    assert outbox.send_due() == 2 + 5 + 5
    assert not QueuedMail.objects.filter(sent_at=None).exists()


@pytest.mark.django_db
def test_a_shop_that_ends_at_once_tells_all_before_they_are_no_members_any_more(
    shop: Shop, tmp_path: Path
) -> None:
    members = some_members(shop, 3)
    code, said = run("close_shop", shop.slug, "--export", str(tmp_path), "--now", "--wait", "0")
    assert code == 0, said
    assert told() == {person.user.email: 1 for person in members}
