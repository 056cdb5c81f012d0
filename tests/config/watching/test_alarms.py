"""Operators are told when something begins to be wrong and when it is over, once each."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import Q
from pytest_django import Settings

from accounts.models import QueuedMail
from accounts.shops import first_shop
from billing import books, proofs, refunds, stripe_events
from billing.models import BooksCheck, Refund, StripeAccount, StripeEvent
from config import tasks
from config.watching import alarms, meters, watcher
from config.watching.alarms import Trouble
from generations import circuit, notices
from generations.models import Alarm, Generation, UpstreamState
from tests import mail
from tests.cast import Person
from tests.config.watching.reading import counted, value
from tests.makers import (
    a_generation,
    a_payment,
    a_submitted,
    age,
    ago,
    an_access,
    an_organization,
    an_upstream,
)
from tests.operators import desk_of, operator
from tests.pages import text_of
from tests.several import a_shop
from tests.threads import together
from tests.waiting import wait_until
from webhooks.models import WebhookDelivery
from webhooks.publishing import publish

OPERATORS = ["operator@shop.example", "second@shop.example"]


@pytest.fixture(autouse=True)
def operators(settings: Settings) -> None:
    settings.OPERATOR_EMAILS = OPERATORS


def told() -> list[str]:
    """The subjects of the mails to one of them, oldest first."""
    mails = QueuedMail.objects.filter(to=OPERATORS[0], template="alarm").order_by("pk")
    return [subject.removeprefix("[Tintype] ") for subject in mails.values_list("subject", flat=True)]


# --- What is found ------------------------------------------------------------------------------


def a_long_queue() -> Callable[[], object]:
    waiting = a_generation(an_access(an_organization(100)))
    age(waiting, created_at=61)
    return lambda: Generation.objects.filter(pk=waiting.pk).update(created_at=ago(1))


def an_open_circuit() -> Callable[[], object]:
    upstream = an_upstream()
    state = UpstreamState.objects.filter(pk=upstream.pk)
    state.update(opened_at=ago(121), open_until=ago(-60), reason=circuit.FAILING, detail="HTTP 500")
    return lambda: circuit.close(upstream.pk)


def a_hold_past_its_deadline() -> Callable[[], object]:
    running, _attempt = a_submitted(an_access(an_organization(100)))
    age(running, deadline_at=121)
    return lambda: Generation.objects.filter(pk=running.pk).update(deadline_at=ago(-60))


def a_stuck_event() -> Callable[[], object]:
    account = StripeAccount.objects.create(shop=first_shop(), livemode=False)
    usual = {"shop": first_shop(), "account": account, "livemode": False, "created": ago(700)}
    StripeEvent.objects.create(
        event_id="evt_1", type="charge.refunded", payload={}, received_at=ago(601), error="HTTP 403", **usual
    )
    return lambda: StripeEvent.objects.update(processed_at=ago(0))


def a_refund_that_stripe_does_not_answer_for() -> Callable[[], object]:
    payment = a_payment(an_organization())
    Refund.objects.create(payment=payment, amount_minor=500, actor="system", created_at=ago(21 * 3600))
    return lambda: Refund.objects.update(due_at=None)


def an_overdue_delivery() -> Callable[[], object]:
    publish(an_organization().pk, "credits.added", livemode=True, data={}, url="https://customer.example/")
    WebhookDelivery.objects.update(next_attempt_at=ago(601))
    return lambda: WebhookDelivery.objects.update(next_attempt_at=ago(-60))


TROUBLES = [
    (a_long_queue, "Orders wait too long"),
    (an_open_circuit, "gets no orders, since they keep failing there"),
    (a_hold_past_its_deadline, "past its deadline"),
    (a_stuck_event, "Events of Stripe are not worked through"),
    (a_refund_that_stripe_does_not_answer_for, "Stripe has not answered for a refund"),
    (an_overdue_delivery, "News for customers' servers is not sent"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("make", "words"), TROUBLES, ids=[make.__name__ for make, _words in TROUBLES])
def test_each_is_told_once_when_it_begins_and_once_when_it_is_over(
    make: Callable[[], Callable[[], object]], words: str, settings: Settings
) -> None:
    alarms.look()
    assert told() == [], "All is well"
    mend = make()
    alarms.look()
    alarms.look()
    [subject] = told()
    assert words in subject
    mend()
    alarms.look()
    alarms.look()
    assert told() == [subject, f"Over: {subject}"[:200]]
    assert QueuedMail.objects.filter(template="alarm").count() == 2 * len(OPERATORS)


@pytest.mark.django_db
def test_what_is_left_of_a_trial_or_of_a_closed_shop_keeps_no_alarm_on(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    a_stuck_event()
    alarms.look()
    [subject] = told()
    StripeAccount.objects.create(shop=first_shop(), livemode=True)  # and the key of the trial is gone
    alarms.look()
    assert told() == [subject, f"Over: {subject}"]
    books.note([], took_ms=0, full=False)
    assert books.last().events_waiting == 0
    settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVEMODE = "sk_test_again", False
    assert stripe_events.waiting().exists(), "It can be looked at again"
    settings.STRIPE_SECRET_KEY, settings.STRIPE_LIVEMODE = "sk_live_key", True
    StripeEvent.objects.update(account=StripeAccount.objects.get(livemode=True), livemode=True)
    assert stripe_events.waiting().exists(), "Money is always looked after"
    closed = a_shop(closing_at=ago(2), closed_at=ago(1)).shop
    StripeEvent.objects.update(account=StripeAccount.objects.create(shop=closed, livemode=True), shop=closed)
    assert not stripe_events.waiting().exists()


@pytest.mark.django_db
def test_refunds_of_a_trial_are_owed_to_nobody(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    a_refund_that_stripe_does_not_answer_for()
    assert refunds.unanswered().exists()
    StripeAccount.objects.create(shop=first_shop(), livemode=True)
    assert not refunds.unanswered().exists()


@pytest.mark.django_db
@pytest.mark.parametrize("reason", sorted(circuit.REFUSED))
def test_a_circuit_that_a_refusal_of_us_opened_has_an_alert_of_its_own(reason: str) -> None:
    an_open_circuit()
    UpstreamState.objects.update(reason=reason)
    alarms.look()
    assert told() == []


def test_books_that_do_not_agree_are_told_and_shown(committed_db: None, watched: str) -> None:
    organization = an_organization(10)
    tasks.check_books()
    assert told() == []
    assert counted(meters.BOOKS_FINDINGS) == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_wallet SET available = available + 1")
    BooksCheck.objects.update(begun_at=None)  # five minutes later
    tasks.check_books()
    assert told() == ["The books do not agree: 1 row"]
    assert value(watched, "tintype_books_findings") == 1
    assert value(watched, "tintype_alarms_open", condition="books") == 1
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_wallet SET available = available - 1")
    BooksCheck.objects.update(begun_at=None)  # five minutes later
    tasks.check_books()
    assert told()[1:] == ["Over: The books do not agree: 1 row"]
    assert organization.slug in QueuedMail.objects.earliest("pk").body
    assert proofs.check() == []


# --- What becomes of it -------------------------------------------------------------------------

A, B = (
    Trouble("queue", "Something is wrong", "Do this."),
    Trouble("circuit:1", "Another thing", "Do that."),
)


@pytest.mark.django_db
def test_what_comes_and_goes_is_not_told_again_for_a_while() -> None:
    for _ in range(5):
        alarms.settle("queue", [A])
        alarms.settle("queue", [])
    assert told() == [A.subject, f"Over: {A.subject}"]
    alarms.settle("queue", [A])
    Alarm.objects.filter(told_at__isnull=False).update(told_at=ago(3601))
    alarms.settle("queue", [A])
    assert told() == [A.subject, f"Over: {A.subject}", A.subject], "It is still there after the pause"


@pytest.mark.django_db
def test_each_condition_is_its_own() -> None:
    alarms.settle("queue", [A])
    alarms.settle("circuit", [B])
    alarms.settle("queue", [])
    assert told() == [A.subject, B.subject, f"Over: {A.subject}"]
    assert list(Alarm.objects.filter(ended_at=None).values_list("condition", flat=True)) == ["circuit:1"]


def test_many_who_look_at_once_tell_it_once(committed_db: None) -> None:
    together(6, lambda _: alarms.settle("queue", [A]))
    assert told() == [A.subject]
    together(6, lambda _: alarms.settle("queue", []))
    assert told() == [A.subject, f"Over: {A.subject}"]


def test_looking_for_an_open_one_first_tells_it_as_often_control(committed_db: None) -> None:
    everybody_has_looked = threading.Barrier(6)

    def tell_naively(_index: int) -> None:
        is_new = not Alarm.objects.filter(condition=A.condition, ended_at=None).exists()
        connection.close()
        everybody_has_looked.wait(30)
        if is_new:
            alarms._mail(Alarm(condition=A.condition), A.subject, A.advice)

    assert together(6, tell_naively) == [None] * 6
    assert told() == [A.subject] * 6


@pytest.mark.django_db
def test_without_an_address_it_stands_in_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OPERATOR_EMAILS = []
    alarms.settle("queue", [A])
    assert f"{A.subject}. {A.advice}" in caplog.text
    assert not QueuedMail.objects.exists()


@pytest.mark.django_db
def test_one_look_that_fails_keeps_nobody_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError

    monkeypatch.setitem(alarms.WATCHES, "queue", broken)
    an_open_circuit()
    alarms.look()
    assert len(told()) == 1


@pytest.mark.django_db
def test_operators_read_it_on_top_of_their_pages_and_what_to_do() -> None:
    alarms.settle("queue", [A])
    [notice] = notices.notices()
    assert (notice.title, notice.advice) == (A.subject, A.advice)
    page = desk_of(operator()).get(notice.path)
    assert A.advice in text_of(page)
    alarms.settle("queue", [])
    assert notices.notices() == []
    assert A.subject in text_of(desk_of(operator("b@shop.example")).get("/admin/generations/alarm/"))


def test_the_watcher_works_without_workers_and_broker(
    committed_db: None, mailbox: mail.Mailbox, alice: Person
) -> None:
    """Beside the beat: it looks, counts and sends by itself."""
    import threading

    age(a_generation(an_access(alice.organization)), created_at=61)
    stop = threading.Event()
    thread = watcher.start(stop, every_s=0.05)
    wait_until(lambda: len(mailbox.messages) == len(OPERATORS), "the mails", timeout_s=30)
    stop.set()
    thread.join(30)
    assert not QueuedMail.objects.filter(~Q(sent_at=None) & ~Q(body="")).exists()
    assert {message["To"] for message in mailbox.messages} == set(OPERATORS)
