"""The OpenAI Images API as local engines speak it; with `hosted` in the prompt as OpenAI itself does.

Words: `moderation`, `policy` (refusals), `quota`, `billing` (no money), `oom` (the engine's memory is too small),
`nodata`, `badbase64`, `url` (an address instead of the image), `single` (one image, however many were asked for).
"""

import asyncio
import base64
import time
from typing import Any

from tests.upstreams.http1 import Asked, Reply
from tests.upstreams.tasks import Format, Task, is_whole, words_of

LOCAL = {
    "model",
    "prompt",
    "n",
    "size",
    "seed",
    "num_inference_steps",
    "guidance_scale",
    "response_format",
}
HOSTED = {"model", "prompt", "n", "size", "output_format"}
HOSTED_OLD = {"model", "prompt", "n", "size", "response_format"}
ERRORS = {
    "moderation": (400, "moderation_blocked", "image_generation_user_error"),
    "policy": (400, "content_policy_violation", "invalid_request_error"),
    "quota": (429, "insufficient_quota", "insufficient_quota"),
    "billing": (400, "billing_hard_limit_reached", "billing_limit_user_error"),
}


class OpenAICompatible(Format):
    credential = "sk-local"
    model = "Tongyi-MAI/Z-Image-Turbo"

    def error(self, status: int) -> Any:
        return {"error": {"message": f"Error {status}", "type": "server_error", "code": None, "param": None}}

    async def route(self, asked: Asked) -> Reply:
        if (asked.method, asked.path) != ("POST", "/v1/images/generations"):
            return Reply(404, self.error(404))
        body = asked.json()
        words = words_of(body.get("prompt")) if isinstance(body, dict) else {}
        if "nomodel" in words:
            return Reply(404, {"error": {"message": "The model does not exist", "code": "model_not_found"}})
        task = _order(body, hosted="hosted" in words)
        if task is None:
            error = {
                "message": "Unknown parameter",
                "type": "invalid_request_error",
                "code": "unknown_parameter",
            }
            return Reply(400, {"error": error})
        return await self._generate(task)

    async def _generate(self, task: Task) -> Reply:
        if fault := self.fault(task.words, "submit"):
            return fault
        for word, (status, code, kind) in ERRORS.items():
            if word in task.words:
                return Reply(status, {"error": {"message": "No", "type": kind, "code": code}})
        if "oom" in task.words:
            text = "CUDA out of memory. Tried to allocate 2.00 GiB."
            return Reply(500, {"error": {"message": text, "type": "InternalServerError", "code": 500}})
        await asyncio.sleep(task.late_s)
        await self.take(task)
        images = [base64.b64encode(self.image_bytes(task, index)).decode() for index in range(task.n)]
        data: list[dict[str, Any]] = [{"b64_json": image, "file_path": "/tmp/out/1.png"} for image in images]
        if "url" in task.words:
            data = [{"url": url, "b64_json": None} for url in self.image_urls(task)]
        elif "single" in task.words:
            data = data[:1]
        elif "badbase64" in task.words:
            data = [{"b64_json": "Grüße"}]
        elif "nodata" in task.words:
            data = []
        return Reply(200, {"created": int(time.time()), "data": data})


def _order(body: Any, *, hosted: bool) -> Task | None:
    if not isinstance(body, dict) or not isinstance(body.get("prompt"), str):
        return None
    old = str(body.get("model")).startswith("dall-e")
    if set(body) != ((HOSTED_OLD if old else HOSTED) if hosted else LOCAL):
        return None
    try:
        width, height = (int(side) for side in body["size"].split("x"))
    except (ValueError, AttributeError):
        return None
    if not is_whole(body["n"], 1, 10) or body.get("response_format", "b64_json") != "b64_json":
        return None
    if not hosted and not (is_whole(body["seed"], 0, 2**31 - 1) and body["num_inference_steps"] == 8):
        return None
    output_format = body.get("output_format", "png")
    return Task(body["prompt"], width, height, body.get("seed", 0), output_format, body["n"])


FORMAT = OpenAICompatible
