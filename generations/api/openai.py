"""OpenAI's Images API, for its unmodified clients: an order and its images in one request."""

import base64
import dataclasses
import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Min, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Access, access_of
from accounts.api import ApiView, idempotency_key, json_object
from accounts.clock import db_now
from accounts.documented import IDEMPOTENCY_KEY, documented
from accounts.errors import InvalidField, Unavailable
from accounts.gcra import Decision
from accounts.line import Line, line_of
from accounts.shops import shop_of
from generations import lifecycle, ordering, storage, waiting
from generations.api import openai_schemas as schemas
from generations.api.openai_errors import ModelNotFound, NoImage, StillRunning, rate_headers
from generations.api.shapes import images_of, kept_of
from generations.errors import ImageDeleted
from generations.messages import error_message
from generations.models import Generation, Image, ImageModel, Status
from generations.request import ImageRequest, image_count, parse

ENDPOINT = "openai"
USUAL_SIZE = "1024x1024"
RESPONSE_FORMATS = ("url", "b64_json")
MAX_USER = 256
MAX_ECHO = 60
MODEL = re.compile(r"[-0-9A-Z_a-z]{1,60}")
STORAGE_RETRY_S = 5
MOST_TRIES = 1000  # that clients count; the column holds more


@dataclass(frozen=True, slots=True)
class Asked:
    """The order, and whether its images come in the answer itself."""

    image_request: ImageRequest
    inline: bool


class OpenAIView(ApiView):
    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        decision: Decision | None = getattr(request, "rate_decision", None)
        for name, value in rate_headers(decision).items() if decision is not None else ():
            answer[name] = value
        return answer


class ModelsView(OpenAIView):
    @documented(
        "openai_models",
        "List models",
        tag="OpenAI",
        answer=schemas.MODELS,
        answer_headers=schemas.RATE_HEADERS,
        refusals=schemas.REFUSALS,
    )
    def get(self, request: Request) -> Response:
        models = _on_sale(access_of(request)).order_by("slug")
        owner = shop_of(request).name
        return Response({"object": "list", "data": [_model(model, owner) for model in models]})


class ModelView(OpenAIView):
    @documented(
        "openai_model",
        "Read a model",
        tag="OpenAI",
        parameters=[schemas.MODEL_ID],
        answer=schemas.MODEL,
        answer_headers=schemas.RATE_HEADERS,
        errors=[schemas.NoSuchModel],
        refusals=schemas.REFUSALS,
    )
    def get(self, request: Request, model: str) -> Response:
        access = access_of(request)
        return Response(_model(_find(access, model), shop_of(request).name))


class ImagesView(OpenAIView):
    required_scope = "generate"
    creates = frozenset({"POST"})

    @documented(
        "openai_images",
        "Make images",
        tag="OpenAI",
        description="Waits for the images, up to a minute; the unmodified OpenAI clients work with it.",
        body=schemas.IMAGES_REQUEST,
        example={"prompt": "a lighthouse at dusk", "size": "1024x1024"},
        parameters=[IDEMPOTENCY_KEY],
        answer=schemas.IMAGES,
        answer_headers=schemas.RATE_HEADERS,
        errors=schemas.IMAGE_ERRORS,
        refusals=schemas.REFUSALS,
    )
    def post(self, request: Request) -> Response:
        line = line_of(request._request)
        line.watch()
        asked = read(json_object(request))
        access = access_of(request)
        if asked.image_request.model:
            _find(access, asked.image_request.model)
        with waiting.room.place():
            generation = _order(access, asked.image_request, request, line)
            if not generation.has_ended:
                waiting.room.wait(generation.pk, line, settings.OPENAI_WAIT_S)
                generation = Generation.objects.get(pk=generation.pk)
        if not generation.has_ended:
            raise StillRunning(generation.task_id)
        if generation.status != Status.SUCCEEDED:
            message = error_message(generation) or ""
            raise NoImage(generation.error_type or generation.status, message, generation.task_id)
        answer = Response(_images(generation, access, inline=asked.inline))
        line.when_sent(lambda: lifecycle.answered(generation.pk))
        return answer


