"""WaveSpeed's predictions. HTTP status and `code` are 200 for a task that failed, too."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

from generations.providers.base import Job, OutcomeKind
from generations.providers.reading import (
    busy,
    by_status,
    check_age,
    ended,
    identifier,
    image_addresses,
    items,
    member,
    missed,
    own_address,
    said,
    word,
)
from generations.providers.wire import Account, Adapter, Answer, ForgedWebhook, Request, Response

SUCCESS = (200, 201, 202)
STILL_RUNNING = 5004


class WaveSpeed(Adapter):
    name = "wavespeed"
    title = "WaveSpeed"
    base_url = "https://api.wavespeed.ai"
    model = "wavespeed-ai/z-image/turbo"
    sends_webhooks = True
    top_up_url = "https://wavespeed.ai/top-up"

    def submit(self, account: Account, job: Job) -> Request:
        url = f"{account.base_url}/api/v3/{quote(account.model, safe='/')}"
        if account.webhook_url:
            url += f"?webhook={quote(account.webhook_url, safe='')}"
        body = {"prompt": job.prompt, "size": f"{job.width}*{job.height}", "seed": job.seed}
        return Request("POST", url, _headers(account), body)

    def read_submit(self, account: Account, job: Job, response: Response) -> Answer:
        refused = _error(account, response)
        if refused is not None:
            return refused
        data = response.members().get("data")
        url, task_id = own_address(account, member(data, "urls", "get")), identifier(member(data, "id"))
        if not url:
            # They may have taken the order, but where they send us our credential does not go.
            return ended(account, OutcomeKind.FAILED, response, billed=True)
        return _read(account, response, {"get": url}, task_id)

    def poll(self, account: Account, handle: dict[str, str]) -> Request:
        return Request("GET", handle["get"], _headers(account))

    def read_poll(self, account: Account, handle: dict[str, str], response: Response) -> Answer:
        if _code(response) == 404:
            return missed(account, handle, response)
        refused = _error(account, response)
        return _read(account, response, None, "") if refused is None else refused

    def verify_webhook(
        self, account: Account, headers: Mapping[str, str], body: bytes, keys: bytes, now: float
    ) -> None:
        name, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        secret = account.webhook_secret.removeprefix("whsec_")
        if not name or not secret:
            raise ForgedWebhook("no signature, or no secret to check it with")
        check_age(timestamp, now)
        text = f"{name}.{timestamp}.".encode("utf-8", "replace") + body
        expected = "v3," + hmac.new(secret.encode("utf-8", "replace"), text, hashlib.sha256).hexdigest()
        given = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
        if not any(hmac.compare_digest(expected.encode(), each) for each in given):
            raise ForgedWebhook("the signature is another")


def _headers(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.credential}"}


def _code(response: Response) -> int:
    """The HTTP status; when that is a success, the `code` in the body, which has numbers of its own as well."""
    code = response.members().get("code")
    if type(code) is int and (code == STILL_RUNNING or response.status in SUCCESS):
        return code
    return response.status


def _error(account: Account, response: Response) -> Answer | None:
    """None while the task is running or has an end, which `data` then tells."""
    code = _code(response)
    if code == STILL_RUNNING:
        return None  # sending it again would be paid twice
    if code in SUCCESS:
        return None if isinstance(response.members().get("data"), dict) else busy(account, response)
    return by_status(account, response, min(code, 599))


def _read(account: Account, response: Response, handle: dict[str, str] | None, task_id: str) -> Answer:
    data = response.members().get("data")
    match word(member(data, "status")):
        case "completed":
            flags, outputs = items(member(data, "has_nsfw_contents")), items(member(data, "outputs"))
            passed = [output for index, output in enumerate(outputs) if member(flags, index) is not True]
            if outputs and not passed:
                return ended(account, OutcomeKind.REJECTED, response, billed=True)
            images = image_addresses(passed)
            if not images:
                return ended(account, OutcomeKind.FAILED, response)
            return Answer(OutcomeKind.OK, image_urls=images, task_id=task_id)
        case "failed":
            # Charged at first, and given back within hours.
            detail = said(account, member(data, "error")) or response.excerpt(account)
            return Answer(OutcomeKind.FAILED, detail=detail)
        case _:
            return Answer(OutcomeKind.WAIT, handle=handle, task_id=task_id)
