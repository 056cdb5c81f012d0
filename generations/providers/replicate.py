"""Replicate's predictions."""

import binascii
import datetime
import hmac
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from generations.providers.base import AfterCrash, Job, OutcomeKind
from generations.providers.reading import (
    busy,
    by_status,
    check_age,
    ended,
    identifier,
    image_addresses,
    member,
    missed,
    own_address,
    said,
    word,
)
from generations.providers.wire import (
    MAX_DETAIL,
    Account,
    Adapter,
    Answer,
    ForgedWebhook,
    Request,
    Response,
    pause_s,
)

CANCEL_AFTER = "2m"
FORMATS = {"jpeg": "jpg", "png": "png", "webp": "webp"}
UNSAFE = re.compile(r"nsfw|safety|sensitive content|content policy", re.IGNORECASE)
RESETS = re.compile(r"resets in ~?([0-9]{1,4}(?:\.[0-9]{1,3})?) ?s")
# Older ones cannot be of an attempt whose outcome is still open.
RECENT = datetime.timedelta(hours=1)


class Replicate(Adapter):
    name = "replicate"
    title = "Replicate"
    base_url = "https://api.replicate.com"
    model = "prunaai/z-image-turbo"
    after_crash = AfterCrash.LOOK_UP
    # A prediction that is stopped while it runs is charged for what it ran.
    can_stop = False
    sends_webhooks = True
    top_up_url = "https://replicate.com/account/billing"

    def submit(self, account: Account, job: Job) -> Request:
        body: dict[str, Any] = {
            "input": {
                "prompt": job.prompt,
                "width": job.width,
                "height": job.height,
                "num_inference_steps": 8,
                "guidance_scale": 0,
                "seed": job.seed,
                "output_format": FORMATS.get(job.output_format, "png"),
            }
        }
        if account.webhook_url:
            body |= {"webhook": account.webhook_url, "webhook_events_filter": ["completed"]}
        url = f"{account.base_url}/v1/models/{quote(account.model, safe='/')}/predictions"
        return Request("POST", url, {**_headers(account), "Cancel-After": CANCEL_AFTER}, body)

    def read_submit(self, account: Account, job: Job, response: Response) -> Answer:
        if response.status not in (200, 201, 202):
            return _error(account, response)
        members = response.members()
        if not members:
            return busy(account, response)
        handle = _handle(account, members)
        if handle is None:
            # They may have taken the order, but where they send us our credential does not go.
            return ended(account, OutcomeKind.FAILED, response, billed=True)
        return _read(account, response, handle)

    def poll(self, account: Account, handle: dict[str, str]) -> Request:
        return Request("GET", handle["get"], _headers(account))

    def read_poll(self, account: Account, handle: dict[str, str], response: Response) -> Answer:
        if response.status == 404:
            return missed(account, handle, response)
        if response.status != 200:
            return _error(account, response)
        return _read(account, response, None) if response.members() else busy(account, response)

    def cancel(self, account: Account, handle: dict[str, str]) -> Request | None:
        return Request("POST", handle["cancel"], _headers(account)) if "cancel" in handle else None

    def read_cancel(self, account: Account, handle: dict[str, str], response: Response) -> bool:
        members = response.members()
        status = word(members.get("status"))
        if response.status != 200 or status not in ("aborted", "canceled"):
            return False
        return status == "aborted" or not members.get("started_at")  # never ran: not charged

    def look_up(self, account: Account, job: Job) -> Request:
        return Request("GET", f"{account.base_url}/v1/predictions", _headers(account))

    def read_look_up(self, account: Account, job: Job, response: Response) -> list[Answer] | None:
        listed = response.members().get("results")
        if response.status != 200 or not isinstance(listed, list):
            return None
        now = _time(response.headers.get("date", ""))
        entries = [entry for entry in listed if isinstance(entry, dict)]
        recent = [entry for entry in entries if _is_recent(entry, now)]
        ours = [entry for entry in recent if _is_of(account, job, entry)]
        if not ours:
            # One page of those that came last: ours may stand on the next, unless this one reaches back far enough.
            cut = bool(response.members().get("next")) and len(recent) == len(entries)
            return None if cut or not all(entry.get("input") for entry in recent) else []
        return [
            Answer(OutcomeKind.WAIT, handle=handle, task_id=identifier(entry.get("id")), poll_after_s=0)
            for entry in ours
            if (handle := _handle(account, entry)) is not None
        ] or None

    def verify_webhook(
        self, account: Account, headers: Mapping[str, str], body: bytes, keys: bytes, now: float
    ) -> None:
        name, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not name:
            raise ForgedWebhook("no signature")
        check_age(timestamp, now)
        try:
            # Its verify() asks this process's own clock, and raises half a dozen errors.
            at = datetime.datetime.fromtimestamp(float(timestamp), datetime.UTC)
            expected = Webhook(account.webhook_secret).sign(name, at, body.decode())
        except (EmptyWebhookSecretError, binascii.Error, ValueError, OverflowError, OSError) as error:
            raise ForgedWebhook(f"cannot be signed: {type(error).__name__}") from None
        given = headers.get("webhook-signature", "").encode("utf-8", "replace").split(b" ")
        if not any(hmac.compare_digest(expected.encode(), each) for each in given):
            raise ForgedWebhook("the signature is another")


