"""Mail to people goes out once, tells nobody else, and leaves nothing behind."""

import threading
from pathlib import Path

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from accounts import tasks
from accounts.clock import db_now
from accounts.mail import alerts, outbox
from accounts.models import AlertKind, Organization, QueuedMail
from accounts.shops import first_shop
from tests.cast import Person
from tests.mail import Mailbox
from tests.makers import ago
from tests.operators import desk_of, operator
from tests.pages import text_of
from tests.threads import together

TO = "alice@studio.example"
DAYS_S = 86_400


def a_mail(to: str = TO, subject: str = "Your credits run low") -> QueuedMail:
    outbox.queue(first_shop().pk, to, subject, "30 credits are left.", template="low_balance")
    return QueuedMail.objects.latest("pk")


def make_due() -> None:
    QueuedMail.objects.exclude(due_at=None).update(due_at=ago(1))


def kept(mail: QueuedMail) -> tuple[str, ...]:
    mail.refresh_from_db()
    return mail.to, mail.subject, mail.body, mail.html


@pytest.mark.django_db
def test_it_is_sent_once_and_then_erased(mailbox: Mailbox, settings: Settings) -> None:
    mail = a_mail()
    assert (outbox.send_due(), outbox.send_due()) == (1, 0)
    [message] = mailbox.messages
    assert (message["To"], message["Subject"]) == (TO, "Your credits run low")
    assert message["From"] == f"Tintype <{settings.DEFAULT_FROM_EMAIL}>"
    assert "30 credits are left." in message.as_string()
    assert kept(mail) == ("", "", "", "")
    assert (mail.template, mail.tries) == ("low_balance", 1)
    assert mail.sent_at is not None


@pytest.mark.django_db
def test_what_did_not_happen_is_told_to_nobody(mailbox: Mailbox) -> None:
    with transaction.atomic():
        a_mail()
        transaction.set_rollback(True)
    assert outbox.send_due() == 0
    assert mailbox.raw == []


@pytest.mark.parametrize("end_of_line", ["\r\n", "\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", "\x00"])
@pytest.mark.django_db
def test_no_subject_begins_another_header(mailbox: Mailbox, end_of_line: str) -> None:
    a_mail(subject=f"x{end_of_line}Bcc: everybody@example.com")
    assert outbox.send_due() == 1
    [message] = mailbox.messages
    assert (message["Subject"], message["Bcc"]) == ("x Bcc: everybody@example.com", None)


@pytest.mark.parametrize(
    "to", [f"{TO}\r\nBcc: everybody@example.com", f"{TO}, everybody@example.com", "nobody", ""]
)
@pytest.mark.django_db
def test_what_is_not_one_address_gets_nothing_and_holds_up_nobody(mailbox: Mailbox, to: str) -> None:
    mailbox.unknown.add("nobody")
    a_mail(to), a_mail()
    assert outbox.send_due() == 1
    assert [message["To"] for message in mailbox.messages] == [TO]


@pytest.mark.django_db
def test_one_that_is_refused_holds_up_no_other_and_is_not_named_in_the_log(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    mailbox.unknown.add("gone@studio.example")
    mail = a_mail("gone@studio.example")
    a_mail()
    assert outbox.send_due() == 1
    assert f"Mail {mail.pk} (low_balance) could not be sent: SMTPRecipientsRefused" in caplog.text
    for secret in ("gone@studio.example", "run low", "30 credits"):
        assert secret not in caplog.text
    assert kept(mail)[0] == "gone@studio.example"


@pytest.mark.django_db
def test_while_the_server_is_away_it_is_tried_once_a_round_and_ever_more_seldom(
    mailbox: Mailbox, settings: Settings
) -> None:
    settings.EMAIL_PORT = 9  # nobody listens
    mails = [a_mail() for _ in range(3)]
    assert outbox.send_due() == 0
    assert sum(QueuedMail.objects.values_list("tries", flat=True)) == 1
    first = QueuedMail.objects.get(pk=mails[0].pk).due_at
    make_due()
    assert outbox.send_due() == 0
    second = QueuedMail.objects.get(pk=mails[0].pk).due_at
    assert first is not None
    assert second is not None
    assert second > first
    settings.EMAIL_PORT = mailbox.port
    make_due()
    assert outbox.send_due() == 3


@pytest.mark.django_db
def test_after_three_days_it_is_given_up_and_erased(mailbox: Mailbox) -> None:
    young, old = a_mail(), a_mail()
    QueuedMail.objects.filter(pk=young.pk).update(created_at=ago(2.9 * DAYS_S))
    QueuedMail.objects.filter(pk=old.pk).update(created_at=ago(3.1 * DAYS_S))
    mailbox.refuses = True
    assert outbox.send_due() == 0
    assert kept(old) == ("", "", "", "")
    assert (old.due_at, old.sent_at) == (None, None)
    assert kept(young)[0] == TO
    mailbox.refuses = False
    make_due()
    assert outbox.send_due() == 1
    assert len(mailbox.raw) == 1


def test_many_senders_send_each_once(committed_db: None, mailbox: Mailbox) -> None:
    for _ in range(4):
        a_mail()
    assert sum(sent for sent in together(8, lambda _index: outbox.send_due()) if isinstance(sent, int)) == 4
    assert len(mailbox.raw) == 4


def test_senders_who_only_read_that_it_is_due_each_send_it_control(
    committed_db: None, mailbox: Mailbox
) -> None:
    a_mail()
    connection.close()
    senders = 4
    everybody_has_read = threading.Barrier(senders)

    def send_naively(_index: int) -> None:
        [mail] = QueuedMail.objects.filter(sent_at=None, due_at__lte=db_now()).select_related("shop")
        connection.close()
        everybody_has_read.wait(30)
        outbox._send(mail)

    assert together(senders, send_naively) == [None] * senders
    assert len(mailbox.raw) == senders


@pytest.fixture
def templates(tmp_path: Path, settings: Settings) -> Path:
    own = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**own, "DIRS": [tmp_path, *own["DIRS"]]}]
    folder = tmp_path / "emails"
    folder.mkdir()
    return folder


