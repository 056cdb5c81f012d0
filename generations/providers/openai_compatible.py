"""The OpenAI Images API: OpenAI itself, and engines on an own GPU such as SGLang and vLLM-Omni."""

import base64
from typing import Any
from urllib.parse import urlsplit

from generations.providers.base import Job, OutcomeKind
from generations.providers.reading import busy, by_status, ended, image_addresses, items, member, word
from generations.providers.wire import Account, Adapter, Answer, Request, Response

OPENAI_HOST = "api.openai.com"
OPENAI_BILLING = "https://platform.openai.com/settings/organization/billing"
REFUSALS = {"moderation_blocked", "content_policy_violation"}
ONE_AT_A_TIME = "dall-e-3"  # refuses every n but 1
# Once it may be chance, twice it is not.
OUT_OF_MEMORY = "out of memory"


class OpenAICompatible(Adapter):
    name = "openai_compatible"
    title = "OpenAI-compatible (OpenAI, SGLang, vLLM-Omni)"
    model = "Tongyi-MAI/Z-Image-Turbo"
    max_images = 4

    def most_images(self, model: str) -> int:
        return 1 if model.startswith(ONE_AT_A_TIME) else self.max_images

    def waits(self, account: Account) -> bool:
        return True

    def top_up_at(self, base_url: str) -> str:
        return OPENAI_BILLING if _is_openai(base_url) else base_url

    def submit(self, account: Account, job: Job) -> Request:
        body: dict[str, Any] = {
            "model": account.model,
            "prompt": job.prompt,
            "n": job.n,
            "size": f"{job.width}x{job.height}",
        }
        if _is_openai(account.base_url):
            # It refuses members that it does not know, such as a seed. Its older models know response_format, and
            # its newer ones, which always answer in base64, output_format.
            old = account.model.startswith("dall-e")
            body |= {"response_format": "b64_json"} if old else {"output_format": job.output_format}
        else:
            # Left to themselves some engines take one and the same seed for everybody, and some 50 steps.
            body |= {
                "seed": job.seed,
                "num_inference_steps": 8,
                "guidance_scale": 0,
                "response_format": "b64_json",
            }
        base_url = account.base_url.removesuffix("/v1")  # with which most clients want it
        return Request("POST", f"{base_url}/v1/images/generations", _headers(account), body)

    def read_submit(self, account: Account, job: Job, response: Response) -> Answer:
        members = response.members()
        if response.status != 200:
            return _error(account, response)
        if not members:
            return busy(account, response)
        data = items(members.get("data"))
        images = tuple(image for entry in data[: self.max_images] if (image := _decoded(entry)))
        if images:
            return Answer(OutcomeKind.OK, images=images)
        urls = image_addresses([member(entry, "url") for entry in data])
        return (
            Answer(OutcomeKind.OK, image_urls=urls) if urls else ended(account, OutcomeKind.FAILED, response)
        )


def _is_openai(base_url: str) -> bool:
    try:
        return urlsplit(base_url).hostname == OPENAI_HOST
    except ValueError:
        return False


def _headers(account: Account) -> dict[str, str]:
    # Engines on an own GPU mostly have no key.
    return {"Authorization": f"Bearer {account.credential}"} if account.credential else {}


def _decoded(entry: object) -> bytes:
    text = member(entry, "b64_json")
    if not isinstance(text, str):
        return b""
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)  # some send a data: address
    except ValueError:
        return b""


def _error(account: Account, response: Response) -> Answer:
    error = response.members().get("error")
    codes = {word(member(error, "code")), word(member(error, "type"))}
    if codes & REFUSALS:
        return ended(account, OutcomeKind.REJECTED, response)
    if "insufficient_quota" in codes or any(code.startswith("billing_") for code in codes):
        return ended(account, OutcomeKind.FUNDS, response)
    if response.status == 500 and b"out of memory" in response.body.lower():
        return Answer(OutcomeKind.BUSY, once=True, detail=f"{OUT_OF_MEMORY}: {response.excerpt(account)}")
    return by_status(account, response)
