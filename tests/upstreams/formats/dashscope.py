"""Alibaba's DashScope: z-image-turbo answers at once, every other model by a task.

Words: `inspection`, `parameter`, `arrearage`, `key`, `denied`, `nomodel`, `freequota`, `throttling` (an order
refused so; with `at=poll` a task that ended so), `coded` (the error comes with HTTP 200), `noimages`, `unknown`
(state UNKNOWN), `failed`, `canceled`, `queued` (has not begun yet when it is canceled).
"""

import asyncio
import re
from typing import Any

from tests.upstreams.http1 import Asked, Reply
from tests.upstreams.tasks import Format, Task, is_whole

ERRORS = {
    "inspection": (400, "DataInspectionFailed", "Output data may contain inappropriate content."),
    "parameter": (400, "InvalidParameter", "size must be in 512*512 to 2048*2048"),
    "arrearage": (400, "Arrearage", "Access denied, please make sure your account is in good standing."),
    "key": (401, "InvalidApiKey", "Invalid API-key provided."),
    "denied": (403, "AccessDenied", "Access denied."),
    "nomodel": (404, "ModelNotFound", "Model can not be found."),
    "freequota": (403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been exhausted."),
    "throttling": (429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
}
SERVICES = "/api/v1/services/aigc"


class DashScope(Format):
    credential = "sk-the-key"

    def error(self, status: int) -> Any:
        code = "InvalidApiKey" if status == 401 else f"Error{status}"
        return {"code": code, "message": "No", "request_id": "r-1"}

    async def route(self, asked: Asked) -> Reply:
        if asked.method == "POST" and asked.path == f"{SERVICES}/multimodal-generation/generation":
            return await self._generate(asked)
        if asked.method == "POST" and asked.path == f"{SERVICES}/text2image/image-synthesis":
            return await self._start(asked)
        found = re.fullmatch(r"/api/v1/tasks/([0-9a-f]+)(/cancel)?", asked.path)
        if found is None:
            return Reply(404, self.error(404))
        task = self.tasks.get(found[1])
        if found[2] and asked.method == "POST":
            return self._cancel(task)
        if task is None:  # as the real one answers for tasks that it does not know any more
            return Reply(
                200, {"output": {"task_id": found[1], "task_status": "UNKNOWN"}, "request_id": "r-1"}
            )
        return self.fault(task.words, "poll") or Reply(200, self._shown(task))

    def _refusal(self, task: Task) -> Reply | None:
        word = next((word for word in task.words if word in ERRORS), "")
        if not word or task.words.get("at") == "poll":
            return self.fault(task.words, "submit")
        status, code, message = ERRORS[word]
        body = {"code": code, "message": message, "request_id": "r-1"}
        return Reply(200 if "coded" in task.words else status, body)

    async def _generate(self, asked: Asked) -> Reply:
        task = _order(asked.json(), synchronous=True)
        if task is None:
            return Reply(400, {"code": "InvalidParameter", "message": "No", "request_id": "r-1"})
        if refusal := self._refusal(task):
            return refusal
        await asyncio.sleep(task.late_s)
        await self.take(task)
        content: list[Any] = [{"text": task.prompt}]
        if "noimages" not in task.words:
            content += [{"image": url} for url in self.image_urls(task)]
        choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        return Reply(200, {"output": {"choices": [choice]}, "usage": {"image_count": 1}, "request_id": "r-1"})

    async def _start(self, asked: Asked) -> Reply:
        if asked.headers.get("x-dashscope-async") != "enable":
            return Reply(
                403, {"code": "AccessDenied", "message": "no synchronous calls", "request_id": "r-1"}
            )
        task = _order(asked.json(), synchronous=False)
        if task is None:
            return Reply(400, {"code": "InvalidParameter", "message": "No", "request_id": "r-1"})
        if refusal := self._refusal(task):
            return refusal
        await self.take(task)
        return Reply(
            200, {"output": {"task_id": task.task_id, "task_status": "PENDING"}, "request_id": "r-1"}
        )

    def _shown(self, task: Task) -> dict[str, Any]:
        output: dict[str, Any] = {"task_id": task.task_id, "task_status": "RUNNING"}
        ended = next((word for word in task.words if word in ERRORS), "")
        if "unknown" in task.words:
            output["task_status"] = "UNKNOWN"
        elif task.canceled or "canceled" in task.words:
            output["task_status"] = "CANCELED"
        elif not task.is_ready:
            output["task_status"] = "PENDING" if "queued" in task.words else "RUNNING"
        elif ended:
            output |= {"task_status": "FAILED", "code": ERRORS[ended][1], "message": ERRORS[ended][2]}
        elif "failed" in task.words:
            output |= {"task_status": "FAILED", "code": "InternalError", "message": "Internal error"}
        else:
            urls = [] if "noimages" in task.words else self.image_urls(task)
            output |= {"task_status": "SUCCEEDED", "results": [{"url": url} for url in urls]}
        return {"output": output, "request_id": "r-1"}

    def _cancel(self, task: Task | None) -> Reply:
        if task is None or task.is_ready or "queued" not in task.words:
            text = "Failed to cancel the task, please confirm if the task is in PENDING status."
            return Reply(400, {"code": "UnsupportedOperation", "message": text, "request_id": "r-1"})
        task.canceled = True
        return Reply(200, {"request_id": "r-1"})


def _order(body: Any, *, synchronous: bool) -> Task | None:
    if not isinstance(body, dict) or set(body) != {"model", "input", "parameters"}:
        return None
    made_from, parameters = body["input"], body["parameters"]
    known = {"size", "seed", "prompt_extend"} | (set() if synchronous else {"n"})
    try:
        prompt = made_from["messages"][0]["content"][0]["text"] if synchronous else made_from["prompt"]
        width, height = (int(side) for side in parameters["size"].split("*"))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    fits = (
        isinstance(prompt, str)
        and set(parameters) <= known
        and 512 * 512 <= width * height <= 2048 * 2048
        and is_whole(parameters.get("seed"), 0, 2**31 - 1)
        and parameters.get("prompt_extend") is False
        and body["model"].startswith("z-image") is synchronous
    )
    return Task(prompt, width, height, parameters["seed"]) if fits else None


FORMAT = DashScope