@pytest.mark.django_db
def test_templates_make_text_and_markup(mailbox: Mailbox, templates: Path, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    (templates / "hello.txt").write_text(
        "Hello {{ name }} at {{ shop.name }}\n\nSee this & more:\n{{ address }}{% url 'credits' %}\n"
    )
    outbox.queue_template(first_shop(), TO, "hello", {"name": "O'Hara <b>"})
    assert outbox.send_due() == 1
    [message] = mailbox.messages
    assert message["Subject"] == "Hello O'Hara <b> at Tintype"
    assert message.get_content_type() == "multipart/alternative"
    text, html = (part.get_payload(decode=True).decode() for part in message.get_payload())  # type: ignore[union-attr]  # two parts
    assert text.splitlines() == ["See this & more:", "https://shop.example/credits/"]
    assert "Hello O&#x27;Hara &lt;b&gt; at Tintype</h1>" in html
    assert "See this &amp; more:" in html
    assert 'href="https://shop.example/credits/"' in html


@pytest.mark.django_db
def test_a_template_s_context_cannot_begin_another_header(mailbox: Mailbox, templates: Path) -> None:
    (templates / "hello.txt").write_text("Hello {{ name }}\n\nText\n")
    outbox.queue_template(first_shop(), TO, "hello", {"name": "x\r\nBcc: everybody@example.com"})
    assert outbox.send_due() == 1
    assert mailbox.messages[0]["Bcc"] is None


@pytest.mark.django_db
def test_one_task_sends_mail_and_alerts(mailbox: Mailbox, settings: Settings) -> None:
    settings.OPERATOR_EMAILS = ["operator@shop.example"]
    a_mail()
    alerts.raise_alert(first_shop().pk, AlertKind.PAYMENT, "Too little", "10 of 12")
    tasks.send_mail()
    assert {message["To"] for message in mailbox.messages} == {TO, "operator@shop.example"}


@pytest.mark.django_db
def test_operators_see_that_it_waits_but_not_what_it_says() -> None:
    mail = a_mail()
    page = desk_of(operator()).get(f"/admin/accounts/queuedmail/{mail.pk}/change/")
    assert TO in text_of(page)
    assert "30 credits" not in text_of(page)
    assert "run low" not in text_of(page)


@pytest.mark.django_db
def test_names_do_not_turn_what_follows_them(alice: Person) -> None:
    Organization.objects.filter(pk=alice.organization.pk).update(name="Stu\u2069\u202edio")
    alice.organization.refresh_from_db()
    for template in ("closing_asked", "export_failed", "low_balance", "automatic_capped"):
        outbox.queue_template(
            alice.organization.shop,
            TO,
            template,
            {"organization": alice.organization, "available": 3, "threshold": 5},
        )
        mail = QueuedMail.objects.latest("pk")
        assert "\u2068Stu dio\u2069" in mail.subject  # what turns is not in subjects at all
        assert "\u2068Stu\u202edio\u2069" in mail.body
