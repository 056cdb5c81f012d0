"""The documented API that existing clients were written against: `/api/generate` and `/api/status`."""

import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import access_of
from accounts.api import ApiView, idempotency_key, json_object, success
from accounts.documented import IDEMPOTENCY_KEY, Parameter, documented, envelope
from accounts.errors import MissingField, NotFound
from accounts.models import Organization
from accounts.shapes import text
from generations import ordering
from generations.api import schemas
from generations.api.shapes import images_of, kept_of
from generations.messages import error_message
from generations.models import Generation, Status
from generations.request import parse

ENDPOINT = "generate"
STATUS_WORDS = {
    Status.QUEUED: "IN_PROGRESS",
    Status.RUNNING: "IN_PROGRESS",
    Status.SUCCEEDED: "SUCCESS",
    Status.FAILED: "FAILED",
    Status.CANCELED: "FAILED",
}


class GenerateView(ApiView):
    required_scope = "generate"
    creates = frozenset({"POST"})

    @documented(
        "generate",
        "Order an image",
        tag="Images",
        description="Answers at once with the id of a task; ask `/api/status` for what becomes of it.",
        body=schemas.GENERATE,
        example={"prompt": "a lighthouse at dusk", "aspect_ratio": "16:9", "seed": 42},
        parameters=[IDEMPOTENCY_KEY],
        answer=envelope(schemas.ACCEPTED),
        errors=schemas.ORDER_ERRORS,
    )
    def post(self, request: Request) -> Response:
        image_request = parse(json_object(request))
        generation = ordering.order(
            access_of(request), image_request, endpoint=ENDPOINT, idempotency_key=idempotency_key(request)
        )
        return success({"task_id": generation.task_id, "status": "IN_PROGRESS"})


class StatusView(ApiView):
    required_scope = "read"

    @documented(
        "status",
        "Ask for an image",
        tag="Images",
        description="Once `status` is SUCCESS, `response` holds the address of the image.",
        parameters=[
            Parameter(
                "task_id",
                "query",
                text(minLength=1),
                "The id that the order was answered with.",
                required=True,
                example="task_01M8JZTCA1G9NJSDMB51MNN78B",
            )
        ],
        answer=envelope(schemas.STATUS),
        errors=[MissingField, NotFound],
    )
    def get(self, request: Request) -> Response:
        task_id = request.GET.get("task_id")
        if not task_id:
            raise MissingField(param="task_id")
        access = access_of(request)
        return success(status_data(Generation.find(access, task_id), access.organization))


def status_data(generation: Generation, owner: Organization) -> dict[str, Any]:
    """`data` of a status answer; image addresses are signed afresh at every call."""
    images = images_of(generation)
    kept = kept_of(images, owner)
    return {
        "status": STATUS_WORDS[Status(generation.status)],
        "task_id": generation.task_id,
        "request": {
            "prompt": generation.prompt,
            "aspect_ratio": generation.aspect_ratio,
            "size": generation.size,
            "seed": generation.requested_seed,
        },
        "response": kept.urls,
        "consumed_credits": generation.price_credits * len(images) // generation.n,
        "created_at": _plain_time(generation.created_at),
        "error_message": error_message(generation),
        "seed": generation.seed,
        "expires_at": _plain_time(kept.expires_at),
        "images_deleted_at": _plain_time(kept.deleted_at),
    }


def _plain_time(value: datetime.datetime | None) -> str | None:
    return value.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S") if value else None