def _headers(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.credential}"}


def _error(account: Account, response: Response) -> Answer:
    if response.status == 429:
        told = RESETS.search(str(response.members().get("detail"))[:MAX_DETAIL])
        return busy(account, response, pause_s(told[1]) if told else None)
    return by_status(account, response)


def _handle(account: Account, prediction: dict[str, Any]) -> dict[str, str] | None:
    """None when it has no address to ask at, or one that is not at theirs."""
    given = {name: member(prediction, "urls", name) for name in ("get", "cancel")}
    handle = {name: own_address(account, url) for name, url in given.items() if url is not None}
    return handle if "get" in handle and all(handle.values()) else None


def _read(account: Account, response: Response, handle: dict[str, str] | None) -> Answer:
    prediction = response.members()
    status, error = word(prediction.get("status")), said(account, prediction.get("error"))
    detail = f"{status}: {error}"
    match status:
        case "succeeded":
            images = image_addresses(prediction.get("output"))
            if images:
                return Answer(OutcomeKind.OK, image_urls=images, task_id=identifier(prediction.get("id")))
            return ended(account, OutcomeKind.FAILED, response)
        case "failed":
            return Answer(OutcomeKind.REJECTED if UNSAFE.search(error) else OutcomeKind.FAILED, detail=detail)
        case "canceled":
            # By Cancel-After, unless we asked for it, which only the order's own row can tell. It ran, so it costs.
            return Answer(OutcomeKind.TIMEOUT, billed=True, detail=detail)
        case "aborted":
            return Answer(OutcomeKind.TIMEOUT, detail=detail)
        case _:
            return Answer(OutcomeKind.WAIT, handle=handle, task_id=identifier(prediction.get("id")))


def _is_of(account: Account, job: Job, prediction: dict[str, Any]) -> bool:
    made_from, webhook = prediction.get("input"), prediction.get("webhook")
    if account.webhook_url and isinstance(webhook, str) and _path(webhook) != _path(account.webhook_url):
        return False
    same_seed = type(member(made_from, "seed")) is int and member(made_from, "seed") == job.seed
    return same_seed and member(made_from, "prompt") == job.prompt


def _path(url: str) -> str:
    """It names the order and its attempt. The host is that of the shop, which may have got another since."""
    try:
        return urlsplit(url).path
    except ValueError:  # what others wrote need not be an address
        return url


def _is_recent(prediction: dict[str, Any], now: datetime.datetime | None) -> bool:
    made_at = _time(prediction.get("created_at"))
    return made_at is None or now is None or now - made_at < RECENT


def _time(text: object) -> datetime.datetime | None:
    """From a header or a member; None when it is no time with a zone."""
    for read in (datetime.datetime.fromisoformat, parsedate_to_datetime):
        try:
            time = read(text) if isinstance(text, str) and len(text) < 64 else None
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if time is not None and time.tzinfo is not None:
            return time
    return None
