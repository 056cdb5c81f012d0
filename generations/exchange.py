"""One attempt at an upstream: what is sent, what its answers mean to the generation, how its image is delivered."""

import functools
import json
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from django.conf import settings
from django.db import IntegrityError, connection

from accounts import trail
from accounts.connections import is_away
from accounts.shops import address_of
from generations import (
    calls,
    circuit,
    conduct,
    doorbell,
    heartbeat,
    hops,
    intake,
    lifecycle,
    polling,
    routing,
    storage,
    upstream_checks,
    wholesale,
)
from generations.models import Attempt, Generation, Upstream
from generations.providers import UPSTREAMS
from generations.providers.base import REFUSES_US, AfterCrash, Job, OutcomeKind
from generations.providers.http import Forbidden, NoAnswer, NotReached, Oversized
from generations.providers.wire import Account, Adapter, Answer, Request, Response, origin_of
from generations.request import MAX_SEED

logger = logging.getLogger(__name__)

T = TypeVar("T")

REQUEST_ID = "X-Request-Id"
FIRST_QUESTION_S = 1.0
SETTLE_AGAIN_S = 0.5
EASE_S = 0.1  # after what was asked for, so that two clocks need not agree
STORE_AGAIN_S = 10.0
FETCHES = 3
# What each outcome is to the customer; OK has a story of its own.
ERROR_TYPES = {
    OutcomeKind.BUSY: "upstream_unavailable",
    OutcomeKind.LIMITED: "upstream_unavailable",
    OutcomeKind.ACCOUNT: "upstream_unavailable",
    OutcomeKind.FUNDS: "upstream_unavailable",
    OutcomeKind.REJECTED: "content_rejected",
    OutcomeKind.INVALID: "invalid_request",
    OutcomeKind.TIMEOUT: "timeout",
    OutcomeKind.CANCELED: "timeout",  # ours to cancel never gets here: the row has ended before
    OutcomeKind.FAILED: "generation_failed",
}
_NOT_TAKEN = {OutcomeKind.BUSY, OutcomeKind.LIMITED, *REFUSES_US}
_ANOTHER_MAY = _NOT_TAKEN | {OutcomeKind.FAILED}


@dataclass(frozen=True, slots=True)
class Call:
    """An attempt with all that is needed to speak of it to its upstream. `attempt` bears its generation."""

    attempt: Attempt
    adapter: Adapter
    account: Account

    @classmethod
    def of(cls, attempt: Attempt, model: str) -> "Call":
        """`model`: our slug. Raises KeyError and sealing.Unreadable for what the operator has taken away."""
        upstream = cast(Upstream, attempt.upstream)
        adapter = UPSTREAMS[attempt.provider]
        tells = upstream.uses_webhooks and adapter.sends_webhooks
        hook = (
            f"{address_of(upstream.shop_id)}/hooks/upstream/{attempt.key.replace(':', '/')}" if tells else ""
        )
        return cls(attempt, adapter, account_of(upstream, adapter, model, hook))

    @property
    def leads_elsewhere(self) -> bool:
        """Whether it would take our present credential to an address that the upstream had before."""
        handle = self.attempt.handle or {}
        asked = [value for value in handle.values() if value.startswith(("http://", "https://"))]
        return any(origin_of(url) != self.account.origin for url in asked)

    async def send(self, build: Callable[[], Request], read: Callable[[Response], T], *, total_s: float) -> T:
        """Raises NotReached, NoAnswer and Oversized; whatever an adapter raises is its bug, and raised as well."""
        line = calls.here().line
        return read(await line.send(build(), total_s=total_s, trusted_origin=self.account.trusted_origin))

    @property
    def generation(self) -> Generation:
        return self.attempt.generation

    @property
    def job(self) -> Job:
        return job_of(self.attempt)

    def cost_of(self, answer: Answer) -> int:
        """What it cost us that brought no image. Where the books of the other side are ours as well, what they say."""
        known = wholesale.cost_of(self.attempt)
        if known is not None:
            return known
        return self.attempt.possible_cost_micros if answer.billed else 0


def account_of(upstream: Upstream, adapter: Adapter, model: str, webhook_url: str = "") -> Account:
    """`model`: our slug. Raises sealing.Unreadable."""
    return Account(
        upstream.base_url.rstrip("/"),
        upstream.credential,
        upstream.name_of(model, adapter.model),
        webhook_url,
        upstream.webhook_secret,
        inside=upstream.inside or upstream_checks.is_allowed_inside(upstream.base_url),
    )


