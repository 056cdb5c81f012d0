"""One image from one upstream, to see whether what the operator entered works. No order, and no credits."""

import asyncio
import time
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from accounts.sealing import Unreadable
from generations import intake, storage
from generations.catalogue import DEFAULT_MODEL
from generations.exchange import account_of
from generations.models import Upstream, sortable_id
from generations.providers import UPSTREAMS
from generations.providers.base import Job, OutcomeKind
from generations.providers.http import Forbidden, Line, NoAnswer, NotReached, Oversized
from generations.providers.reading import said
from generations.providers.wire import Account, Adapter, Answer, Request, Response
from webhooks.outbound import Door

TOTAL_S = 60.0
FIRST_S, GROWTH, LONGEST_S = 0.5, 1.5, 5.0
SEED = 42
WORDS = {
    OutcomeKind.OK: _("It works."),
    OutcomeKind.WAIT: _(
        "It accepted the order, but had no image within %(total)d seconds. It may still be billed."
    ),
    OutcomeKind.BUSY: _(
        "It has no time for us, or cannot be reached at this address. Orders would go elsewhere."
    ),
    OutcomeKind.LIMITED: _(
        "It takes no more of our orders at the moment (429). Orders would wait until it does, or go elsewhere."
    ),
    OutcomeKind.ACCOUNT: _(
        "It refuses our account, or does not know the model or the address. Check the credential, the base address and"
        " the model's name. In traffic its circuit would open, and you would be told."
    ),
    OutcomeKind.FUNDS: _(
        "It refuses orders, since our balance there is used up. In traffic its circuit would open, and you would be"
        " told."
    ),
    OutcomeKind.REJECTED: _("It refused this prompt for its content. Try another one."),
    OutcomeKind.INVALID: _("It did not accept our request: perhaps it does not make this size."),
    OutcomeKind.TIMEOUT: _("It did not answer in time. It may still be billed."),
    OutcomeKind.CANCELED: _("It canceled the order."),
    OutcomeKind.FAILED: _("It failed, or what it sent was no image that could be kept."),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what came of it; `status` None: nothing. No text here holds a secret."""

    what: str
    address: str
    status: int | None
    took_ms: int
    excerpt: str


@dataclass(slots=True)
class Trial:
    """`cost_micros` is what it costs us if it is billed as it was entered."""

    steps: list[Step] = field(default_factory=list)
    kind: OutcomeKind = OutcomeKind.FAILED
    detail: str = ""
    cost_micros: int = 0
    image: storage.CheckedImage | None = None

    @property
    def words(self) -> str:
        return str(WORDS[self.kind]) % {"total": TOTAL_S}

    @property
    def took_ms(self) -> int:
        return sum(step.took_ms for step in self.steps)


async def try_out(upstream: Upstream, prompt: str, width: int, height: int) -> Trial:
    """Never raises for what an upstream does; takes TOTAL_S at most. Reads no row but the one it is given."""
    trial = Trial()
    adapter = UPSTREAMS.get(upstream.provider)
    if adapter is None:
        trial.detail = _("There is no such provider: %(name)s") % {"name": upstream.provider}
        return trial
    if adapter.in_house:
        trial.detail = str(_("It is made by a worker of yours: run manage.py gpu_check on its machine."))
        return trial
    try:
        # Without webhooks: nothing here would hear them.
        account = account_of(upstream, adapter, DEFAULT_MODEL)
    except Unreadable:
        trial.kind = OutcomeKind.ACCOUNT
        trial.detail = str(_("The credential cannot be read with today's CREDENTIALS_KEY."))
        return trial
    job = Job(f"task_{sortable_id()}", f"trial_{sortable_id()}", prompt, width, height, SEED, "jpeg")
    async with Line() as line:
        attempt = _Attempt(trial, adapter, account, job, line, Door())
        try:
            async with asyncio.timeout(TOTAL_S):
                answer = await attempt.run()
        except TimeoutError:
            answer = Answer(OutcomeKind.WAIT if attempt.accepted else OutcomeKind.TIMEOUT)
        except Exception as error:  # noqa: BLE001 - an adapter's bug is what a trial is there to show
            answer = Answer(OutcomeKind.FAILED, detail=f"{type(error).__name__}: {said(account, str(error))}")
    trial.kind = OutcomeKind.FAILED if answer.kind is OutcomeKind.OK and trial.image is None else answer.kind
    trial.detail = trial.detail or said(account, answer.detail)
    if answer.kind is OutcomeKind.OK or answer.billed or attempt.accepted:
        trial.cost_micros = upstream.cost_of(width, height, 1)
    return trial


@dataclass(slots=True)
class _Attempt:
    trial: Trial
    adapter: Adapter
    account: Account
    job: Job
    line: Line
    door: Door
    accepted: bool = False

    async def run(self) -> Answer:
        adapter, account, job = self.adapter, self.account, self.job
        answer = await self._ask(str(_("Order")), adapter.submit(account, job))
        if isinstance(answer, Response):
            answer = adapter.read_submit(account, job, answer)
        handle = answer.handle or {}
        wait_s = FIRST_S
        later = (OutcomeKind.BUSY, OutcomeKind.LIMITED)
        while answer.kind is OutcomeKind.WAIT or (answer.kind in later and self.accepted):
            self.accepted = True
            handle = answer.handle or handle
            await asyncio.sleep(wait_s if answer.poll_after_s is None else answer.poll_after_s)
            wait_s = min(LONGEST_S, wait_s * GROWTH)
            answer = await self._ask(str(_("Question")), adapter.poll(account, handle))
            if isinstance(answer, Response):
                answer = adapter.read_poll(account, handle, answer)
        if answer.kind is OutcomeKind.OK:
            await self._collect(answer)
        return answer

    async def _ask(self, what: str, request: Request) -> Response | Answer:
        begun = time.monotonic()
        status, excerpt, result = None, "", Answer(OutcomeKind.FAILED)
        try:
            response = await self.line.send(
                request, total_s=TOTAL_S, trusted_origin=self.account.trusted_origin
            )
        except Forbidden as error:
            excerpt, result = str(error), Answer(OutcomeKind.ACCOUNT, detail=str(error))
        except NotReached as error:
            excerpt, result = str(error), Answer(OutcomeKind.BUSY, detail=str(error))
        except NoAnswer as error:
            kind = OutcomeKind.TIMEOUT if error.timed_out else OutcomeKind.FAILED
            excerpt, result = str(error), Answer(kind, detail=str(error), billed=True)
        except Oversized as error:
            excerpt, result = str(error), Answer(OutcomeKind.FAILED, detail=str(error), billed=True)
        except asyncio.CancelledError:
            self._note(what, request.url, None, begun, str(_("no answer yet")))
            raise
        else:
            self._note(what, request.url, response.status, begun, response.excerpt(self.account))
            return response
        self._note(what, request.url, status, begun, excerpt)
        return result

    async def _collect(self, answer: Answer) -> None:
        begun = time.monotonic()
        collected = await intake.collect(self.door, answer, n=1, trusted_origin=self.account.trusted_origin)
        for url in answer.image_urls[:1]:
            found = (
                f"{len(collected.files[0][1])} bytes" if collected.files else "; ".join(collected.problems)
            )
            self._note(str(_("Image")), url, None, begun, found)
        if not collected.files:
            self.trial.detail = said(self.account, "; ".join(collected.problems))
            return
        try:
            self.trial.image = await asyncio.to_thread(
                intake.prepare, collected.files[0][1], self.job.output_format
            )
        except storage.UnusableImage as error:
            self.trial.detail = str(_("What it sent cannot be used: %(why)s") % {"why": error})

    def _note(self, what: str, url: str, status: int | None, begun: float, excerpt: str) -> None:
        took_ms = int((time.monotonic() - begun) * 1000)
        address = said(self.account, url.partition("?")[0])
        self.trial.steps.append(Step(what, address, status, took_ms, said(self.account, excerpt)))
