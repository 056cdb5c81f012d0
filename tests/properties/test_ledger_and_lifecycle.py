"""Whatever happens in whatever order: the wallet is what the model says, and the audit finds nothing."""

from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Count
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from accounts.errors import DomainError
from billing import audit, ledger, proofs
from billing.models import KeyUsage, LedgerEntry, Wallet
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
T = TypeVar("T")
values = st.integers(0, 10_000)
kinds = st.sampled_from(["top_up", "grant", "take", "claw_back"])
newest_first = st.integers(0, 5)
images = st.integers(1, 4)


def pick(things: list[T], which: int) -> T:
    return things[-1 - which % len(things)]


@dataclass
class Hand:
    """What a worker holds: the row as it claimed it, and the attempt that it drives."""

    generation: Generation
    attempt: Attempt | None = None


class LedgerAndLifecycle(RuleBasedStateMachine):
    """Each example is one organization in one transaction, undone at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.books = Books()
        self.movements: list[tuple[str, str]] = []
        self.task_ids: list[int] = []
        self.hands: list[Hand] = []
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

    def move(self, kind: str, reference: str, credits: int, value: int) -> bool:
        """Whether an entry was made."""
        common: dict[str, Any] = {"reference": reference, "actor": "system"}
        if kind == "top_up":
            entry = ledger.top_up(self.organization.pk, credits, net_value_micros=value, **common)
        elif kind == "claw_back":
            entry = ledger.claw_back(self.organization.pk, credits, value_micros=value, **common)
        else:
            function = ledger.grant if kind == "grant" else ledger.take
            entry = function(self.organization.pk, credits, **common)
        return entry is not None

    @initialize(credits=st.integers(12, 80), value=values)
    def first_top_up(self, credits: int, value: int) -> None:
        self.move_credits("top_up", credits, value)

    @rule(kind=kinds, credits=st.integers(1, 60), value=values)
    def move_credits(self, kind: str, credits: int, value: int) -> None:
        reference = new_reference()
        moved = self.move(kind, reference, credits, value)
        assert moved == self.books.move(kind, credits, value)
        if moved:
            self.movements.append((kind, reference))
        for kind_again, reference_again in self.movements[-2:]:
            assert not self.move(kind_again, reference_again, credits, value)

    @rule(credits=st.lists(st.integers(1, 30), max_size=4), known=st.integers(0, 2))
    def give_for_each(self, credits: list[int], known: int) -> None:
        """Many at once, among them some that were given before."""
        before = [reference for kind, reference in self.movements if kind == "grant"][:known]
        gifts = {new_reference(): amount for amount in credits}
        given = ledger.grant_each(self.organization.pk, {**dict.fromkeys(before, 7), **gifts}, actor="system")
        assert given == list(gifts)
        for amount in credits:
            self.books.add(amount, 0)
        self.movements += [("grant", reference) for reference in given]
        if given:
            assert LedgerEntry.objects.get(reference=given[-1]).available_after == self.books.available

    # --- Orders ---------------------------------------------------------------------------------

    @rule(
        live=st.sampled_from([True, True, True, False]),
        body=st.integers(0, 1),
        key=st.sampled_from([None, None, "k1", "k2"]),
        n=images,
        start=st.sampled_from([True, True, True, False]),
    )
    def submit(self, live: bool, body: int, key: str | None, n: int, start: bool) -> None:
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
            return
        if earlier:
            assert earlier == (generation.pk, body)
            return
        assert generation.pk not in self.books.tasks
        # Orders for several images come with version 1 of the API; the books are ready for them.
        Generation.objects.filter(pk=generation.pk).update(n=n)
        self.books.accept(generation.pk, live=live, n=n)
        self.task_ids.append(generation.pk)
        if key:
            self.books.idempotency[live, key] = (generation.pk, body)
        if start:
            self.claim(0, submit=True)

    @precondition(lambda self: self.task_ids)
    @rule(which=newest_first, consumed=st.integers(0, PRICE))
    def hold_and_settle_again(self, which: int, consumed: int) -> None:
        task_id = pick(self.task_ids, which)
        task = self.books.tasks[task_id]
        if not task.live:
            return
        reference = Generation.objects.get(pk=task_id).reference
        common: dict[str, Any] = {"reference": reference, "actor": "system", "key_id": None}
        with pytest.raises(IntegrityError):
            ledger.hold(self.organization.pk, PRICE, **common)
        if task.is_open:
            return
        if consumed:
            assert ledger.capture(self.organization.pk, consumed, **common) is None
        else:
            assert ledger.release(self.organization.pk, **common) is None

    # --- Workers, punctual and late --------------------------------------------------------------

    @precondition(lambda self: self.task_ids)
    @rule(which=newest_first, submit=st.booleans())
    def claim(self, which: int, submit: bool) -> None:
        task_id = pick(self.task_ids, which)
        task = self.books.tasks[task_id]
        generation = lifecycle.claim(task_id)
        assert (generation is not None) == (task.status == "queued" and not task.overdue)
        if generation is None:
            return
        task.status, task.submitted, task.lease_over = "running", False, False
        task.claim += 1
        assert generation.claim == task.claim
        self.hands.append(Hand(generation))
        if submit:
            self.mark_submitted(0)

    def hand(self, which: int) -> tuple[Hand, Task, bool]:
        """A worker's hand, its task, and whether it still has it."""
        hand = pick(self.hands, which)
        task = self.books.tasks[hand.generation.pk]
        return hand, task, task.is_held_by(hand.generation.claim)

    def mark_submitted(self, which: int) -> None:
        hand, task, is_ours = self.hand(which)
        attempt = lifecycle.mark_submitted(hand.generation, "sandbox")
        assert (attempt is not None) == (is_ours and not task.lease_over and not task.submitted)
        if attempt is None:
            return
        task.submitted = True
        if not task.attempts or task.attempts[-1]:
            task.attempts.append("")
        assert attempt.number == len(task.attempts)
        assert attempt.first_index == task.following
        hand.attempt = attempt

    @precondition(lambda self: self.hands)
    @rule(which=newest_first, percent=st.integers(-1, 101))
    def report_progress(self, which: int, percent: int) -> None:
        hand, task, is_ours = self.hand(which)
        if percent > 100:
            self.mark_submitted(which)
            return
        assert lifecycle.report_progress(hand.generation, percent) == is_ours
        if is_ours:
            task.lease_over = False

    @precondition(lambda self: self.hands)
    @rule(
        which=newest_first,
        how=st.sampled_from(["succeed", "succeed", "keep", "fail", "hand back"]),
        images=images,
        unusable=st.integers(0, 1),
    )
    def finish(self, which: int, how: str, images: int, unusable: int = 0) -> None:
        hand, task, _is_ours = self.hand(which)
        if how == "keep" and hand.attempt is not None and hand.attempt.first_index + 1 < task.n:
            self.keep(which, images, unusable)
        elif how in ("keep", "succeed") and hand.attempt is not None:
            self.succeed(which, images)
        else:
            self.fail(which, for_good=how == "fail")

    def succeed(self, which: int, images: int) -> None:
        hand, task, is_ours = self.hand(which)
        assert hand.attempt
        first, claim = hand.attempt.first_index, hand.generation.claim
        delivered = min(images, task.n - first)
        stored = stored_images(hand.generation, delivered, first)
        is_said_again = task.status == "succeeded" and claim in {*task.kept_by, task.delivered_by}
        assert lifecycle.succeed(hand.generation, hand.attempt, stored) == (is_ours or is_said_again)
        if is_ours:
            task.attempts[-1] = "ok"
            self.books.end(task, "succeeded", delivered=delivered)

    def keep(self, which: int, images: int, unusable: int) -> None:
        hand, task, is_ours = self.hand(which)
        assert hand.attempt
        first = hand.attempt.first_index
        brought = min(images + unusable, task.n - first - 1)
        kept = min(images, brought)
        stored = stored_images(hand.generation, kept, first)
        is_said_again = hand.generation.claim in task.kept_by
        said = lifecycle.keep_part(hand.generation, hand.attempt, stored, brought=brought)
        assert said == (is_ours or is_said_again)
        if is_ours:
            task.attempts[-1] = "ok"
            self.books.keep(task, kept, brought)

    def fail(self, which: int, for_good: bool) -> None:
        hand, task, is_ours = self.hand(which)
        if for_good:
            was_ours = lifecycle.fail(hand.generation, "failed", attempt=hand.attempt, outcome="failed")
        else:
            was_ours = lifecycle.hand_back(hand.generation, 5, attempt=hand.attempt, outcome="busy")
        assert was_ours == is_ours
        if not is_ours:
            return
        if hand.attempt is not None:
            task.attempts[-1] = "failed"
        if for_good:
            self.books.end(task, "failed")
        else:
            self.books.hand_back(task)

    @rule(
        live=st.booleans(),
        n=images,
        delivered=images,
        claw_back=st.sampled_from([0, 0, 0, 20, 60]),
        value=values,
    )
    def whole_story(self, live: bool, n: int, delivered: int, claw_back: int, value: int) -> None:
        """Several steps at once, so that examples get further; a payment may go back in between."""
        hands = len(self.hands)
        self.submit(live, 0, None, n, start=True)
        if len(self.hands) > hands:
            if claw_back > PRICE:
                self.move_credits("claw_back", claw_back, value)
            self.the_wallet_is_what_the_model_says()
            self.finish(0, "succeed", delivered)

    @rule(
        live=st.booleans(),
        n=st.integers(2, 4),
        unusable=st.integers(0, 1),
        end=st.sampled_from(["succeed", "keep", "fail", "hand back", "cancel", "pass deadline", "nothing"]),
        start=st.booleans(),
    )
    def story_of_several_images(self, live: bool, n: int, unusable: int, end: str, start: bool) -> None:
        """One attempt brings some of them; then whatever happens."""
        hands = len(self.hands)
        self.submit(live, 0, None, n, start=True)
        if len(self.hands) == hands:
            return
        self.keep(0, 1, unusable)
        if start:
            self.claim(0, submit=True)
        if end == "cancel":
            self.cancel(0)
        elif end == "pass deadline":
            self.let_time_pass(0, end, sweep=True)
        elif end != "nothing":
            self.finish(0, end, 1, unusable)

    # --- Time, and what comes from outside --------------------------------------------------------

    @precondition(lambda self: self.task_ids)
    @rule(
        which=newest_first,
        what=st.sampled_from(["lose worker", "lose worker", "pass deadline", "forget idempotency key"]),
        sweep=st.booleans(),
    )
    def let_time_pass(self, which: int, what: str, sweep: bool) -> None:
        task_id = pick(self.task_ids, which)
        task = self.books.tasks[task_id]
        if what == "pass deadline":
            age(Generation(pk=task_id), deadline_at=1)
            task.overdue = True
        elif what == "forget idempotency key" and task.claim:  # untouched for a day, it would be a backlog
            self.idempotency_key_grows_old(task_id)
        elif task.status == "running":
            age(Generation(pk=task_id), lease_until=1)
            task.lease_over = True
        if sweep:
            sweeps.sweep()
            self.books.sweep()

    def idempotency_key_grows_old(self, task_id: int) -> None:
        age(Generation(pk=task_id), created_at=DAY_S + 1)
        kept = {known: made for known, made in self.books.idempotency.items() if made[0] != task_id}
        self.books.idempotency = kept

    @precondition(lambda self: self.task_ids)
    @rule(which=newest_first)
    def cancel(self, which: int) -> None:
        task_id = pick(self.task_ids, which)
        task = self.books.tasks[task_id]
        try:
            lifecycle.cancel(Generation.objects.get(pk=task_id))
        except AlreadyEnded:
            assert not task.is_open
            return
        assert task.is_open
        self.books.end(task, "canceled")

    # --- Proofs -----------------------------------------------------------------------------------

    @rule()
    def prove(self) -> None:
        with connection.cursor() as cursor:
            since = proofs.latest(cursor)
            assert audit.check(cursor, since) == []
            proofs.keep(proofs.prove(cursor, since, proofs.newest_ids(cursor)))

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
        shown = dict(
            Generation.objects.annotate(shown=Count("images")).filter(shown__gt=0).values_list("pk", "shown")
        )
        assert shown == {pk: task.delivered for pk, task in self.books.tasks.items() if task.delivered}
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
            max_examples=count(15, 250),
            stateful_step_count=30,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
