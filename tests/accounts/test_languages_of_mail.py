"""Mail is in the language of who reads it, whoever caused it and in whatever language they work."""

import pytest

from accounts.mail import outbox
from accounts.models import Membership, QueuedMail, Role, User
from accounts.privacy import closing
from accounts.privacy.own_data import copy_of
from billing.currencies import shown_lazily
from tests.accounts.signing.steps import NEW, mails_to, sign_in, sign_up
from tests.cast import Person, access_of_user
from tests.pages import browser_of

pytestmark = pytest.mark.django_db

GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de"}
DELETED = {"": "is being deleted", "de": "wird gelöscht", "zh-hans": "正在被删除"}


def last_to(email: str) -> QueuedMail:
    return mails_to(email)[-1]


def invite(inviter: Person, email: str) -> QueuedMail:
    page = browser_of(inviter)
    page.cookies["language"] = "de"
    answer = page.post("/team/invite/", {"email": email, "role": "viewer"})
    assert answer.status_code == 302, answer.content
    return last_to(email)


def test_one_piece_of_news_reaches_each_in_their_own(alice: Person, bob: Person, charlie: Person) -> None:
    Membership.objects.create(organization=alice.organization, user=charlie.user, role=Role.VIEWER)
    bob.user.reads("de")
    charlie.user.reads("zh-hans")
    assert closing.ask(access_of_user(alice.user))
    for person in (alice, bob, charlie):
        mail = last_to(person.user.email)
        assert DELETED[person.user.language] in mail.subject, mail.subject


def test_amounts_in_mail_are_written_as_the_reader_does(alice: Person) -> None:
    alice.user.reads("de")
    context = {
        "organization": alice.organization,
        "cap": shown_lazily(123_456, "eur"),
        "spent": shown_lazily(500, "eur"),
    }
    outbox.queue_template(alice.organization.shop, alice.user, "automatic_capped", context)
    assert "1.234,56\N{NO-BREAK SPACE}€" in last_to(alice.user.email).body


def test_invitation_is_in_the_language_of_who_gives_it_unless_the_guest_has_one(
    alice: Person, charlie: Person
) -> None:
    assert "Einladung" in invite(alice, NEW).subject
    charlie.user.reads("zh-hans")
    assert "受邀" in invite(alice, charlie.user.email).subject


def test_whoever_signs_up_is_written_to_as_their_page_was() -> None:
    browser = browser_of()
    browser.cookies["language"] = "zh-hans"
    sign_up(browser)
    assert User.objects.get(email=NEW).language == "zh-hans"


def test_chosen_language_counts_for_mail_and_only_for_ones_own(alice: Person, bob: Person) -> None:
    browser_of(alice).post("/look/", {"language": "de", "next": "/home/"})
    browser_of(alice).post("/look/", {"language": "xx", "next": "/home/"})
    browser_of().post("/look/", {"language": "zh-hans", "next": "/"})
    assert list(User.objects.order_by("pk").values_list("language", flat=True)) == ["de", ""]
    alice.user.refresh_from_db()
    assert copy_of(alice.user)["account"]["language"] == "de"


def test_who_has_chosen_none_gets_that_of_the_page_they_sign_in_on_and_keeps_it(alice: Person) -> None:
    sign_in(browser_of(), alice.user.email, **GERMAN)
    sign_in(browser_of(), alice.user.email)
    alice.user.refresh_from_db()
    assert alice.user.language == "de"