def job_of(attempt: Attempt) -> Job:
    """`attempt` bears its generation, whose seed is drawn."""
    generation = attempt.generation
    return Job(
        task_id=generation.task_id,
        attempt_key=attempt.key,
        prompt=generation.prompt,
        width=generation.width,
        height=generation.height,
        seed=seed_of(generation, attempt.first_index),
        output_format=generation.output_format,
        n=attempt.n,
        hops=hops.hops_of(generation),
    )


def _named(request: Request, job: Job) -> Request:
    """With our id of the attempt, for whoever asks the upstream's support about it; and to find out orders that go
    round in circles.
    """
    return replace(request, headers={REQUEST_ID: hops.named(job.attempt_key, job.hops), **request.headers})


def seed_of(generation: Generation, index: int) -> int:
    """Each image has the seed after the one before it, as those have that are made together."""
    return ((generation.seed or 0) + index) % (MAX_SEED + 1)


# --- Submitting ---------------------------------------------------------------------------------


async def drive(call: Call) -> float | None:
    """From the submission to the end of this worker's part. Seconds until it may be tried elsewhere; None: never."""
    in_thread = calls.here().in_thread
    with heartbeat.at_work() as work:
        work.generation = call.generation
        with work.calling(), step("attempt", call) as note:
            logger.info("%s: sent to %s", call.attempt.key, call.attempt.upstream)
            answer = await submit(call)
            note("outcome", answer.kind.value if answer else "unknown")
        if answer is None:
            return await in_thread(patiently, call.generation, lambda: lose(call))
        if answer.kind is OutcomeKind.WAIT:
            try:
                await in_thread(patiently, call.generation, functools.partial(_accept, call, answer))
            except IntegrityError:
                answer = Answer(OutcomeKind.FAILED, detail=f"gave the id {answer.task_id} a second time")
            else:
                doorbell.ring_poll()
                return None
        return await conclude(call, answer)


def step(name: str, call: Call) -> AbstractContextManager[trail.Note]:
    """What traces show of one exchange with its upstream."""
    return trail.step(name, number=call.attempt.number, upstream=str(call.attempt.upstream))


def _accept(call: Call, answer: Answer) -> bool:
    wait_s = FIRST_QUESTION_S if answer.poll_after_s is None else answer.poll_after_s
    return lifecycle.accepted(call.attempt, answer, wait_s)


async def submit(call: Call) -> Answer | None:
    """None: nobody knows whether the upstream has it."""
    adapter, account, job = call.adapter, call.account, call.job
    try:
        return await call.send(
            lambda: _named(adapter.submit(account, job), job),
            lambda response: adapter.read_submit(account, job, response),
            total_s=settings.CALL_TOTAL_S,
        )
    except NotReached as error:
        kind = OutcomeKind.ACCOUNT if isinstance(error, Forbidden) else OutcomeKind.BUSY
        return Answer(kind, detail=str(error))
    except Oversized as error:
        return Answer(OutcomeKind.FAILED, billed=True, detail=str(error))
    except NoAnswer as error:
        if adapter.waits(account) and error.timed_out:
            return Answer(OutcomeKind.TIMEOUT, billed=True, detail=str(error))
        logger.warning("%s: no answer to a submission: %s", call.attempt.key, error)
        return None
    except Exception as error:  # an adapter's bug must end this task, not the worker
        logger.exception("%s: the adapter %s raised", call.attempt.key, adapter.name)
        return Answer(OutcomeKind.FAILED, detail=f"{type(error).__name__}: {error}")


def lose(call: Call) -> float | None:
    """The answer to a submission was lost: what may be done depends on what the upstream can tell or bear."""
    attempt = call.attempt
    # Whatever becomes of this order: who breaks connections is not to be given all the others.
    circuit.report(
        cast(int, attempt.upstream_id), OutcomeKind.BUSY, "no answer to a submission", attempt=attempt
    )
    match after_crash(attempt):
        case AfterCrash.RESEND:
            wait_s = routing.BUSY_WAIT_S[min(attempt.sends, len(routing.BUSY_WAIT_S)) - 1]
            return float(wait_s) if lifecycle.send_again(attempt, wait_s) else None
        case AfterCrash.LOOK_UP:
            lifecycle.await_answers(attempt, polling.LOOK_UP_S)
            doorbell.ring_poll()
        case AfterCrash.NEVER if call.adapter.waits(call.account):
            lifecycle.abandon(attempt, "the connection broke before the answer")
        case AfterCrash.NEVER:
            lifecycle.leave_to_deadline(call.generation, lost=False)
    return None


