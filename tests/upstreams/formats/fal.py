"""fal's queue.

Words: `locked` (403, no balance), `policy` (422 of the result), `nsfw` (flagged; `nsfw=N`: the first N),
`invalid` (422 of the result), `broken` (the result is a 500), `noretry` (a 500 that is not to be tried again),
`expired` (504, not started in time), `gone` (the result is a 404), `lost` (404 on status), `noimages`; faults
`at=result` as well.
"""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.upstreams.http1 import Asked, Reply
from tests.upstreams.tasks import FOREIGN, Format, Task, is_whole

MEMBERS = {
    "prompt",
    "image_size",
    "num_inference_steps",
    "seed",
    "num_images",
    "enable_safety_checker",
    "output_format",
}
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the stand-in's key").digest())
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"somebody else's key").digest())
USER_ID = "github|1234"


def jwks() -> dict[str, Any]:
    """With an older key beside the one that signs, as during a rotation."""
    older = Ed25519PrivateKey.from_private_bytes(bytes(32))
    keys = [urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=") for key in (older, KEY)]
    return {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": key.decode()} for key in keys]}


def signature_of(key: Ed25519PrivateKey, request_id: str, timestamp: str, body: bytes) -> dict[str, str]:
    text = "\n".join([request_id, USER_ID, timestamp, hashlib.sha256(body).hexdigest()])
    return {
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": USER_ID,
        "X-Fal-Webhook-Timestamp": timestamp,
        "X-Fal-Webhook-Signature": key.sign(text.encode()).hex(),
    }


class Fal(Format):
    scheme = "Key"
    credential = "fal-key-id:fal-key-secret"
    model = "fal-ai/z-image/turbo"

    def error(self, status: int) -> Any:
        return {"detail": f"Error {status}", "error_type": "internal_error"}

    async def answer(self, asked: Asked) -> Reply:
        return Reply(200, jwks()) if asked.path == "/.well-known/jwks.json" else await super().answer(asked)

    async def route(self, asked: Asked) -> Reply:
        if asked.method == "POST" and asked.path == f"/{self.model}":
            return await self._submit(asked)
        # The rest is under the application's name, without what of it was called.
        base, _, rest = asked.path.partition("/requests/")
        task_id, _, action = rest.partition("/")
        task = self.tasks.get(task_id)
        if base != "/fal-ai/z-image" or task is None:
            return Reply(404, {"detail": "Not found"})
        actions = {
            ("GET", "status"): self._status,
            ("GET", ""): self._result,
            ("PUT", "cancel"): self._cancel,
        }
        act = actions.get((asked.method, action))
        return act(task) if act else Reply(405, {"detail": "Method Not Allowed"})

    async def _submit(self, asked: Asked) -> Reply:
        task = _order(asked)
        if task is None:
            return Reply(422, {"detail": [{"loc": ["body"], "msg": "no", "type": "value_error"}]})
        if fault := self.fault(task.words, "submit"):
            return fault
        if "locked" in task.words:
            text = (
                "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
            )
            return Reply(403, {"detail": text})
        await self.take(task)
        base = self._address(task, FOREIGN if "foreign" in task.words else self.origin)
        return Reply(
            200,
            {
                "status": "IN_QUEUE",
                "request_id": task.task_id,
                "response_url": base,
                "status_url": f"{base}/status",
                "cancel_url": f"{base}/cancel",
                "queue_position": 0,
            },
        )

    def _address(self, task: Task, origin: str) -> str:
        return f"{origin}/fal-ai/z-image/requests/{task.task_id}"

    def _status(self, task: Task) -> Reply:
        if fault := self.fault(task.words, "poll"):
            return fault
        if "lost" in task.words:
            return Reply(404, {"detail": "Request not found"})
        status = "COMPLETED" if task.is_ready else "IN_PROGRESS"
        code = 200 if task.is_ready else 202
        return Reply(code, {"status": status, "request_id": task.task_id})

    def _result(self, task: Task) -> Reply:
        if not task.is_ready:
            return Reply(400, {"detail": "Request is still in progress"})
        if fault := self.fault(task.words, "result"):
            return fault
        match next((word for word in task.words if word in RESULTS), ""):
            case "":
                return Reply(200, self._payload(task))
            case word:
                return RESULTS[word]

    def _payload(self, task: Task) -> dict[str, Any]:
        images = [{"url": url, "content_type": "image/png"} for url in self.image_urls(task)]
        flagged = int(task.words.get("nsfw", "0") or len(images))
        return {
            "images": [] if "noimages" in task.words else images,
            "seed": task.seed,
            "has_nsfw_concepts": [index < flagged for index in range(len(images))],
            "prompt": task.prompt,
        }

    def _cancel(self, task: Task) -> Reply:
        if task.is_ready:
            return Reply(400, {"status": "ALREADY_COMPLETED"})
        if "queued" in task.words:
            self.tasks.pop(task.task_id)
            return Reply(200, {"status": "OK"})
        return Reply(202, {"status": "CANCELLATION_REQUESTED"})

    def signed(self, task: Task, *, forged: bool) -> tuple[dict[str, str], bytes]:
        payload = self._payload(task)
        told = {"request_id": task.task_id, "gateway_request_id": task.task_id, "status": "OK"}
        body = json.dumps({**told, "payload": payload}).encode()
        key = OTHER_KEY if forged else KEY
        return signature_of(key, task.task_id, str(int(time.time())), body), body


def _failed(status: int, kind: str, headers: dict[str, str]) -> Reply:
    return Reply(status, {"detail": [{"loc": ["body"], "msg": "no", "type": kind}]}, headers)


RESULTS = {
    "policy": _failed(422, "content_policy_violation", {"X-Fal-Retryable": "false"}),
    "invalid": _failed(422, "value_error", {"X-Fal-Retryable": "false"}),
    "broken": _failed(500, "internal_server_error", {"X-Fal-Retryable": "true"}),
    "noretry": _failed(500, "internal_server_error", {"X-Fal-Retryable": "false"}),
    "gone": Reply(404, {"detail": "Request not found"}),
    "expired": Reply(
        504,
        {"detail": "Request timed out", "error_type": "request_timeout"},
        {"X-Fal-Request-Timeout-Type": "user"},
    ),
}


def _order(asked: Asked) -> Task | None:
    body, headers = asked.json(), asked.headers
    if not isinstance(body, dict) or not set(body) <= MEMBERS or not isinstance(body.get("prompt"), str):
        return None
    size = body.get("image_size")
    if not isinstance(size, dict):
        return None
    fits = (
        is_whole(size.get("width"), 64, 4096)
        and is_whole(size.get("height"), 64, 4096)
        and is_whole(body.get("num_inference_steps"), 1, 8)
        and is_whole(body.get("seed"), 0, 2**31 - 1)
        and is_whole(body.get("num_images"), 1, 4)
        and body.get("enable_safety_checker") is True
        and body.get("output_format") in ("jpeg", "png", "webp")
        and headers.get("x-fal-no-retry") == "1"
        and headers.get("x-fal-request-timeout", "").isdecimal()
        and headers.get("content-type") == "application/json"
    )
    if not fits:
        return None
    return Task(
        body["prompt"],
        size["width"],
        size["height"],
        body["seed"],
        body["output_format"],
        body["num_images"],
        asked.query.get("fal_webhook", ""),
    )


FORMAT = Fal
