"""What the endpoints for images take and answer."""

from accounts.shapes import Schema, array, component, nullable, record, text, whole, word
from billing.errors import InsufficientCredits, PaymentOwed, SpendCapReached, TooManyOpenTasks
from generations.errors import (
    ContentRejected,
    IdempotencyInFlight,
    IdempotencyMismatch,
    Overloaded,
)
from generations.request import (
    ASPECT_RATIOS,
    MAX_PROMPT,
    MAX_SEED,
    MAX_SIDE,
    MIN_SIDE,
    OUTPUT_FORMATS,
    SIDE_STEP,
)

_SIDES = "|".join(str(side) for side in range(MIN_SIDE, MAX_SIDE + 1, SIDE_STEP))

# What may be wrong with any order.
ORDER_ERRORS = (
    ContentRejected,
    InsufficientCredits,
    PaymentOwed,
    SpendCapReached,
    IdempotencyInFlight,
    IdempotencyMismatch,
    TooManyOpenTasks,
    Overloaded,
)

PROMPT = text(
    f"What you want to see: 1 to {MAX_PROMPT} characters.",
    example="a lighthouse at dusk",
    maxLength=MAX_PROMPT,
    pattern=r"^[^\u0000]*[^\s\u0000][^\u0000]*$",
)
ASPECT_RATIO = word(
    ASPECT_RATIOS,
    "Needed unless `size` is given: "
    + ", ".join(f"{ratio} is {width}×{height}" for ratio, (width, height) in ASPECT_RATIOS.items())
    + ".",
    example="16:9",
)
SIZE = text(
    f"Width and height in pixels, such as 1024*1024 or 1024x1024: each {MIN_SIDE} to {MAX_SIDE}, a multiple of "
    f"{SIDE_STEP}. Wins over `aspect_ratio`.",
    example="1024*1024",
    pattern=f"^({_SIDES})[*x]({_SIDES})$",
)
SEED = whole(
    "The same prompt, size and seed give the same image. -1 draws one at random.",
    example=42,
    minimum=-1,
    maximum=MAX_SEED,
)
OUTPUT_FORMAT = word(OUTPUT_FORMATS, "jpeg unless you say otherwise.", example="jpeg")

_SEED_TEXT = {"type": "string", "pattern": "^(-1|[0-9]{1,9}|1[0-9]{9}|20[0-9]{8}|21[0-3][0-9]{7})$"}
GENERATE: Schema = component(
    "GenerateRequest",
    {
        "type": "object",
        "description": "Other members are ignored; null means absent.",
        "properties": {
            "prompt": PROMPT,
            "aspect_ratio": {
                "description": ASPECT_RATIO["description"],
                "examples": ASPECT_RATIO["examples"],
            },
            "size": nullable(SIZE),
            "seed": {
                "description": f"{SEED['description']} A number, or its digits as a string.",
                "anyOf": [
                    {"type": "integer", "minimum": -1, "maximum": MAX_SEED},
                    _SEED_TEXT,
                    {"type": "null"},
                ],
                "examples": [42],
            },
            "output_format": nullable(OUTPUT_FORMAT),
        },
        "anyOf": [
            {
                "required": ["prompt", "aspect_ratio"],
                "properties": {"aspect_ratio": {"enum": list(ASPECT_RATIOS)}},
            },
            {"required": ["prompt", "size"], "properties": {"size": {"type": "string"}}},
        ],
    },
)
ACCEPTED = record(
    {
        "task_id": text("Ask for it with this.", example="task_01M8JZTCA1G9NJSDMB51MNN78B"),
        "status": word(("IN_PROGRESS",)),
    }
)
STATUS = component(
    "Status",
    record(
        {
            "status": word(("IN_PROGRESS", "SUCCESS", "FAILED"), example="SUCCESS"),
            "task_id": text(example="task_01M8JZTCA1G9NJSDMB51MNN78B"),
            "request": record(
                {
                    "prompt": text(example="a lighthouse at dusk"),
                    "aspect_ratio": nullable(text("As it was sent.", example="16:9")),
                    "size": text("Width and height.", example="1280*720"),
                    "seed": text("As it was asked for.", example="42"),
                },
                "What was ordered.",
            ),
            "response": array(
                text(
                    format="uri", example="https://shop.example/i/img_5f2b9c0d1e3a.jpeg?e=1801440000&s=9b1c"
                ),
                "Addresses of the images, which open without a key; empty until SUCCESS.",
            ),
            "consumed_credits": whole("0 until SUCCESS.", example=15, minimum=0),
            "created_at": text("UTC.", example="2026-11-22 18:03:11"),
            "error_message": nullable(text("Why it failed; null unless FAILED.")),
            "seed": nullable(whole("The seed that was used; null before one is drawn.", example=42)),
            "expires_at": nullable(
                text("When the addresses end, UTC; each call signs new ones.", example="2026-11-23 18:03:13")
            ),
            "images_deleted_at": nullable(text("When the images were deleted; null while they are kept.")),
        }
    ),
)
