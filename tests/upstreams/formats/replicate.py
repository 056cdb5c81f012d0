"""Replicate's predictions.

Words: `failed`, `nsfw` (failed, by the safety checker), `nooutput`, `canceled` and `aborted` (by Cancel-After),
`queued` (has not begun yet when it is canceled), `lost` (404 on status), `crash` (takes the order and closes the
connection).
"""

import base64
import datetime
import json
import re
import time
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.upstreams.http1 import Asked, Reply
from tests.upstreams.tasks import FOREIGN, Format, Task, is_whole

INPUT = {
    "prompt",
    "width",
    "height",
    "num_inference_steps",
    "guidance_scale",
    "seed",
    "output_format",
}
PAGE = 100
ENDS: dict[str, dict[str, Any]] = {
    "failed": {"status": "failed", "error": "CUDA error: an illegal memory access was encountered"},
    "nsfw": {"status": "failed", "error": "NSFW content detected. Try running it again."},
    "nooutput": {"status": "succeeded", "output": None},
    "canceled": {"status": "canceled"},
    "aborted": {"status": "aborted", "started_at": None},
}


class Replicate(Format):
    credential = "r8_the-token"
    webhook_secret = "whsec_" + base64.b64encode(b"a secret of replicate's, 32 byte").decode()
    model = "prunaai/z-image-turbo"

    def error(self, status: int) -> Any:
        if status == 402:
            return {"title": "Insufficient credit", "detail": "You have insufficient credit", "status": 402}
        if status == 429:
            return {"detail": "Request was throttled. Your rate limit resets in ~30s."}
        return {"title": f"Error {status}", "detail": "No", "status": status}

    async def route(self, asked: Asked) -> Reply:
        if asked.method == "POST" and asked.path == f"/v1/models/{self.model}/predictions":
            return await self._submit(asked)
        if (asked.method, asked.path) == ("GET", "/v1/predictions"):
            newest = [self._shown(task) for task in reversed(list(self.tasks.values()))]
            following = f"{self.origin}/v1/predictions?cursor=1" if len(newest) > PAGE else None
            return Reply(200, {"next": following, "previous": None, "results": newest[:PAGE]})
        found = re.fullmatch(r"/v1/predictions/([0-9a-f]+)(/cancel)?", asked.path)
        task = self.tasks.get(found[1]) if found else None
        if found is None or task is None or "lost" in task.words:
            return Reply(404, self.error(404))
        if asked.method == "POST" and found[2]:
            task.canceled = task.canceled or not task.is_ready
            return Reply(200, self._shown(task))
        if asked.method == "GET" and not found[2]:
            return self.fault(task.words, "poll") or Reply(200, self._shown(task))
        return Reply(405, self.error(405))

    async def _submit(self, asked: Asked) -> Reply:
        task = _order(asked)
        if task is None:
            return Reply(422, {"title": "Input validation failed", "detail": "- input: no", "status": 422})
        if fault := self.fault(task.words, "submit"):
            return fault
        await self.take(task)
        if "crash" in task.words:
            return Reply(manner="drop")
        return Reply(201, {**self._shown(task), "status": "starting", "output": None})

    def _shown(self, task: Task) -> dict[str, Any]:
        address = f"{FOREIGN if 'foreign' in task.words else self.origin}/v1/predictions/{task.task_id}"
        shown = {
            "id": task.task_id,
            "model": self.model,
            "input": task.made_from,
            "status": "processing",
            "output": None,
            "error": None,
            "created_at": task.created_at,
            "started_at": None if "queued" in task.words else task.created_at,
            "urls": {"get": address, "cancel": f"{address}/cancel", "web": "https://replicate.com/p/x"},
        }
        if task.webhook:
            shown["webhook"] = task.webhook
        if task.canceled:
            return {**shown, "status": "canceled"}
        if not task.is_ready:
            return shown
        end: dict[str, Any] = {"status": "succeeded", "output": self.image_urls(task)[0]}
        return shown | next((ENDS[word] for word in task.words if word in ENDS), end)

    def signed(self, task: Task, *, forged: bool) -> tuple[dict[str, str], bytes]:
        body = json.dumps(self._shown(task)).encode()
        secret = base64.b64encode(b"somebody else's secret").decode() if forged else self.webhook_secret
        return signature_of(secret, f"msg_{task.task_id}", int(time.time()), body), body


def signature_of(secret: str, name: str, timestamp: int, body: bytes) -> dict[str, str]:
    at = datetime.datetime.fromtimestamp(timestamp, datetime.UTC)
    signature = Webhook(secret).sign(name, at, body.decode())
    return {"Webhook-Id": name, "Webhook-Timestamp": str(timestamp), "Webhook-Signature": signature}


def _order(asked: Asked) -> Task | None:
    body, headers = asked.json(), asked.headers
    if not isinstance(body, dict) or not set(body) <= {"input", "webhook", "webhook_events_filter"}:
        return None
    made_from = body.get("input")
    if not isinstance(made_from, dict):
        return None
    fits = (
        set(made_from) <= INPUT
        and isinstance(made_from.get("prompt"), str)
        and is_whole(made_from.get("width"), 64, 2048)
        and is_whole(made_from.get("height"), 64, 2048)
        and is_whole(made_from.get("num_inference_steps"), 1, 50)
        and is_whole(made_from.get("seed"), 0, 2**32 - 1)
        and made_from.get("output_format") in ("jpg", "png", "webp")
        and body.get("webhook_events_filter", ["completed"]) == ["completed"]
        and re.fullmatch(r"[1-9][0-9]*[smh]", headers.get("cancel-after", "1m"))
    )
    if not fits:
        return None
    return Task(
        made_from["prompt"],
        made_from["width"],
        made_from["height"],
        made_from["seed"],
        made_from["output_format"],
        webhook=body.get("webhook", ""),
        made_from=made_from,
    )


FORMAT = Replicate
