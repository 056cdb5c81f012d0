"""The same thing twice at the same moment."""

import threading

from allauth.mfa.models import Authenticator
from django.db import connection

from accounts.models import Organization, User
from accounts.organizations import person
from accounts.shops import first_shop
from tests.accounts.signing.steps import (
    NEW,
    addresses_of,
    code_for,
    code_of,
    mails_to,
    sign_in,
    sign_up,
    signed_in,
    switch_on,
)
from tests.cast import Person
from tests.pages import browser_of
from tests.threads import together


def test_of_two_who_sign_up_one_gets_the_account_and_both_are_told_the_same(committed_db: None) -> None:
    first_shop()
    answers = together(2, lambda _number: sign_up(browser_of()).headers.get("Location"))
    assert answers == ["/sign-up/sent/"] * 2
    assert User.objects.count() == Organization.objects.count() == 1
    assert len(mails_to(NEW)) == 2


def test_looking_for_the_account_first_makes_one_for_each_control(committed_db: None) -> None:
    both_have_looked = threading.Barrier(2)

    def sign_up_naively(index: int) -> bool:
        is_new = not User.objects.filter(email=NEW).exists()
        connection.close()
        both_have_looked.wait(30)
        # The guard that is away: the database takes an address once.
        return is_new and bool(person(f"{index}.{NEW}"))

    assert together(2, sign_up_naively) == [True, True]
    assert User.objects.count() == 2


def test_what_is_sent_twice_is_done_once(committed_db: None, alice: Person) -> None:
    client = signed_in(alice)
    page = client.get("/account/second-factor/app/").content.decode()
    code = code_for(page.partition('id="secret">')[2].partition("<")[0])
    cookies = client.cookies

    def twice(path: str, sent: dict[str, str]) -> list[int | Exception]:
        def send(_number: int) -> int:
            other = browser_of()
            other.cookies = cookies
            return other.post(path, sent).status_code

        return together(2, send)

    assert set(twice("/account/second-factor/app/", {"code": code})) <= {200, 302}
    assert Authenticator.objects.filter(type="totp").count() == 1
    assert set(twice("/account/address/", {"action_add": "", "email": NEW})) <= {200, 302}
    assert addresses_of(alice.user)[-1] == (NEW, False, False)


def test_a_code_opens_one_session(committed_db: None, alice: Person) -> None:
    switch_on(signed_in(alice))
    clients = [browser_of() for _ in range(3)]
    for client in clients:
        sign_in(client, alice.user.email)
    code = code_of(alice.user)
    statuses = together(
        3, lambda number: clients[number].post("/sign-in/second-factor/", {"code": code}).status_code
    )
    assert sorted(str(status) for status in statuses) == ["200", "200", "302"]


def test_reading_which_code_was_the_last_first_takes_one_as_often_as_it_comes_control(
    committed_db: None, alice: Person
) -> None:
    switch_on(signed_in(alice))
    apps = Authenticator.objects.filter(user=alice.user, type="totp")
    connection.close()
    all_have_read = threading.Barrier(3)

    def spend_naively(_number: int) -> bool:
        row, code = apps.get(), 10**9
        connection.close()
        all_have_read.wait(30)
        if row.data.get("last_counter", -1) >= code:
            return False
        row.data["last_counter"] = code
        row.save(update_fields=["data"])
        return True

    assert together(3, spend_naively) == [True] * 3
