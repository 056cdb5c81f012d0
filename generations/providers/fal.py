"""fal.ai through its queue. A task that failed is COMPLETED as well; only its result tells."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

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
    word,
)
from generations.providers.wire import Account, Adapter, Answer, ForgedWebhook, Request, Response

START_TIMEOUT_S = 120  # an order that waits longer in their queue is given up there, unpaid
ADDRESSES = ("status_url", "response_url", "cancel_url")
DONE = "done"
MAX_KEYS = 20
# Why an account is locked; any other reason is for their support.
NO_BALANCE = re.compile(r"exhausted balance|reason: top_up", re.IGNORECASE)


class Fal(Adapter):
    name = "fal"
    title = "fal.ai"
    base_url = "https://queue.fal.run"
    model = "fal-ai/z-image/turbo"
    # What runs already may still be finished and charged, so nobody is promised that canceling is free.
    can_stop = False
    max_images = 4
    sends_webhooks = True
    top_up_url = "https://fal.ai/dashboard/billing"
    webhook_keys_url = "https://rest.alpha.fal.ai/.well-known/jwks.json"

    def submit(self, account: Account, job: Job) -> Request:
        url = f"{account.base_url}/{quote(account.model, safe='/')}"
        if account.webhook_url:
            url += f"?fal_webhook={quote(account.webhook_url, safe='')}"
        headers = {
            **_headers(account),
            "X-Fal-Request-Timeout": str(START_TIMEOUT_S),  # in spite of its name the time until it starts
            "X-Fal-No-Retry": "1",  # whether it is tried again is ours to decide
        }
        body = {
            "prompt": job.prompt,
            "image_size": {"width": job.width, "height": job.height},
            "num_inference_steps": 8,
            "seed": job.seed,
            "num_images": job.n,
            "enable_safety_checker": True,
            "output_format": job.output_format,
        }
        return Request("POST", url, headers, body)

    def read_submit(self, account: Account, job: Job, response: Response) -> Answer:
        if response.status not in (200, 201, 202):
            return _error(account, response)
        members = response.members()
        if not members:
            return busy(account, response)
        handle = {name: own_address(account, members.get(name)) for name in ADDRESSES}
        if not all(handle.values()):
            # They may have taken the order, but where they send us our credential does not go.
            return ended(account, OutcomeKind.FAILED, response, billed=True)
        return Answer(OutcomeKind.WAIT, handle=handle, task_id=identifier(members.get("request_id")))

    def poll(self, account: Account, handle: dict[str, str]) -> Request:
        address = "response_url" if DONE in handle else "status_url"
        return Request("GET", handle[address], _headers(account))

    def read_poll(self, account: Account, handle: dict[str, str], response: Response) -> Answer:
        if DONE in handle:
            return _read_result(account, response)
        if response.status == 404:
            return missed(account, handle, response)
        if response.status not in (200, 202):
            return _error(account, response)
        if not response.members():
            return busy(account, response)
        if word(response.members().get("status")).upper() == "COMPLETED":
            return Answer(OutcomeKind.WAIT, handle={**handle, DONE: "1"}, poll_after_s=0)
        return Answer(OutcomeKind.WAIT)

    def keys_url(self, account: Account) -> str:
        # Whoever stands in for fal has keys of its own.
        usual = account.base_url == self.base_url
        return self.webhook_keys_url if usual else f"{account.base_url}/.well-known/jwks.json"

    def cancel(self, account: Account, handle: dict[str, str]) -> Request | None:
        return Request("PUT", handle["cancel_url"], _headers(account))

    def read_cancel(self, account: Account, handle: dict[str, str], response: Response) -> bool:
        # CANCELLATION_REQUESTED says only that whoever works on it was told.
        return response.status == 200 and word(response.members().get("status")).upper() == "OK"

    def verify_webhook(
        self, account: Account, headers: Mapping[str, str], body: bytes, keys: bytes, now: float
    ) -> None:
        signed = [headers.get(f"x-fal-webhook-{name}", "") for name in ("request-id", "user-id", "timestamp")]
        if not all(signed):
            raise ForgedWebhook("no signature")
        check_age(signed[2], now)
        text = "\n".join([*signed, hashlib.sha256(body).hexdigest()]).encode("utf-8", "replace")
        try:
            signature = bytes.fromhex(headers.get("x-fal-webhook-signature", ""))
        except ValueError:
            raise ForgedWebhook("the signature is not hexadecimal") from None
        for key in _public_keys(keys):
            try:
                return key.verify(signature, text)
            except InvalidSignature:
                continue
        raise ForgedWebhook("signed with none of the keys")


def _headers(account: Account) -> dict[str, str]:
    return {"Authorization": f"Key {account.credential}"}


def _error(account: Account, response: Response) -> Answer:
    if response.status >= 500 and response.headers.get("x-fal-retryable", "").lower() == "false":
        return ended(account, OutcomeKind.FAILED, response)
    detail = response.members().get("detail")
    if response.status == 403 and isinstance(detail, str) and NO_BALANCE.search(detail):
        return ended(account, OutcomeKind.FUNDS, response)
    return by_status(account, response)


def _read_result(account: Account, response: Response) -> Answer:
    status, members, headers = response.status, response.members(), response.headers
    if status == 200:
        return _images(account, response, members) if members else busy(account, response)
    if status in (400, 422):
        errors = items(members.get("detail"))
        types = {word(members.get("error_type")), *(word(member(error, "type")) for error in errors)}
        refused = "content_policy_violation" in types
        kind = OutcomeKind.REJECTED if refused else OutcomeKind.INVALID
        return ended(account, kind, response, billed=refused or status == 422)
    if status == 504 and headers.get("x-fal-request-timeout-type", "").lower() == "user":
        return ended(account, OutcomeKind.TIMEOUT, response)
    # With that header the task itself has ended so, and asking again brings the same; elsewhere it may succeed.
    if status == 404 or (status >= 500 and "x-fal-retryable" in headers):
        return ended(account, OutcomeKind.FAILED, response)
    return by_status(account, response)


def _images(account: Account, response: Response, members: dict[str, Any]) -> Answer:
    flags = items(members.get("has_nsfw_concepts"))
    images = items(members.get("images"))
    passed = [image for index, image in enumerate(images) if member(flags, index) is not True]
    if images and not passed:
        return ended(account, OutcomeKind.REJECTED, response, billed=True)
    urls = image_addresses([member(image, "url") for image in passed])
    if not urls:
        return ended(account, OutcomeKind.FAILED, response)
    return Answer(OutcomeKind.OK, image_urls=urls, withheld=len(images) - len(passed))


def _public_keys(jwks: bytes) -> Iterator[Ed25519PublicKey]:
    try:
        listed = items(member(json.loads(jwks), "keys"))
    except (ValueError, RecursionError):
        return
    for entry in listed[:MAX_KEYS]:
        text = member(entry, "x")
        if isinstance(text, str) and text.isascii():
            try:
                yield Ed25519PublicKey.from_public_bytes(
                    base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
                )
            except ValueError:
                continue