def after_crash(attempt: Attempt) -> AfterCrash:
    if attempt.upstream is not None and attempt.upstream.resends:
        return AfterCrash.RESEND
    adapter = UPSTREAMS.get(attempt.provider)
    return adapter.after_crash if adapter is not None else AfterCrash.NEVER


# --- Concluding ---------------------------------------------------------------------------------


async def conclude(call: Call, answer: Answer) -> float | None:
    """With an end that the upstream told; `call`'s generation is this worker's. Returns what drive() returns."""
    in_thread = calls.here().in_thread
    logger.info("%s: %s by %s", call.attempt.key, answer.kind.value, call.attempt.upstream)
    if answer.kind is not OutcomeKind.OK:
        return await in_thread(patiently, call.generation, lambda: end(call, answer))
    with step("fetch", call):
        collected = await intake.collect(
            calls.here().door, answer, n=call.attempt.n, trusted_origin=call.account.trusted_origin
        )
    return await in_thread(deliver, call, answer, collected)


def end(call: Call, answer: Answer) -> float | None:
    """Ends the generation, or puts it back for another try after so many seconds."""
    generation, attempt, kind = call.generation, call.attempt, answer.kind
    known = [past for past in routing.past(generation) if past[1]] if kind in _ANOTHER_MAY else []
    if answer.once and (attempt.upstream_id, OutcomeKind.BUSY) in known:
        answer = replace(answer, kind=OutcomeKind.FAILED)
        kind = answer.kind
    error_type = ERROR_TYPES[kind]
    if kind is OutcomeKind.LIMITED:
        circuit.hold_off(cast(int, attempt.upstream_id), answer.poll_after_s)
    if attempt.accepted_at is None and kind in _NOT_TAKEN and _may_be_there(attempt, answer):
        # Under another key it could be made, and billed, twice.
        if kind is not OutcomeKind.LIMITED:
            circuit.report(cast(int, attempt.upstream_id), kind, answer.detail)
        again_s = routing.BUSY_WAIT_S[-1 if attempt.sends > 1 else 0]
        wait_s = max(answer.poll_after_s or 0, float(again_s))
        return wait_s if lifecycle.send_again(attempt, wait_s) else None
    if kind is OutcomeKind.INVALID:
        # Why is in the attempt's row, not here: such answers repeat the prompt.
        logger.error("%s: %s did not accept our request", attempt.key, attempt.upstream)
    if kind in _ANOTHER_MAY:
        match routing.route(generation, [*known, (attempt.upstream_id, kind)]):
            case routing.Try(after_s=after_s):
                return _hand_back(call, answer, max(after_s, (answer.poll_after_s or 0) if after_s else 0))
            case routing.Wait(wait_s=wait_s):
                if kind is OutcomeKind.LIMITED:  # each try is a row, and it may stay full for long
                    tried = 1 + sum(outcome == kind for _upstream_id, outcome in known)
                    wait_s = max(
                        wait_s + EASE_S, routing.BUSY_WAIT_S[min(tried, len(routing.BUSY_WAIT_S)) - 1]
                    )
                return _hand_back(call, answer, wait_s)
            case routing.Nobody(error_type=found):
                error_type = found
    ended = lifecycle.fail(
        generation,
        error_type,
        attempt=attempt,
        outcome=kind,
        detail=answer.detail,
        cost_micros=call.cost_of(answer),
    )
    if ended and kind is OutcomeKind.REJECTED:
        conduct.note_refusal(generation)
    return None


def _may_be_there(attempt: Attempt, answer: Answer) -> bool:
    """Although it was not taken, by what we hear: it was sent before, or somebody in between has spoken."""
    return attempt.sends > 1 or (answer.unsure and after_crash(attempt) is AfterCrash.RESEND)


def _hand_back(call: Call, answer: Answer, wait_s: float) -> float | None:
    back = lifecycle.hand_back(
        call.generation,
        wait_s,
        attempt=call.attempt,
        outcome=answer.kind,
        detail=answer.detail,
        cost_micros=call.cost_of(answer),
        limited=False,
    )
    return wait_s if back else None


