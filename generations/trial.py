"""One image from one upstream with its saved settings, step by step, for an operator. It is no order, and no money."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.sealing import Unreadable
from generations import intake, storage
from generations.models import Upstream
from generations.providers import ADAPTERS
from generations.providers.base import Job, OutcomeKind
from generations.providers.http import Line, NoAnswer, NotReached, Oversized
from generations.providers.wire import Account, Adapter, Answer, Request, Response
from webhooks.outbound import Door

TOTAL_S = 60.0
CALL_S = 45.0
POLL_S = 1.0
MAX_ANSWER = 300
SAID: dict[OutcomeKind, tuple[Any, Any]] = {
    OutcomeKind.OK: (_("It made an image."), _("Orders can go there.")),
    OutcomeKind.WAIT: (
        _("It was still working on it after a minute."),
        _("Try again, or ask whether it is slow."),
    ),
    OutcomeKind.BUSY: (
        _("It could not serve us."),
        _("It is busy, out of order, or not at this address. Look at the answer below, then try again."),
    ),
    OutcomeKind.ACCOUNT: (
        _("It refuses our account."),
        _("Check the credential, the balance there, the base address and the model's name."),
    ),
    OutcomeKind.REJECTED: (_("It refused the prompt."), _("The connection works: try another prompt.")),
    OutcomeKind.INVALID: (
        _("It did not accept our request."),
        _("Check the model's name and the sizes it can do."),
    ),
    OutcomeKind.TIMEOUT: (
        _("It did not answer in time."),
        _("Check the base address, or try again."),
    ),
    OutcomeKind.CANCELED: (_("It canceled the request."), _("Try again.")),
    OutcomeKind.FAILED: (_("It failed."), _("Look at the answer below, then try again.")),
}


@dataclass(frozen=True, slots=True)
class Step:
    what: str
    ms: int
    answer: str


@dataclass(slots=True)
class Trial:
    """`image` only with OK. `cost_micros` by the upstream's own settings."""

    kind: OutcomeKind = OutcomeKind.FAILED
    steps: list[Step] = field(default_factory=list)
    seconds: float = 0.0
    cost_micros: int = 0
    image: storage.CheckedImage | None = None

    @property
    def title(self) -> Any:
        return SAID[self.kind][0]

    @property
    def advice(self) -> Any:
        return SAID[self.kind][1]


async def try_out(upstream: Upstream, prompt: str, width: int, height: int) -> Trial:
    """Takes at most TOTAL_S and what fetching takes. Raises nothing that an upstream can cause."""
    trial = Trial()
    began_at = time.monotonic()
    adapter = ADAPTERS.get(upstream.provider)
    try:
        credential = upstream.credential
    except Unreadable:
        adapter = None
        trial.steps.append(
            Step("CREDENTIALS_KEY", 0, str(_("The credential cannot be read: enter it anew.")))
        )
        credential = ""
    if adapter is not None:
        model = next(iter(upstream.model_names.values()), adapter.model)
        account = Account(upstream.base_url.rstrip("/"), credential, model)
        job = Job("task_trial", f"trial-{time.time_ns()}:1", prompt, width, height, 42, "jpeg")
        async with Line() as line, Door() as door:
            talk = _Talk(trial, adapter, account, line, began_at + TOTAL_S)
            answer = await talk.hold(job)
            trial.kind = answer.kind
            if answer.kind is OutcomeKind.OK or answer.billed:
                trial.cost_micros = upstream.cost_of(width, height, 1)
            if answer.kind is OutcomeKind.OK:
                await _take_in(trial, door, answer, account)
    trial.seconds = time.monotonic() - began_at
    return trial


class _Talk:
    def __init__(
        self, trial: Trial, adapter: Adapter, account: Account, line: Line, give_up_at: float
    ) -> None:
        self._trial = trial
        self._adapter = adapter
        self._account = account
        self._line = line
        self._give_up_at = give_up_at

    async def hold(self, job: Job) -> Answer:
        adapter, account = self._adapter, self._account
        answer = await self._ask(
            lambda: adapter.submit(account, job), lambda said: adapter.read_submit(account, job, said), CALL_S
        )
        handle = answer.handle or {}
        while answer.kind is OutcomeKind.WAIT and time.monotonic() < self._give_up_at:
            await asyncio.sleep(POLL_S if answer.poll_after_s is None else answer.poll_after_s)
            answer = await self._poll(handle)
            handle = answer.handle or handle
        return answer

    async def _poll(self, handle: dict[str, str]) -> Answer:
        adapter, account = self._adapter, self._account
        return await self._ask(
            lambda: adapter.poll(account, handle), lambda said: adapter.read_poll(account, handle, said), 10
        )

    async def _ask(self, build: Any, read: Any, total_s: float) -> Answer:
        began_at = time.monotonic()
        what = ""
        try:
            request: Request = build()
            what = f"{request.method} {request.url}"
            response: Response = await self._line.send(request, total_s=total_s)
            answer: Answer = read(response)
            self._note(what, began_at, response.excerpt(self._account))
        except NotReached as error:
            return self._ended(what, began_at, OutcomeKind.BUSY, str(error))
        except NoAnswer as error:
            return self._ended(what, began_at, OutcomeKind.TIMEOUT, str(error))
        except Oversized as error:
            return self._ended(what, began_at, OutcomeKind.FAILED, str(error))
        return answer

    def _ended(self, what: str, began_at: float, kind: OutcomeKind, detail: str) -> Answer:
        self._note(what, began_at, detail)
        return Answer(kind, detail=detail)

    def _note(self, what: str, began_at: float, answer: str) -> None:
        ms = round((time.monotonic() - began_at) * 1000)
        self._trial.steps.append(Step(what[:MAX_ANSWER], ms, answer[:MAX_ANSWER]))


async def _take_in(trial: Trial, door: Door, answer: Answer, account: Account) -> None:
    began_at = time.monotonic()
    origin = account.origin
    collected = await intake.collect(door, answer, 1, origin)
    what = f"GET {answer.image_urls[0]}" if answer.image_urls else str(_("the image in the answer"))
    for _index, data in collected.files:
        try:
            trial.image = await asyncio.to_thread(intake.prepare, data, "jpeg")
        except storage.UnusableImage as error:
            collected_problem = str(error)
        else:
            ms = round((time.monotonic() - began_at) * 1000)
            trial.steps.append(Step(what[:MAX_ANSWER], ms, f"{trial.image.width} x {trial.image.height}"))
            return
        trial.steps.append(Step(what[:MAX_ANSWER], 0, collected_problem))
    trial.steps += [Step(what[:MAX_ANSWER], 0, problem) for problem in collected.problems]
    trial.kind = OutcomeKind.FAILED
