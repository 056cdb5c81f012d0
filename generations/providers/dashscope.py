"""Alibaba's Model Studio (DashScope). Z-Image answers with the image itself; other models are tasks to ask for."""

from typing import Any
from urllib.parse import quote

from generations.providers.base import Job, OutcomeKind
from generations.providers.reading import (
    busy,
    by_status,
    ended,
    identifier,
    image_addresses,
    items,
    member,
    missed,
    said,
    word,
)
from generations.providers.wire import MAX_DETAIL, Account, Adapter, Answer, Request, Response

# They throttle by the second and by the minute.
LONGEST_THROTTLING_S = 60.0
CODES = {
    "DataInspectionFailed": OutcomeKind.REJECTED,
    "InvalidParameter": OutcomeKind.INVALID,
    "Arrearage": OutcomeKind.FUNDS,  # comes as a 400
    "InvalidApiKey": OutcomeKind.ACCOUNT,
    "AccessDenied": OutcomeKind.ACCOUNT,
    "ModelNotFound": OutcomeKind.ACCOUNT,
    "Model.NotFound": OutcomeKind.ACCOUNT,
    "Model.AccessDenied": OutcomeKind.ACCOUNT,
    "AllocationQuota.FreeTierOnly": OutcomeKind.ACCOUNT,
    "Throttling": OutcomeKind.BUSY,
}


class DashScope(Adapter):
    name = "dashscope"
    title = "Alibaba Model Studio (DashScope)"
    base_url = "https://dashscope-intl.aliyuncs.com"
    model = "z-image-turbo"
    polls_per_second = 20.0  # their limit for an account

    def waits(self, account: Account) -> bool:
        return account.model.startswith("z-image")

    def submit(self, account: Account, job: Job) -> Request:
        # Rewriting prompts would cost more, and make another image than was ordered.
        parameters = {"size": f"{job.width}*{job.height}", "seed": job.seed, "prompt_extend": False}
        services = f"{account.base_url}/api/v1/services/aigc"
        if self.waits(account):
            made_from: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": job.prompt}]}]}
            url, headers = f"{services}/multimodal-generation/generation", _headers(account)
        else:
            made_from, parameters = {"prompt": job.prompt}, {**parameters, "n": 1}
            url = f"{services}/text2image/image-synthesis"
            headers = {**_headers(account), "X-DashScope-Async": "enable"}
        body = {"model": account.model, "input": made_from, "parameters": parameters}
        return Request("POST", url, headers, body)

    def read_submit(self, account: Account, job: Job, response: Response) -> Answer:
        refused = _error(account, response)
        if refused is not None:
            return refused
        output = response.members().get("output")
        if images := _images(output):
            return Answer(OutcomeKind.OK, image_urls=images)
        task_id = identifier(member(output, "task_id"))
        if self.waits(account) or not task_id:
            return ended(account, OutcomeKind.FAILED, response)
        return _read_task(account, response, {"task_id": task_id}, task_id)

    def poll(self, account: Account, handle: dict[str, str]) -> Request:
        return Request("GET", _task_url(account, handle), _headers(account))

    def read_poll(self, account: Account, handle: dict[str, str], response: Response) -> Answer:
        if response.status == 404:
            return missed(account, handle, response)
        refused = _error(account, response)
        return _read_task(account, response, None, "") if refused is None else refused

    def cancel(self, account: Account, handle: dict[str, str]) -> Request | None:
        return Request("POST", f"{_task_url(account, handle)}/cancel", _headers(account))

    def read_cancel(self, account: Account, handle: dict[str, str], response: Response) -> bool:
        # They agree only while it has not begun.
        return response.status == 200 and bool(response.members()) and not response.members().get("code")


def _headers(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.credential}"}


def _task_url(account: Account, handle: dict[str, str]) -> str:
    return f"{account.base_url}/api/v1/tasks/{quote(handle.get('task_id', ''), safe='')}"


def _kind(code: str) -> OutcomeKind | None:
    """By the code, or by the family that it names before the first dot: Throttling.RateQuota."""
    return CODES.get(code) or CODES.get(code.partition(".")[0])


def _error(account: Account, response: Response) -> Answer | None:
    members = response.members()
    code = word(members.get("code"))
    kind = _kind(code)
    if kind == OutcomeKind.BUSY:
        pause = response.retry_after_s()
        return busy(account, response, None if pause is None else min(pause, LONGEST_THROTTLING_S))
    if kind is not None:
        return ended(account, kind, response)
    if response.status != 200:
        return by_status(account, response)
    if code:
        return ended(account, OutcomeKind.FAILED, response)
    return None if members else busy(account, response)


def _images(output: object) -> tuple[str, ...]:
    contents = [
        content
        for choice in items(member(output, "choices"))
        for content in items(member(choice, "message", "content"))
    ]
    found = [member(content, "image") for content in contents]
    return image_addresses([*found, *(member(result, "url") for result in items(member(output, "results")))])


def _read_task(account: Account, response: Response, handle: dict[str, str] | None, task_id: str) -> Answer:
    output = response.members().get("output")
    match word(member(output, "task_status")):
        case "SUCCEEDED":
            images = _images(output)
            if not images:
                return ended(account, OutcomeKind.FAILED, response)
            return Answer(OutcomeKind.OK, image_urls=images, task_id=task_id)
        case "FAILED" | "CANCELED" as status:
            # It has ended, so what would be worth another try for a question is a failure here.
            kind = _kind(word(member(output, "code"))) or OutcomeKind.FAILED
            kind = OutcomeKind.FAILED if kind == OutcomeKind.BUSY else kind
            detail = f"{status}: {said(account, member(output, 'code'))} {said(account, member(output, 'message'))}"
            return Answer(kind, detail=detail[:MAX_DETAIL])
        case _:
            # UNKNOWN as well: the order's own deadline comes long before their 24 hours are over.
            return Answer(OutcomeKind.WAIT, handle=handle, task_id=task_id)
