"""Asks upstreams about the orders that they have, many at once, until there are none."""

import asyncio
import logging
import threading
import time
from dataclasses import replace
from typing import cast

from django.db import Error as DatabaseError
from psycopg_pool import PoolTimeout

from accounts import trail
from accounts.connections import AWAY
from accounts.sealing import Unreadable
from generations import calls, circuit, exchange, heartbeat, lifecycle, polling, runner
from generations.models import Attempt, Upstream
from generations.polling import NotYet, Question
from generations.providers.base import REFUSES_US, AfterCrash, OutcomeKind
from generations.providers.http import NoAnswer, NotReached, Oversized
from generations.providers.wire import Answer

logger = logging.getLogger(__name__)

AT_ONCE = 200
ROUND_S = 0.2
IDLE_LOOK_S = 1.0
QUESTION_TOTAL_S = 10.0
AWAY_S = 1.0
REPORT_EVERY_S = 2.0

_woken = threading.Event()
_running = threading.Lock()


def wake() -> bool:
    """From any thread: there is something to ask. False: somebody else must, this process is leaving."""
    _woken.set()
    if heartbeat.is_closed():
        return False
    carrier = calls.here()  # before the lock: it may not come up
    if _running.acquire(blocking=False):
        carrier.start(Poller().run())
    return True


