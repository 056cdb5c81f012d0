"""Whatever happens in whatever order: the wallet is what the model says, and the audit finds nothing."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from accounts.errors import DomainError
from billing import audit, ledger
from billing.models import KeyUsage, Wallet
from generations import doorbell, lifecycle, sweeps
from generations.errors import AlreadyEnded
from generations.models import Attempt, Generation
from tests.makers import (
    a_request,
    age,
    an_access,
    an_organization,
    new_reference,
    set_price,
    stored_images,
)
from tests.properties.books import LIFETIME_CAP, MAX_CLAIMS, OPEN_LIMIT, PRICE, Books, Task
from tests.scale import count

BODIES = (a_request("a lighthouse"), a_request("a harbour"))
DAY_S = 86_400
credits_ = st.integers(1, 80)
values = st.integers(0, 10_000)


@dataclass
class Hand:
    """What a worker holds: the row as it claimed it, and the attempt that it drives."""

    generation: Generation
    attempt: Attempt | None = None


class LedgerAndLifecycle(RuleBasedStateMachine):
    """Each example is one organization in one transaction, undone at its end."""

    tasks: Bundle[int] = Bundle("tasks")
    hands: Bundle[Hand] = Bundle("hands")
    movements: Bundle[tuple[str, str]] = Bundle("movements")

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.books = Books()
        self.organization = an_organization()
        set_price(PRICE)
        self.live = an_access(self.organization)
        self.test = an_access(self.organization, livemode=False)
        assert self.live.key
        KeyUsage.objects.create(key=self.live.key, lifetime_cap=LIFETIME_CAP)

    def teardown(self) -> None:
        try:
            connection.check_constraints()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    # --- Credits --------------------------------------------------------------------------------

    def move(self, kind: str, reference: str, credits: int, value: int) -> object:
        common: dict[str, Any] = {"reference": reference, "actor": "system"}
        if kind == "top_up":
            return ledger.top_up(self.organization.pk, credits, net_value_micros=value, **common)
        if kind == "claw_back":
            return ledger.claw_back(self.organization.pk, credits, value_micros=value, **common)
        function = ledger.grant if kind == "grant" else ledger.take
        return function(self.organization.pk, credits, **common)

    @initialize(target=movements, credits=st.integers(40, 200), value=values)
    def first_top_up(self, credits: int, value: int) -> Any:
        return self.top_up(credits, value)

    @rule(target=movements, credits=credits_, value=values)
    def top_up(self, credits: int, value: int) -> tuple[str, str]:
        reference = new_reference()
        assert self.move("top_up", reference, credits, value) is not None
        self.books.add(credits, value)
        return "top_up", reference

    @rule(target=movements, credits=credits_)
    def grant(self, credits: int) -> tuple[str, str]:
        reference = new_reference()
        assert self.move("grant", reference, credits, 0) is not None
        self.books.add(credits, 0)
        return "grant", reference

    @rule(target=movements, credits=credits_)
    def take(self, credits: int) -> Any:
        reference = new_reference()
        took = self.move("take", reference, credits, 0) is not None
        assert took == self.books.take(credits)
        return ("take", reference) if took else multiple()

    @rule(target=movements, credits=credits_, value=values)
    def claw_back(self, credits: int, value: int) -> tuple[str, str]:
        reference = new_reference()
        assert self.move("claw_back", reference, credits, value) is not None
        self.books.claw_back(credits, value)
        return "claw_back", reference

    @rule(movement=movements, credits=credits_, value=values)
    def second_movement_under_a_reference(self, movement: tuple[str, str], credits: int, value: int) -> None:
        assert self.move(*movement, credits, value) is None

    # --- Orders ---------------------------------------------------------------------------------

    @rule(
        target=tasks,
        live=st.sampled_from([True, True, True, False]),
        body=st.integers(0, 1),
        key=st.sampled_from([None, None, "k1", "k2"]),
        n=st.integers(1, 4),
    )
    def submit(self, live: bool, body: int, key: str | None, n: int) -> Any:
        access = self.live if live else self.test
        earlier = self.books.idempotency.get((live, key)) if key else None
        refusal = None if earlier else self.books.refusal(live=live)
        if earlier and earlier[1] != body:
            refusal = "idempotency_mismatch"
        try:
            generation = lifecycle.submit(access, BODIES[body], endpoint="test", idempotency_key=key)
        except DomainError as error:
            said: str | None = error.type
        else:
            said = None
        assert said == refusal
        if refusal:
            return multiple()
        if earlier:
            assert earlier == (generation.pk, body)
            return multiple()
        assert generation.pk not in self.books.tasks
        # Orders for several images come with version 1 of the API; the books are ready for them.
        Generation.objects.filter(pk=generation.pk).update(n=n)
        self.books.accept(generation.pk, live=live, n=n)
        if key:
            self.books.idempotency[live, key] = (generation.pk, body)
        return generation.pk

    @rule(task_id=tasks)
    def idempotency_key_grows_old(self, task_id: int) -> None:
        Generation.objects.get(pk=task_id)
        age(Generation(pk=task_id), created_at=DAY_S + 1)
        for known, (made, _body) in list(self.books.idempotency.items()):
            if made == task_id:
                del self.books.idempotency[known]

    @rule(task_id=tasks)
    def second_hold_of_a_task(self, task_id: int) -> None:
        if self.books.tasks[task_id].live and not self.books.refusal(live=True):
            reference = Generation.objects.get(pk=task_id).reference
            with pytest.raises(IntegrityError):
                ledger.hold(self.organization.pk, PRICE, reference=reference, actor="system", key_id=None)

    @rule(task_id=tasks, consumed=st.integers(0, PRICE))
    def second_settlement_of_a_task(self, task_id: int, consumed: int) -> None:
        task = self.books.tasks[task_id]
        if task.is_open or not task.live:
            return
        reference = Generation.objects.get(pk=task_id).reference
        common: dict[str, Any] = {"reference": reference, "actor": "system", "key_id": None}
        if consumed:
            assert ledger.capture(self.organization.pk, consumed, **common) is None
        else:
            assert ledger.release(self.organization.pk, **common) is None

    # --- Workers, punctual and late --------------------------------------------------------------

    @rule(target=hands, task_id=tasks)
    def claim(self, task_id: int) -> Any:
        task = self.books.tasks[task_id]
        generation = lifecycle.claim(task_id)
        assert (generation is not None) == (task.status == "queued" and not task.overdue)
        if generation is None:
            return multiple()
        task.status, task.submitted, task.lease_over = "running", False, False
        task.claim += 1
        assert generation.claim == task.claim
        return Hand(generation)

    def held(self, hand: Hand) -> tuple[Task, bool]:
        """The task, and whether this hand still has it."""
        task = self.books.tasks[hand.generation.pk]
        return task, task.is_held_by(hand.generation.claim)

    @rule(hand=hands)
    def mark_submitted(self, hand: Hand) -> None:
        task, is_ours = self.held(hand)
        attempt = lifecycle.mark_submitted(hand.generation, "sandbox")
        assert (attempt is not None) == (is_ours and not task.lease_over)
        if attempt is None:
            return
        task.submitted = True
        if not task.attempts or task.attempts[-1]:
            task.attempts.append("")
        assert attempt.number == len(task.attempts)
        hand.attempt = attempt

    @rule(hand=hands, percent=st.integers(-1, 101))
    def report_progress(self, hand: Hand, percent: int) -> None:
        task, is_ours = self.held(hand)
        assert lifecycle.report_progress(hand.generation, percent) == is_ours
        if is_ours:
            task.lease_over = False

    @rule(hand=hands, images=st.integers(1, 4))
    def succeed(self, hand: Hand, images: int) -> None:
        task, is_ours = self.held(hand)
        if hand.attempt is None:
            return
        delivered = min(images, task.n)
        stored = stored_images(hand.generation, delivered)
        assert lifecycle.succeed(hand.generation, hand.attempt, stored) == is_ours
        self.close_attempt(task, hand, "ok" if is_ours else "late")
        if is_ours:
            self.books.end(task, "succeeded", delivered=delivered)

    @rule(hand=hands)
    def fail(self, hand: Hand) -> None:
        task, is_ours = self.held(hand)
        ended = lifecycle.fail(hand.generation, "generation_failed", attempt=hand.attempt, outcome="failed")
        assert ended == is_ours
        self.close_attempt(task, hand, "failed" if is_ours else "late")
        if is_ours:
            self.books.end(task, "failed")

    @rule(hand=hands)
    def hand_back(self, hand: Hand) -> None:
        task, is_ours = self.held(hand)
        assert lifecycle.hand_back(hand.generation, 5, attempt=hand.attempt, outcome="busy") == is_ours
        self.close_attempt(task, hand, "busy" if is_ours else "late")
        if is_ours:
            self.books.hand_back(task)

    def close_attempt(self, task: Task, hand: Hand, outcome: str) -> None:
        if hand.attempt is not None and not task.attempts[hand.attempt.number - 1]:
            task.attempts[hand.attempt.number - 1] = outcome

    # --- Time, and what comes from outside --------------------------------------------------------

    @rule(task_id=tasks)
    def lose_worker(self, task_id: int) -> None:
        if self.books.tasks[task_id].status == "running":
            age(Generation(pk=task_id), lease_until=1)
            self.books.tasks[task_id].lease_over = True

    @rule(task_id=tasks)
    def pass_deadline(self, task_id: int) -> None:
        age(Generation(pk=task_id), deadline_at=1)
        self.books.tasks[task_id].overdue = True

    @rule()
    def sweep(self) -> None:
        sweeps.sweep()
        self.books.sweep()

    @rule(task_id=tasks)
    def cancel(self, task_id: int) -> None:
        task = self.books.tasks[task_id]
        try:
            lifecycle.cancel(Generation.objects.get(pk=task_id))
        except AlreadyEnded:
            assert not task.is_open
            return
        assert task.is_open
        self.books.end(task, "canceled")

    # --- After every step -------------------------------------------------------------------------

    @invariant()
    def the_wallet_is_what_the_model_says(self) -> None:
        books = self.books
        columns = ("available", "held", "owed", "value_micros", "open_tasks")
        wallet = Wallet.objects.values_list(*columns).get(organization=self.organization)
        assert wallet == (books.available, books.held, books.owed, books.value, books.open_tasks)
        usage = dict(KeyUsage.objects.values_list("key_id", "open_tasks"))
        assert self.live.key
        assert self.test.key
        assert usage[self.live.key.pk] == books.open_tasks
        assert usage.get(self.test.key.pk, 0) == books.open_test_tasks
        assert KeyUsage.objects.get(key=self.live.key).lifetime_credits == books.spent

    @invariant()
    def the_tasks_are_what_the_model_says(self) -> None:
        rows = Generation.objects.values_list("pk", "status", "claim", "submitted")
        found = {
            pk: (status, claim, status == "running" and submitted) for pk, status, claim, submitted in rows
        }
        assert found == {
            pk: (task.status, task.claim, task.status == "running" and task.submitted)
            for pk, task in self.books.tasks.items()
        }

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        with connection.cursor() as cursor:
            assert audit.check(cursor) == []


@pytest.mark.django_db
def test_the_books_hold_whatever_happens(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAX_OPEN_TASKS, settings.MAX_CLAIMS = OPEN_LIMIT, MAX_CLAIMS
    monkeypatch.setattr(doorbell, "_silent_until", float("inf"))  # nobody listens, and files would pile up
    run_state_machine_as_test(
        LedgerAndLifecycle,
        settings=hypothesis_settings(
            max_examples=count(25, 500),
            stateful_step_count=count(30, 50),
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