def deliver(call: Call, answer: Answer, collected: intake.Collected) -> float | None:
    """Stores first, settles after: nobody is charged for an image that could not be kept. Seconds until the images
    that are still missing may be asked for; None: there are none, or they are asked for already.
    """
    generation, attempt = call.generation, call.attempt
    if not collected.files and collected.may_come_later and _ask_again(call):
        return None
    stored: list[lifecycle.Stored] = []
    problems = list(collected.problems)
    read = functools.partial(intake.prepare, output_format=generation.output_format)
    try:
        files = [(attempt.first_index + position, data) for position, data in collected.files]
        problems += keep_images(generation, files, read, stored)
    except OSError as error:  # a full disk: somebody may make room
        logger.exception("%s: the image could not be stored", generation.task_id)
        wait_s = patiently(generation, functools.partial(_not_stored, call, str(error)))
        storage.discard(item.storage_key for item in stored)
        return wait_s
    if not stored:
        detail = "; ".join(problems) or "the answer held no image"
        return patiently(
            generation,
            lambda: end(call, replace(answer, kind=OutcomeKind.FAILED, billed=True, detail=detail)),
        )
    if answer.facts is not None:
        stored = [replace(item, provenance=_provenance(generation, item, answer.facts)) for item in stored]
    # An upstream that knows of no more than one at a time answers with one: the others are asked for anew.
    brought = min(attempt.n, len(collected.results) + answer.withheld)
    cost_micros = patiently(generation, lambda: wholesale.cost_of(attempt))
    if cost_micros is None:
        cost_micros = -(-attempt.possible_cost_micros * brought // attempt.n)
    is_last = attempt.first_index + brought >= generation.n
    keep = lifecycle.succeed if is_last else functools.partial(lifecycle.keep_part, brought=brought)
    if not patiently(generation, lambda: keep(generation, attempt, stored, cost_micros=cost_micros)):
        storage.discard(item.storage_key for item in stored)
        return None
    return None if is_last else 0.0


def _provenance(generation: Generation, item: lifecycle.Stored, facts: dict[str, Any]) -> str:
    own = {
        "seed": seed_of(generation, item.index),
        "width": item.image.width,
        "height": item.image.height,
    }
    return json.dumps({**facts, **own})


def keep_images(
    generation: Generation,
    files: Iterable[tuple[int, bytes]],
    read: Callable[[bytes], storage.CheckedImage],
    stored: list[lifecycle.Stored],
) -> list[str]:
    """Puts what was stored into `stored`, also when it raises OSError in the middle; why the others were not: those
    that can be used are delivered, and only they are charged. `read` raises UnusableImage.
    """
    problems = []
    for index, data in files:
        try:
            image = read(data)
        except storage.UnusableImage as error:
            problems.append(f"unusable image: {error}")
            continue
        key = storage.store(generation.task_id, generation.claim, index, image)
        stored.append(lifecycle.Stored(index, key, image))
    return problems


def _ask_again(call: Call) -> bool:
    """The result's address did not answer, but the upstream still has it: False once that was tried often enough."""
    attempt = call.attempt
    tried = int((attempt.handle or {}).get("_fetches", "0")) + 1
    if attempt.accepted_at is None or tried >= FETCHES:
        return False
    Attempt.objects.filter(pk=attempt.pk, outcome="").update(
        handle={**(attempt.handle or {}), "_fetches": str(tried)}
    )
    return patiently(call.generation, lambda: lifecycle.await_answers(attempt, FIRST_QUESTION_S))


def _not_stored(call: Call, detail: str) -> float | None:
    """What the upstream keeps is fetched again; what it only told once has to be made once more."""
    if call.attempt.accepted_at is not None:
        lifecycle.await_answers(call.attempt, STORE_AGAIN_S)
        return None
    back = lifecycle.hand_back(
        call.generation,
        STORE_AGAIN_S,
        attempt=call.attempt,
        outcome="not_stored",
        detail=detail,
        cost_micros=call.attempt.possible_cost_micros,
    )
    return STORE_AGAIN_S if back else None


def patiently(generation: Generation, settle: Callable[[], T]) -> T:
    """The upstream's work is done, and maybe paid for: a lock or a database that is away is waited for, for as long
    as a lease. Whoever took it over meanwhile wins, as always.
    """
    give_up_at = time.monotonic() + settings.LEASE_S
    while True:
        try:
            return settle()
        except Exception as error:
            if not is_away(error):
                raise
            connection.close()
            if time.monotonic() > give_up_at:
                raise
            logger.warning("%s: could not be settled, tried again: %s", generation.task_id, error)
            time.sleep(SETTLE_AGAIN_S)
