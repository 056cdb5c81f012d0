"""Operators are told once of what they have to know, by a mail server that may be away."""

import logging

import pytest
from django.db.models import F
from pytest_django import Settings

from accounts.clock import db_now
from accounts.mail import alerts
from accounts.models import AlertKind, OperatorAlert
from accounts.shops import first_shop
from tests.mail import Mailbox
from tests.makers import ago
from tests.threads import together

OPERATORS = ["operator@shop.example", "second@shop.example"]


@pytest.fixture(autouse=True)
def operators(settings: Settings) -> None:
    settings.OPERATOR_EMAILS = OPERATORS


def an_alert(subject: str = "Portal refuses our account") -> OperatorAlert:
    alerts.raise_alert(first_shop().pk, AlertKind.ACCOUNT, subject, "It answered: HTTP 402")
    return OperatorAlert.objects.latest("pk")


@pytest.mark.django_db
def test_it_is_sent_once_to_all_operators(mailbox: Mailbox, settings: Settings) -> None:
    an_alert()
    assert (alerts.send_due(), alerts.send_due()) == (1, 0)
    [message] = mailbox.messages
    assert message["Subject"] == "[Tintype] Portal refuses our account"
    assert message["To"] == ", ".join(OPERATORS)
    assert message["From"] == f"Tintype <{settings.DEFAULT_FROM_EMAIL}>"
    assert "HTTP 402" in message.as_string()


@pytest.mark.django_db
def test_what_an_upstream_said_cannot_forge_headers(mailbox: Mailbox) -> None:
    an_alert("x\r\nBcc: everybody@example.com")
    assert alerts.send_due() == 1
    [message] = mailbox.messages
    assert (message["Subject"], message["Bcc"]) == ("[Tintype] x Bcc: everybody@example.com", None)


@pytest.mark.django_db
def test_while_the_server_is_away_it_is_tried_ever_more_seldom(
    mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    alert = an_alert()
    mailbox.refuses = True
    assert alerts.send_due() == 0
    assert "could not be sent" in caplog.text
    assert alerts.send_due() == 0, "Not before its pause is over"
    alert.refresh_from_db()
    assert (alert.tries, alert.sent_at) == (1, None)
    OperatorAlert.objects.update(due_at=ago(1))
    assert alerts.send_due() == 0
    first, second = alert.due_at, OperatorAlert.objects.get().due_at
    assert first is not None
    assert second is not None
    assert second > first
    mailbox.refuses = False
    OperatorAlert.objects.update(due_at=ago(1))
    assert alerts.send_due() == 1
    assert len(mailbox.raw) == 1


@pytest.mark.django_db
def test_without_an_address_it_stands_in_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OPERATOR_EMAILS = []
    an_alert()
    with caplog.at_level(logging.ERROR):
        assert alerts.send_due() == 1
    assert "Portal refuses our account. It answered: HTTP 402" in caplog.text
    assert OperatorAlert.objects.get().sent_at is not None


@pytest.mark.django_db
def test_in_the_log_it_is_one_line_whatever_an_upstream_said(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OPERATOR_EMAILS = []
    said = "It answered:\r\n\n2026-11-29 ERROR root all is lost\u2028\x1b[31m" + "x" * 5000
    alerts.raise_alert(first_shop().pk, AlertKind.ACCOUNT, "Portal refuses our account", said)
    with caplog.at_level(logging.ERROR):
        assert alerts.send_due() == 1
    [record] = caplog.records
    line = record.getMessage()
    assert "It answered: 2026-11-29 ERROR root all is lost [31mxxx" in line
    assert line.isprintable()
    assert len(line) < 2100


@pytest.mark.django_db
def test_what_a_sender_died_over_is_sent_by_the_next(mailbox: Mailbox) -> None:
    an_alert()
    OperatorAlert.objects.update(tries=F("tries") + 1, due_at=db_now())
    assert alerts.send_due() == 1


def test_many_senders_send_it_once(committed_db: None, mailbox: Mailbox) -> None:
    an_alert()
    sent = together(8, lambda _index: alerts.send_due())
    assert sorted(sent, key=str) == [0] * 7 + [1]
    assert len(mailbox.raw) == 1