class Poller:
    """One for each process, for as long as there is something to ask."""

    def __init__(self) -> None:
        self._asking: set[asyncio.Task[None]] = set()
        self._not_yet: list[NotYet] = []
        self._reported_at: dict[int, float] = {}

    async def run(self) -> None:
        try:
            while not heartbeat.is_closed():
                try:
                    if not await self._round():
                        break
                except (DatabaseError, PoolTimeout) as error:
                    logger.warning("The upstreams cannot be asked without a database: %s", error)
                    await asyncio.sleep(AWAY_S)
        finally:
            await self._finish()

    async def _finish(self) -> None:
        try:
            if self._asking:
                await asyncio.wait(self._asking)
            await self._put_back()
        finally:
            _running.release()
        if _woken.is_set() and not heartbeat.is_closed():
            wake()

    async def _round(self) -> bool:
        """False: there is nothing left to ask."""
        _woken.clear()
        in_thread = calls.here().in_thread
        await self._put_back()
        room = AT_ONCE - len(self._asking)
        questions = await in_thread(polling.take_due, room) if room else []
        for question in questions:
            task = asyncio.create_task(self._ask(question))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        if questions or self._asking:
            await asyncio.sleep(ROUND_S)
            return True
        due_s = await in_thread(polling.next_due_s)
        if due_s is None:
            return _woken.is_set()
        await asyncio.sleep(max(ROUND_S, min(due_s, IDLE_LOOK_S)))
        return True

    async def _put_back(self) -> None:
        answers, self._not_yet = self._not_yet, []
        if not answers:
            return
        try:
            await calls.here().in_thread(polling.put_back, answers)
        except AWAY:
            self._not_yet = answers + self._not_yet
            raise
        except Exception:  # of one of them; each is due again after a while
            logger.exception("%d answers could not be kept", len(answers))

    # --- One question ---------------------------------------------------------------------------

    async def _ask(self, question: Question) -> None:
        await asyncio.sleep(question.after_s)
        generation = question.attempt.generation
        with trail.following(generation.task_id, generation.request_id):
            try:
                await self._ask_now(question)
            except Exception:  # this one is asked again; the others must not wait for it
                logger.exception("%s: the question broke off", question.attempt.key)
                self._later(question, polling.LONGEST_S)

    async def _ask_now(self, question: Question) -> None:
        attempt = question.attempt
        try:
            call = await _call_of(attempt)
        except (KeyError, Unreadable) as error:
            logger.error("%s: the upstream cannot be asked: %r", attempt.key, error)
            self._later(question, polling.LONGEST_AFTER_END_S)
            return
        if call.leads_elsewhere:
            logger.error(
                "%s: its upstream has another base address now, so it cannot be asked about", attempt.key
            )
            self._later(question, polling.LONGEST_AFTER_END_S)
            return
        try:
            if attempt.accepted_at is None:
                await self._look_up(question, call)
            elif attempt.generation.has_ended and await self._stopped(call):
                await self._book(call, Answer(OutcomeKind.CANCELED, detail="stopped"))
            else:
                await self._hear(question, call, await self._answer(call))
        except (NotReached, NoAnswer) as error:
            await self._trouble(question, OutcomeKind.BUSY, str(error))
            self._later(question)

    def _later(self, question: Question, wait_s: float | None = None, answer: Answer | None = None) -> None:
        usual_s = polling.usual_wait_s(question.attempt)
        handle, progress = (answer.handle, answer.progress) if answer else (None, None)
        self._not_yet.append(NotYet(question, usual_s if wait_s is None else wait_s, handle, progress))

    async def _answer(self, call: exchange.Call) -> Answer:
        adapter, account, handle = call.adapter, call.account, call.attempt.handle or {}
        try:
            with exchange.step("poll", call):
                return await call.send(
                    lambda: adapter.poll(account, handle),
                    lambda response: adapter.read_poll(account, handle, response),
                    total_s=QUESTION_TOTAL_S,
                )
        except Oversized as error:
            return Answer(OutcomeKind.FAILED, billed=True, detail=str(error))

    async def _hear(self, question: Question, call: exchange.Call, answer: Answer) -> None:
        attempt = call.attempt
        if answer.kind is OutcomeKind.WAIT:
            self._later(question, answer.poll_after_s, _with_our_notes(answer, attempt))
        elif answer.kind is OutcomeKind.LIMITED:
            pause_s = answer.poll_after_s or polling.FIRST_S
            await calls.here().in_thread(polling.slow_down, cast(int, attempt.upstream_id), pause_s)
            self._later(question, answer.poll_after_s)
        elif answer.kind in (OutcomeKind.BUSY, *REFUSES_US):
            await self._trouble(question, answer.kind, answer.detail, answer.poll_after_s)
            self._later(question, answer.poll_after_s)
        elif attempt.generation.has_ended:
            await self._book(call, answer)
        elif answer.kind is OutcomeKind.OK:
            if await calls.here().in_thread(lifecycle.take_delivery, attempt):
                with heartbeat.at_work() as work:
                    work.generation = attempt.generation
                    runner.go_on(call, await exchange.conclude(call, answer))
        else:
            runner.go_on(call, await exchange.conclude(call, answer))

    async def _trouble(
        self, question: Question, kind: OutcomeKind, detail: str, pause_s: float | None = None
    ) -> None:
        """Counts against the upstream, but once for hundreds of questions that meet the same trouble."""
        upstream_id = cast(int, question.attempt.upstream_id)
        now = time.monotonic()
        if now - self._reported_at.get(upstream_id, 0.0) < REPORT_EVERY_S:
            return
        self._reported_at[upstream_id] = now
        in_thread = calls.here().in_thread
        await in_thread(circuit.report, upstream_id, kind, detail)
        if pause_s:
            await in_thread(polling.slow_down, upstream_id, pause_s)

    # --- What outlived its generation, or its answer --------------------------------------------

    async def _stopped(self, call: exchange.Call) -> bool:
        """Tells the upstream, once, that nobody wants it any more."""
        handle = call.attempt.handle or {}
        request = call.adapter.cancel(call.account, handle)
        if request is None or "_told" in handle:
            return False
        stopped = await call.send(
            lambda: request,
            lambda response: call.adapter.read_cancel(call.account, handle, response),
            total_s=QUESTION_TOTAL_S,
        )
        call.attempt.handle = {**handle, "_told": "1"}
        await calls.here().in_thread(
            Attempt.objects.filter(pk=call.attempt.pk, outcome="").update, handle=call.attempt.handle
        )
        return stopped

    async def _book(self, call: exchange.Call, answer: Answer) -> None:
        if answer.kind is OutcomeKind.OK:
            answer = replace(answer, billed=True)

        def book() -> None:
            cost_micros = call.cost_of(answer)
            lifecycle.book_late(call.attempt, answer.kind, detail=answer.detail, cost_micros=cost_micros)

        await calls.here().in_thread(book)
        runner.go_on(call, None)

    async def _look_up(self, question: Question, call: exchange.Call) -> None:
        adapter, account, job = call.adapter, call.account, call.job
        if exchange.after_crash(call.attempt) is not AfterCrash.LOOK_UP:
            self._later(question, polling.LONGEST_AFTER_END_S)
            return
        found = await call.send(
            lambda: adapter.look_up(account, job),
            lambda response: adapter.read_look_up(account, job, response),
            total_s=QUESTION_TOTAL_S,
        )
        in_thread = calls.here().in_thread
        fresh = await in_thread(_unknown_elsewhere, call.attempt, found or [])
        if len(fresh) == 1:
            await in_thread(lifecycle.accepted, call.attempt, fresh[0], 0.0)
            await in_thread(polling.ask_now, call.generation.task_id, call.attempt.number)
        elif found is not None and not fresh and not call.generation.has_ended:
            handle = call.attempt.handle or {}
            if "_absent" not in handle:  # to be sent again only if it is not there a second time
                self._later(question, polling.LOOK_UP_S, Answer(OutcomeKind.WAIT, handle={"_absent": "1"}))
            elif await in_thread(lifecycle.send_again, call.attempt, 0.0):
                runner.go_on(call, 0.0)
        else:
            self._later(question)


async def _call_of(attempt: Attempt) -> exchange.Call:
    """Raises what exchange.Call.of raises. The address at which a shop is told of news may have to be read from the
    database, which the thread of the calls must not do.
    """
    model = attempt.generation.model.slug
    if cast(Upstream, attempt.upstream).uses_webhooks:
        return await calls.here().in_thread(exchange.Call.of, attempt, model)
    return exchange.Call.of(attempt, model)


def _with_our_notes(answer: Answer, attempt: Attempt) -> Answer:
    """A new handle must not make us forget what we have done."""
    if answer.handle is None:
        return answer
    notes = {name: value for name, value in (attempt.handle or {}).items() if name.startswith("_")}
    return Answer(answer.kind, handle={**answer.handle, **notes}, progress=answer.progress)


def _unknown_elsewhere(attempt: Attempt, found: list[Answer]) -> list[Answer]:
    """Without the tasks that other attempts are known to be."""
    others = Attempt.objects.filter(
        upstream=attempt.upstream, upstream_task_id__in=[answer.task_id for answer in found]
    ).exclude(pk=attempt.pk)
    known = set(others.values_list("upstream_task_id", flat=True))
    return [answer for answer in found if answer.task_id not in known]
