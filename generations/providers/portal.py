"""A shop that speaks the documented API (POST /api/generate, GET /api/status), such as another one of ours. Ours also
takes orders back, by version 1 of its API.
"""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from generations.providers.base import AfterCrash, Job, OutcomeKind
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
from generations.providers.wire import Account, Adapter, Answer, Request, Response

ASPECT_RATIOS = {
    (1024, 1024): "1:1",
    (1152, 864): "4:3",
    (864, 1152): "3:4",
    (1280, 720): "16:9",
    (720, 1280): "9:16",
}


SUCCESS = (200, 201, 202)


class Portal(Adapter):
    name = "portal"
    title = "Shop or portal with the documented API"
    model = "z-image-turbo"
    # Ours honours the idempotency key, so the operator of a chained shop may allow to send again; others may not.
    after_crash = AfterCrash.NEVER

    def submit(self, account: Account, job: Job) -> Request:
        body: dict[str, Any] = {
            "prompt": job.prompt,
            "size": f"{job.width}*{job.height}",
            "seed": job.seed,
            "output_format": job.output_format,
        }
        if ratio := ASPECT_RATIOS.get((job.width, job.height)):
            body["aspect_ratio"] = ratio
        headers = {**_headers(account), "Idempotency-Key": job.attempt_key}
        return Request("POST", f"{account.base_url}/api/generate", headers, body)

    def read_submit(self, account: Account, job: Job, response: Response) -> Answer:
        refused = _error(account, response)
        if refused is not None:
            return refused
        data = member(response.members(), "data")
        task_id = identifier(member(data, "task_id"))
        answer = _read(account, response, data, {"task_id": task_id}, task_id)
        if answer.kind == OutcomeKind.WAIT and not task_id:
            return ended(account, OutcomeKind.FAILED, response)
        return answer

    def poll(self, account: Account, handle: dict[str, str]) -> Request:
        task_id = quote(handle.get("task_id", ""), safe="")
        return Request("GET", f"{account.base_url}/api/status?task_id={task_id}", _headers(account))

    def read_poll(self, account: Account, handle: dict[str, str], response: Response) -> Answer:
        if _code(response) == 404:
            return missed(account, handle, response)
        refused = _error(account, response)
        if refused is not None:
            return refused
        return _read(account, response, member(response.members(), "data"), None, "")

    def cancel(self, account: Account, handle: dict[str, str]) -> Request | None:
        task_id = quote(handle.get("task_id", ""), safe="")
        return Request("POST", f"{account.base_url}/api/v1/generations/{task_id}/cancel", _headers(account))

    def read_cancel(self, account: Account, handle: dict[str, str], response: Response) -> bool:
        return response.status == 200 and response.members().get("status") == "canceled"


def _headers(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.credential}"}


def _code(response: Response) -> int:
    """200, or else whichever of HTTP status and `code` is another; portals are known to state either alone."""
    if response.status not in SUCCESS:
        return response.status
    code = response.members().get("code", 200)
    if isinstance(code, str) and len(code) <= 3 and code.isdecimal():
        code = int(code)
    if code in SUCCESS:
        return 200
    return code if isinstance(code, int) and not isinstance(code, bool) and 100 <= code <= 999 else 500


def _error(account: Account, response: Response) -> Answer | None:
    code, members = _code(response), response.members()
    if code == 200:
        # Without data it is a page of somebody in between, or an outage.
        if isinstance(members.get("data"), dict):
            return None
        return replace(busy(account, response), unsure=True)
    if code in (400, 422) and member(members, "error", "type") == "content_rejected":
        return ended(account, OutcomeKind.REJECTED, response)
    answer = by_status(account, response, code)
    if code == 429:  # of ours: it has more to do than it allows one customer
        return replace(answer, kind=OutcomeKind.LIMITED)
    # A proxy before it says 502 or 504 also of an order that has arrived.
    return replace(answer, unsure=code >= 500 and "code" not in members)


def _read(
    account: Account, response: Response, data: object, handle: dict[str, str] | None, task_id: str
) -> Answer:
    status = word(member(data, "status")).upper()
    images = image_addresses(_listed(member(data, "response"))) or image_addresses(
        _listed(member(data, "images"))
    )
    if status == "FAILED":
        reason = said(account, member(data, "error_message")) or response.excerpt(account)
        rejected = reason.startswith("content_rejected")
        return Answer(OutcomeKind.REJECTED if rejected else OutcomeKind.FAILED, detail=reason)
    if status == "SUCCESS" or (images and task_id):
        if not images:
            return ended(account, OutcomeKind.FAILED, response)
        return Answer(OutcomeKind.OK, image_urls=images, task_id=task_id)
    return Answer(OutcomeKind.WAIT, handle=handle, task_id=task_id)


def _listed(found: object) -> list[Any]:
    """An array; also when it comes as a text that holds one, or with objects in it that have the address."""
    if isinstance(found, str) and found.lstrip().startswith("["):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            return []
    listed = [found] if isinstance(found, str) else items(found)
    return [entry.get("url") if isinstance(entry, dict) else entry for entry in listed]