def _order(access: Access, image_request: ImageRequest, request: Request, line: Line) -> Generation:
    key = idempotency_key(request)
    if key is not None:
        return ordering.order(access, image_request, endpoint=ENDPOINT, idempotency_key=key)
    its_try = lifecycle.Try(tries_before(request), line.is_cut)
    # Like a replay, before whatever might refuse a new order.
    known = lifecycle.join(access, image_request.digest(ENDPOINT), its_try) if its_try.number else None
    return known or ordering.order(access, image_request, endpoint=ENDPOINT, its_try=its_try)


def tries_before(request: Request) -> int:
    """How often the client has posted this before, as its library counts."""
    text = request.META.get("HTTP_X_STAINLESS_RETRY_COUNT", "")
    return min(int(text), MOST_TRIES) if text.isascii() and text.isdigit() and len(text) < 10 else 0


# --- What is asked ------------------------------------------------------------------------------


def read(fields: Mapping[str, Any]) -> Asked:
    """Unknown fields are ignored, null means absent. Raises MissingField or InvalidField, naming the field."""
    size = fields.get("size")
    image_request = parse(
        {
            "prompt": fields.get("prompt"),
            "size": USUAL_SIZE if size in (None, "auto") else size,
            "output_format": fields.get("output_format"),
        }
    )
    response_format = fields.get("response_format")
    if response_format not in (None, *RESPONSE_FORMATS):
        raise InvalidField(_("response_format is url or b64_json"), param="response_format")
    if fields.get("stream"):
        raise InvalidField(_("stream is not offered: the answer comes as a whole"), param="stream")
    user = _text(fields, "user")
    if len(user) > MAX_USER:
        raise InvalidField(_("user has more than 256 characters"), param="user")
    image_request = dataclasses.replace(
        image_request,
        model=_text(fields, "model"),
        n=image_count(fields.get("n")),
        metadata={"user": user} if user else {},
    )
    return Asked(image_request, inline=response_format == "b64_json")


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidField(_("This is to be a text"), param=name)
    return value or ""


# --- What is answered ---------------------------------------------------------------------------


def _images(generation: Generation, access: Access, *, inline: bool) -> dict[str, Any]:
    """Raises ImageDeleted for a replay that came too late, and Unavailable while the storage is away."""
    kept = kept_of(images_of(generation), access.organization)
    if not kept.images:
        raise ImageDeleted
    shown = map(_inline, kept.images) if inline else ({"url": url} for url in kept.urls)
    return {
        "created": int((generation.finished_at or generation.created_at).timestamp()),
        "data": list(shown),
        "output_format": generation.output_format,
        "size": f"{generation.width}x{generation.height}",
    }


def _inline(image: Image) -> dict[str, str]:
    try:
        return {"b64_json": base64.b64encode(storage.read(image.storage_key)).decode("ascii")}
    except FileNotFoundError:
        raise ImageDeleted from None
    except OSError as error:
        raise Unavailable(retry_after=STORAGE_RETRY_S) from error


# --- Models -------------------------------------------------------------------------------------


def _on_sale(access: Access) -> QuerySet[ImageModel]:
    """With `since`: from when on the shop sells it."""
    priced = ImageModel.objects.filter(
        active=True, prices__shop=access.organization.shop_id, prices__valid_from__lte=db_now()
    )
    return priced.annotate(since=Min("prices__valid_from"))


def _find(access: Access, slug: str) -> ImageModel:
    # What cannot be one never reaches the database.
    found = _on_sale(access).filter(slug=slug).first() if MODEL.fullmatch(slug) else None
    if found is None:
        raise ModelNotFound(slug[:MAX_ECHO])
    return found


def _model(model: ImageModel, owner: str) -> dict[str, Any]:
    since: datetime.datetime = model.since  # type: ignore[attr-defined]  # as annotated
    return {"id": model.slug, "object": "model", "created": int(since.timestamp()), "owned_by": owner}
