"""WaveSpeed's predictions.

Words: `code=401` (HTTP 200 with that code), `failed`, `nsfw` (flagged), `noimages`, `running=N` (code 5004 N
times), `lost` (404 on status).
"""

import hashlib
import hmac
import json
import re
import time
from typing import Any

from tests.upstreams.http1 import Asked, Reply
from tests.upstreams.tasks import FOREIGN, Format, Task, is_whole


class WaveSpeed(Format):
    credential = "ws-the-key"
    webhook_secret = "whsec_0123456789abcdef0123456789abcdef"
    model = "wavespeed-ai/z-image/turbo"

    def __init__(self) -> None:
        super().__init__()
        self._asked: dict[str, int] = {}

    def error(self, status: int) -> Any:
        return {"code": status, "message": f"Error {status}", "data": None}

    async def route(self, asked: Asked) -> Reply:
        if asked.method == "POST" and asked.path == f"/api/v3/{self.model}":
            return await self._submit(asked)
        found = re.fullmatch(r"/api/v3/predictions/([0-9a-f]+)/result", asked.path)
        task = self.tasks.get(found[1]) if found else None
        if asked.method != "GET" or task is None or "lost" in task.words:
            return Reply(404, self.error(404))
        if fault := self.fault(task.words, "poll"):
            return fault
        self._asked[task.task_id] = self._asked.get(task.task_id, 0) + 1
        if self._asked[task.task_id] <= int(task.words.get("running", "0")):
            return Reply(200, {"code": 5004, "message": "task still running", "data": None})
        return Reply(200, {"code": 200, "message": "success", "data": self._shown(task)})

    async def _submit(self, asked: Asked) -> Reply:
        task = _order(asked)
        if task is None:
            return Reply(400, self.error(400))
        if fault := self.fault(task.words, "submit"):
            return fault
        if "code" in task.words:
            return Reply(200, self.error(int(task.words["code"])))
        await self.take(task)
        data = {**self._shown(task), "status": "created", "outputs": []}
        return Reply(200, {"code": 200, "message": "success", "data": data})

    def _shown(self, task: Task) -> dict[str, Any]:
        origin = FOREIGN if "foreign" in task.words else self.origin
        shown = {
            "id": task.task_id,
            "model": self.model,
            "status": "processing",
            "outputs": [],
            "urls": {"get": f"{origin}/api/v3/predictions/{task.task_id}/result"},
            "has_nsfw_contents": [],
            "error": "",
        }
        if not task.is_ready:
            return shown
        if "failed" in task.words:
            return {**shown, "status": "failed", "error": "Out of capacity, credits are returned"}
        outputs = [] if "noimages" in task.words else self.image_urls(task)
        flagged = "nsfw" in task.words
        return {**shown, "status": "completed", "outputs": outputs, "has_nsfw_contents": [flagged]}

    def signed(self, task: Task, *, forged: bool) -> tuple[dict[str, str], bytes]:
        body = json.dumps(self._shown(task)).encode()
        secret = "whsec_somebody else's" if forged else self.webhook_secret
        return signature_of(secret, task.task_id, str(int(time.time())), body), body


def signature_of(secret: str, name: str, timestamp: str, body: bytes) -> dict[str, str]:
    key = secret.removeprefix("whsec_").encode()
    signature = hmac.new(key, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"webhook-id": name, "webhook-timestamp": timestamp, "webhook-signature": f"v3,{signature}"}


def _order(asked: Asked) -> Task | None:
    body = asked.json()
    if not isinstance(body, dict) or set(body) != {"prompt", "size", "seed"}:
        return None
    found = (
        re.fullmatch(r"([0-9]{3,4})\*([0-9]{3,4})", body["size"]) if isinstance(body["size"], str) else None
    )
    if found is None or not isinstance(body["prompt"], str) or not is_whole(body["seed"], -1, 2**31 - 1):
        return None
    webhook = asked.query.get("webhook", "")
    return Task(body["prompt"], int(found[1]), int(found[2]), body["seed"], "jpeg", webhook=webhook)


FORMAT = WaveSpeed
