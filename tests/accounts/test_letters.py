"""Mail of a shop: its name as the sender, its colours around the words, and the language of whoever reads it."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.utils.translation import override
from pytest_django import Settings

from accounts.mail import alerts, letters, outbox
from accounts.models import AlertKind, QueuedMail, Shop
from accounts.shops import first_shop
from accounts.signing import second_factor
from tests import branded
from tests.accounts.signing.steps import NEW, sign_in, sign_up
from tests.cast import Person, new_key
from tests.mail import Mailbox
from tests.pages import browser_of
from tests.several import an_owner, browser_at

pytestmark = pytest.mark.django_db
TO = "alice@studio.example"


@pytest.fixture
def plates() -> Shop:
    return branded.a_shop("platten.example", branded.PLATES)


def one_mail(shop: Shop, to: str = TO, template: str = "account_unknown", **how: str) -> QueuedMail:
    outbox.queue_template(shop, to, template, {}, **how)
    return QueuedMail.objects.latest("pk")


# --- Who sends it


def test_sender_is_the_shops_own_and_answers_go_to_its_support(mailbox: Mailbox, plates: Shop) -> None:
    one_mail(plates)
    assert outbox.send_due() == 1
    [message] = mailbox.messages
    assert str(message["From"]) == "Plattenwerk Süd <post@platten.example>"
    assert message["Reply-To"] == "hilfe@platten.example"
    assert message["Message-ID"].endswith("@platten.example>")
    assert message.get_content_type() == "multipart/alternative"


def test_shop_without_an_address_sends_from_the_usual_one_under_its_name(
    mailbox: Mailbox, settings: Settings
) -> None:
    settings.DEFAULT_FROM_EMAIL = "The Post Office <post@office.example>"
    one_mail(branded.a_shop("prints.example", branded.PRINTS))
    assert outbox.send_due() == 1
    [message] = mailbox.messages
    assert (str(message["From"]), message["Reply-To"]) == ("Harbour Prints <post@office.example>", None)


def test_what_cannot_be_delivered_comes_back_to_whom_people_see_as_the_sender(
    mailbox: Mailbox, plates: Shop, settings: Settings
) -> None:
    settings.OPERATOR_EMAILS = ["operator@shop.example"]
    an_owner(plates, NEW, "Harbour", credits=0)
    browser_at(plates).post("/account/forgotten/", {"email": NEW})
    one_mail(plates, template="account_news")
    alerts.raise_alert(plates.pk, AlertKind.ACCOUNT, "It refuses our account", "HTTP 402")
    templates = set(QueuedMail.objects.values_list("template", flat=True))
    assert templates == {"reset_password", "account_news"}
    assert (outbox.send_due(), alerts.send_due()) == (2, 1)
    assert mailbox.senders == ["post@platten.example"] * 3


@pytest.mark.parametrize(
    "name",
    ['A "quoted", name', "x\r\nBcc: everybody@example.com", "版画 😀", "a <b@c.example>", "a@b.example"],
)
def test_name_of_a_shop_cannot_be_taken_for_more_than_a_name(mailbox: Mailbox, name: str) -> None:
    shop = first_shop()
    Shop.objects.filter(pk=shop.pk).update(name=name)
    shop.refresh_from_db()
    one_mail(shop)
    assert outbox.send_due() == 1
    [message] = mailbox.messages
    [sender] = message["From"].addresses  # type: ignore[union-attr]  # parsed, by its policy
    assert sender.addr_spec == letters.sender_of(shop).rpartition("<")[2].rstrip(">")
    assert sender.display_name == " ".join(name.split())
    assert message["Bcc"] is None


# --- How it looks


def test_markup_has_the_same_words_and_nothing_that_others_wrote_is_markup(plates: Shop) -> None:
    outbox.queue_template(
        plates, TO, "invitation", {"name": "<b>x</b>", "inviter": "a@b.example", "role": "Viewer", "days": 7,
                                   "token": "tok"}, language="en"
    )  # fmt: skip
    mail = QueuedMail.objects.get()
    assert "<b>x</b>" not in mail.html
    assert "&lt;b&gt;x&lt;/b&gt;" in mail.html
    assert 'class="button" href="http://platten.example:8000/invitations/tok/"' in mail.html
    words = re.sub(r"<style.*?</style>|<[^>]*>", " ", mail.html, flags=re.DOTALL)
    for line in mail.body.split():
        assert line.replace("<", "&lt;").replace(">", "&gt;") in words
    assert not re.search(r"<script|javascript:|\son\w+=", mail.html)
    assert len(mail.html) < 8_000


def test_only_the_first_address_is_a_button(plates: Shop) -> None:
    html = one_mail(plates, template="account_news", language="en").html
    assert html.count('class="button"') == 1
    assert html.count('class="link"') == 2


def test_addresses_that_others_chose_lead_nowhere(plates: Shop) -> None:
    place = "https://evil.example/leak"
    dora = an_owner(plates, NEW, "https://evil.example/name", credits=0)
    key, _secret = new_key(dora)
    outbox.queue_template(
        plates,
        TO,
        "key_leaked",
        {"key": key, "organization": dora.organization, "place": place},
        language="en",
    )
    html = QueuedMail.objects.get().html
    assert place in html
    assert 'href="https://evil.example' not in html
    assert f'class="button" href="http://platten.example:8000/keys/{key.public_id}/"' in html


# --- In which language


def test_reader_who_is_not_known_gets_the_shops_first_language(plates: Shop) -> None:
    mail = one_mail(plates)
    assert mail.subject == "Kein Konto mit dieser Adresse bei Plattenwerk Süd"
    assert '<html lang="de">' in mail.html


def test_reader_gets_the_language_that_they_signed_in_with(plates: Shop) -> None:
    dora = an_owner(plates, NEW, "Harbour", credits=0)
    client = browser_at(plates)
    client.cookies["language"] = "en"
    assert sign_in(client, NEW).status_code == 302
    assert one_mail(plates, dora.user.email).subject.startswith("No account with this address")
    assert client.post("/look/", {"language": "de"}).status_code == 302
    assert one_mail(plates, dora.user.email).subject.startswith("Kein Konto")


def test_language_that_the_shop_does_not_speak_is_not_used(plates: Shop) -> None:
    dora = an_owner(plates, NEW, "Harbour", credits=0)
    client = browser_of()
    client.cookies["language"] = "zh-hans"
    assert sign_in(client, NEW).status_code == 302
    assert one_mail(plates, dora.user.email).subject.startswith("Kein Konto")


def test_mail_of_an_own_request_is_in_its_language() -> None:
    first_shop()
    client = browser_of()
    client.cookies["language"] = "de"
    assert sign_up(client).status_code == 302
    assert QueuedMail.objects.get().subject.startswith("Bestätige")


def test_who_is_invited_and_not_known_reads_what_whoever_invites_speaks(alice: Person) -> None:
    with override("de"):
        mail = one_mail(alice.organization.shop, "nobody@studio.example", else_in="de")
    assert mail.subject.startswith("Kein Konto")


def test_who_lost_all_factors_is_told_in_the_name_of_the_shop_they_know(plates: Shop) -> None:
    dora = an_owner(plates, NEW, "Harbour", credits=0)
    Authenticator.objects.create(user=dora.user, type=Authenticator.Type.TOTP, data={})
    assert second_factor.reset(dora.user, reason="lost")
    assert QueuedMail.objects.get().shop == plates
