"""The same thing twice at the same moment."""

from allauth.mfa.models import Authenticator

from accounts.models import Organization, User
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
