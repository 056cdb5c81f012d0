"""The documented API, as another shop speaks it.

Words: `code=402` (HTTP 200 with that code), `failed`, `rejected`, `noimages`, `string` (the response as a text),
`direct` (images in the answer to the order), `noid`, `blocked` (400), `unknown` (a status nobody knows), `gone=N`
(N times 404 on status).
"""

import json
import re
from typing import Any

from tests.upstreams.http1 import Asked, Reply
from tests.upstreams.tasks import Format, Task, is_whole

RATIOS = {
    "1:1": (1024, 1024),
    "4:3": (1152, 864),
    "3:4": (864, 1152),
    "16:9": (1280, 720),
    "9:16": (720, 1280),
}
MESSAGES = {401: "Unauthorized", 402: "Insufficient credits", 404: "Not found", 429: "Too many requests"}


class Portal(Format):
    credential = "tt_live_portal"

    def __init__(self) -> None:
        super().__init__()
        self._by_key: dict[str, Task] = {}
        self._missed: dict[str, int] = {}

    def error(self, status: int, kind: str = "internal") -> Any:
        message = MESSAGES.get(status, "No")
        return {"code": status, "message": message, "data": None, "error": {"type": kind, "param": None}}

    async def route(self, asked: Asked) -> Reply:
        if (asked.method, asked.path) == ("POST", "/api/generate"):
            return await self._generate(asked)
        if (asked.method, asked.path) == ("GET", "/api/status"):
            return self._status(asked.query.get("task_id", ""))
        return Reply(404, self.error(404, "not_found"))

    async def _generate(self, asked: Asked) -> Reply:
        task = _order(asked.json())
        if task is None or not asked.headers.get("idempotency-key"):
            return Reply(400, self.error(400, "invalid_field"))
        if fault := self.fault(task.words, "submit"):
            return fault
        if "code" in task.words:
            return Reply(200, self.error(int(task.words["code"])))
        if "blocked" in task.words:
            return Reply(400, self.error(400, "content_rejected"))
        task = self._by_key.setdefault(asked.headers["idempotency-key"], task)
        await self.take(task)
        if "direct" in task.words:
            images = [{"url": url} for url in self.image_urls(task)]
            data = {"task_id": task.task_id, "status": "SUCCESS", "images": images}
        elif "noid" in task.words:
            data = {"status": "IN_PROGRESS"}
        else:
            data = {"task_id": task.task_id, "status": "IN_PROGRESS"}
        return Reply(200, {"code": 200, "message": "success", "data": data})

    def _status(self, task_id: str) -> Reply:
        task = self.tasks.get(task_id)
        if task is None:
            return Reply(404, self.error(404, "not_found"))
        if fault := self.fault(task.words, "poll"):
            return fault
        self._missed[task_id] = self._missed.get(task_id, 0) + 1
        if self._missed[task_id] <= int(task.words.get("gone", "0")):
            return Reply(404, self.error(404, "not_found"))
        images: Any = self.image_urls(task)
        data: dict[str, Any] = {
            "status": "IN_PROGRESS",
            "task_id": task_id,
            "request": {"prompt": task.prompt, "size": f"{task.width}*{task.height}", "seed": str(task.seed)},
            "response": [],
            "consumed_credits": 0,
            "error_message": None,
        }
        if "unknown" in task.words:
            data["status"] = "PONDERING"
        elif not task.is_ready:
            pass
        elif "failed" in task.words:
            data |= {"status": "FAILED", "error_message": "generation_failed"}
        elif "rejected" in task.words:
            data |= {"status": "FAILED", "error_message": "content_rejected: prompt or image was refused"}
        elif "noimages" in task.words:
            data |= {"status": "SUCCESS"}
        else:
            data |= {
                "status": "SUCCESS",
                "response": json.dumps(images) if "string" in task.words else images,
            }
        return Reply(200, {"code": 200, "message": "success", "data": data})


def _order(body: Any) -> Task | None:
    if not isinstance(body, dict) or not isinstance(body.get("prompt"), str) or not body["prompt"].strip():
        return None
    ratio, size = body.get("aspect_ratio"), body.get("size")
    if size is not None:
        found = re.fullmatch(r"([0-9]{3,4})[*x]([0-9]{3,4})", size) if isinstance(size, str) else None
        if found is None or (ratio is not None and RATIOS.get(ratio) != (int(found[1]), int(found[2]))):
            return None
        width, height = int(found[1]), int(found[2])
    elif ratio in RATIOS:
        width, height = RATIOS[ratio]
    else:
        return None
    seed, output_format = body.get("seed", -1), body.get("output_format", "jpeg")
    if not is_whole(seed, -1, 2**31 - 1) or output_format not in ("jpeg", "png", "webp"):
        return None
    return Task(body["prompt"], width, height, max(seed, 0), output_format)


FORMAT = Portal
