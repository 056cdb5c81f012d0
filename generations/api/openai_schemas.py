"""What the endpoints for OpenAI's clients take and answer."""

from collections.abc import Sequence

from accounts.documented import Parameter, Refusals
from accounts.errors import DomainError
from accounts.shapes import Schema, array, component, nullable, record, text, whole, word
from billing.errors import InsufficientCredits
from generations.api import openai_errors
from generations.api.openai_errors import CODES, NO_CREDITS, ModelNotFound, StillRunning
from generations.api.schemas import ORDER_ERRORS, OUTPUT_FORMAT, PROMPT, SIZE
from generations.errors import ImageDeleted
from generations.messages import ERROR_MESSAGES

MODEL_NAME = "z-image-turbo"
OWNER_EXAMPLE = "Name of the shop"  # the document says each shop's own in its place
MODEL_ID = Parameter("model", "path", text(), "The model's name.", example=MODEL_NAME)
MODEL = component(
    "OpenAIModel",
    record(
        {
            "id": text(example=MODEL_NAME),
            "object": word(("model",)),
            "created": whole("Seconds since 1970.", example=1795888991),
            "owned_by": text("The shop.", example=OWNER_EXAMPLE),
        }
    ),
)
MODELS = record({"object": word(("list",)), "data": array(MODEL)})
_NULLABLE_SIZE = nullable(SIZE)
IMAGES_REQUEST: Schema = component(
    "OpenAIImagesRequest",
    {
        "type": "object",
        "description": "Other members, such as `quality`, `style` and `background`, are ignored; null means absent.",
        "properties": {
            "prompt": PROMPT,
            "model": nullable(text("The usual one unless you say.", example=MODEL_NAME)),
            "n": nullable(whole("How many images.", example=1, minimum=1, maximum=4)),
            "size": {
                "description": "auto, or width x height; 1024x1024 unless you say.",
                "anyOf": [{"const": "auto"}, _NULLABLE_SIZE],
                "examples": ["1024x1024"],
            },
            "response_format": nullable(word(("url", "b64_json"), "url unless you say.")),
            "output_format": nullable(OUTPUT_FORMAT),
            "user": nullable(text("Your own name for whom it is.", maxLength=256, pattern=r"^[^\u0000]*$")),
            "stream": {"description": "Not offered.", "enum": [False, None]},
        },
        "required": ["prompt"],
    },
)
IMAGES = component(
    "OpenAIImages",
    record(
        {
            "created": whole("Seconds since 1970.", example=1795888991),
            "data": array(
                record(
                    {
                        "url": text(
                            format="uri", example="https://shop.example/i/img_5f2b.jpeg?e=1801440000&s=9b1c"
                        ),
                        "b64_json": text("The image itself, with `response_format` b64_json."),
                    },
                    optional=("url", "b64_json"),
                    examples=[{"url": "https://shop.example/i/img_5f2b.jpeg?e=1801440000&s=9b1c"}],
                )
            ),
            "output_format": OUTPUT_FORMAT,
            "size": text(example="1024x1024"),
        }
    ),
)
RATE_HEADERS = {
    "x-ratelimit-limit-requests": "How many requests are possible at once.",
    "x-ratelimit-remaining-requests": "How many are now.",
    "x-ratelimit-reset-requests": "How long until all of them are again, such as 1s or 6m0s.",
}
ERROR = component(
    "OpenAIError",
    record(
        {
            "error": record(
                {
                    "message": text(example="A field is invalid"),
                    "type": text(example="invalid_request_error"),
                    "param": nullable(text(example="prompt")),
                    "code": text("A stable word to match on.", example="invalid_value"),
                }
            )
        },
        "Every refusal under /v1, in OpenAI's shape.",
    ),
)


class Failed(DomainError):
    """What an order that ended without an image may be answered with."""

    type, status, message = "generation_failed", 500, "generation_failed"


class FailedUpstream(DomainError):
    type, status, message = "upstream_unavailable", 503, ERROR_MESSAGES["upstream_unavailable"]


class FailedInTime(DomainError):
    type, status, message = "timeout", 500, ERROR_MESSAGES["timeout"]


class FailedAsInvalid(DomainError):
    type, status, message = "invalid_request", 400, ERROR_MESSAGES["invalid_request"]


class WasCanceled(DomainError):
    type, status, message = "canceled", 409, ERROR_MESSAGES["canceled"]


class NoSuchModel(ModelNotFound):
    message = "The model does not exist or is not sold here"


class NotYet(StillRunning):
    message = "The image is not ready yet; the order goes on"


def _words(error: type[DomainError]) -> tuple[int, str]:
    if issubclass(error, NO_CREDITS):
        return openai_errors.status_of(InsufficientCredits()), "insufficient_quota"
    return error.status, CODES.get(error.type, error.type)


def _content(status: int, words: Sequence[str]) -> dict[str, Schema]:
    named = {"properties": {"error": {"properties": {"code": {"enum": list(words)}}}}}
    return {"application/json": {"allOf": [ERROR, named]}}


REFUSALS = Refusals(_words, _content)
IMAGE_ERRORS = (
    *ORDER_ERRORS,
    NoSuchModel,
    NotYet,
    ImageDeleted,
    Failed,
    FailedUpstream,
    FailedInTime,
    FailedAsInvalid,
    WasCanceled,
)
