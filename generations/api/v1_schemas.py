"""What version 1 takes and answers of generations, the shop and money."""

from accounts.documented import PAGE, TIMES, Parameter
from accounts.shapes import (
    Schema,
    array,
    body,
    component,
    flag,
    moment,
    nullable,
    number,
    record,
    resolved,
    text,
    whole,
    word,
)
from generations.api.schemas import ASPECT_RATIO, GENERATE, OUTPUT_FORMAT, PROMPT, SIZE
from generations.models import Status
from generations.request import MAX_N

MODEL_NAME = "z-image-turbo"
_TASK = "task_01M8JZTCA1G9NJSDMB51MNN78B"
TASK_ID = Parameter("task_id", "path", text(), "The generation's id.", example=_TASK)

IMAGE = component(
    "Image",
    record(
        {
            "id": text(example="img_5f2b9c0d1e3a"),
            "url": text(
                "Opens without a key.", format="uri", example="https://shop.example/i/img_5f2b.jpeg?e=1&s=9b"
            ),
            "thumbnail_url": text(format="uri", example="https://shop.example/i/img_5f2b.webp?e=1&s=9b"),
            "width": whole(example=1280),
            "height": whole(example=720),
            "content_type": text(example="image/jpeg"),
            "bytes": whole(example=183422),
            "sha256": text(example="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        }
    ),
)
GENERATION = component(
    "Generation",
    record(
        {
            "id": text(example=_TASK),
            "object": word(("generation",)),
            "livemode": flag("False for a test key's.", example=False),
            "status": word(Status.values, example="succeeded"),
            "progress": whole("0 to 100.", example=100, minimum=0, maximum=100),
            "model": text(example=MODEL_NAME),
            "prompt": text(example="a lighthouse at dusk"),
            "aspect_ratio": nullable(text(example="16:9")),
            "width": whole(example=1280),
            "height": whole(example=720),
            "seed": nullable(whole("Null before one is drawn.", example=1839204417)),
            "n": whole(example=1),
            "output_format": word(OUTPUT_FORMAT["enum"]),
            "price_credits": whole(example=15),
            "consumed_credits": whole(example=15),
            "images": array(IMAGE),
            "images_deleted_at": nullable(moment()),
            "metadata": {"type": "object", "description": "Your own facts.", "examples": [{"order": "1042"}]},
            "error": nullable(record({"type": text(), "message": text()}, "Of a failed one.")),
            "created_at": moment(),
            "started_at": nullable(moment()),
            "finished_at": nullable(moment()),
            "expires_at": nullable(moment("When the addresses of the images end; each call signs new ones.")),
        }
    ),
)
_PROPERTIES: dict[str, Schema] = {
    "prompt": PROMPT,
    "aspect_ratio": nullable(ASPECT_RATIO),
    "size": nullable(SIZE),
    "seed": resolved(GENERATE)["properties"]["seed"],
    "output_format": nullable(OUTPUT_FORMAT),
    "model": nullable(
        text("The usual one unless you say.", example=MODEL_NAME, pattern="^[A-Za-z0-9_.-]{1,60}$")
    ),
    "n": nullable(whole("How many images.", example=1, minimum=1, maximum=MAX_N)),
    "metadata": {
        "type": ["object", "null"],
        "description": "Your own facts, up to 4096 bytes, at most 3 levels deep.",
        "examples": [{"order": "1042"}],
    },
    "webhook_url": nullable(
        text("Where to tell how it ends.", format="uri", maxLength=2048, example="https://example.org/hooks")
    ),
}
CREATE = component(
    "CreateGeneration",
    {
        "type": "object",
        "description": "null means absent; unknown members are refused.",
        "properties": _PROPERTIES,
        "additionalProperties": False,
        "anyOf": [
            {"required": ["prompt", "aspect_ratio"], "properties": {"aspect_ratio": {"type": "string"}}},
            {"required": ["prompt", "size"], "properties": {"size": {"type": "string"}}},
        ],
    },
)
ORDER = {"prompt": "a lighthouse at dusk", "aspect_ratio": "16:9", "metadata": {"order": "1042"}}
NOTHING = component("NoFields", body({}, "An empty object, or no body.", additionalProperties=False))
RECEIPT = component(
    "Receipt",
    record(
        {
            "task": text(example=_TASK),
            "hold": nullable(record({"credits": whole(), "at": nullable(moment())})),
            "attempts": array(
                record(
                    {
                        "number": whole(example=1),
                        "outcome": text(example="ok"),
                        "seconds": nullable(number(example=1.21)),
                    }
                )
            ),
            "settlement": nullable(
                record(
                    {
                        "kind": word(("capture", "release")),
                        "consumed": whole(),
                        "returned": whole(),
                        "at": nullable(moment()),
                    }
                )
            ),
            "available_before": nullable(whole("Credits just before the hold.", example=300)),
            "available_after": nullable(whole("Credits just after the settlement.", example=285)),
        },
        "What became of the money of one order; null where nothing costs anything.",
    ),
)
MODEL = component(
    "Model",
    record(
        {
            "id": text(example=MODEL_NAME),
            "object": word(("model",)),
            "price_credits": whole("Of one image.", example=15),
            "sizes": array(text(example="1024x1024")),
            "max_n": whole("How many images an order may have.", example=4),
        }
    ),
)
MODELS = record({"object": word(("list",)), "data": array(MODEL), "next_cursor": {"type": "null"}})
ESTIMATE = record(
    {
        "price_credits": whole("0 for test keys.", example=30),
        "available": whole(example=285),
        "affordable": flag(example=True),
    }
)
BALANCE = record(
    {
        "available": whole("Credits.", example=285),
        "held": whole("Credits of orders that are under way.", example=15),
        "owed": whole("Credits.", example=0),
        "images": whole(
            "How many of the usual model that is enough for; of the first that is sold, where that one is not.",
            example=19,
        ),
    }
)
USAGE = record(
    {
        "object": word(("list",)),
        "data": array(
            record(
                {
                    "start": text(
                        "The day, UTC; where days are not told apart, the first.", example="2026-11-22"
                    ),
                    "key": nullable(
                        text(
                            "Its beginning; null for people, and where keys are not told apart.",
                            example="tt_test_ab12",
                        )
                    ),
                    "model": nullable(text("Null where models are not told apart.", example=MODEL_NAME)),
                    "succeeded": whole("Orders that brought images.", example=112),
                    "failed": whole("Orders that failed; canceled ones are in neither.", example=5),
                    "credits": whole("Charged for them.", example=1680),
                    "p50_seconds": nullable(number("Half took no longer.", example=1.2)),
                    "p95_seconds": nullable(number("95 of 100 took no longer.", example=2.8)),
                }
            )
        ),
        "next_cursor": {"type": "null"},
    }
)
FILTERS = (
    Parameter("status", "query", word(Status.values), "Those in this state alone."),
    Parameter("model", "query", text(), "Those of this model alone."),
    Parameter("key", "query", text(pattern="^key_[0-9a-f]{24}$"), "Those of this key alone."),
    *TIMES,
    *PAGE,
)
_DAY = text(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
USAGE_PARAMETERS = (
    Parameter("group_by", "query", text(), "Any of day, key and model, with commas between.", example="day"),
    Parameter("start", "query", _DAY, "The first day, UTC; 30 days unless you say."),
    Parameter("end", "query", _DAY, "The last day; today unless you say."),
)
