from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from generations.providers.base import Job
from generations.providers.sandbox import draw
from generations.providers.sandbox_caption import AMBER, drawable, strip_height

HARD_PROMPTS = {
    "emoji": "🦊" * 1000,
    "joined emoji": "👩‍👩‍👧‍👦" * 100,
    "chinese": "一只狐狸在雪地里" * 100,
    "right to left": "שלום עולם, مرحبا بالعالم",
    "newlines": "a\nb\r\nc\u2028d\te",
    "one endless word": "x" * 1000,
    "many words": "snow " * 200,
    "empty": "",
    "blank": " \n ",
    "stacked accents": "e" + "\u0301" * 999,
    "half a surrogate pair": "a \ud83e fox",
}


def job(prompt: str = "a fox in the snow", **changes: object) -> Job:
    values: dict[str, object] = {
        "width": 512,
        "height": 384,
        "seed": 7,
        "output_format": "png",
        "n": 1,
    } | changes
    return Job(task_id="task_1", attempt_key="task_1:1", prompt=prompt, **values)  # type: ignore[arg-type]  # a dict


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("output_format", ["jpeg", "png", "webp"])
def test_same_prompt_seed_size_and_format_give_same_bytes(output_format: str) -> None:
    assert draw(job(output_format=output_format), 0) == draw(job(output_format=output_format), 0)


@pytest.mark.parametrize("changes", [{"seed": 8}, {"prompt": "another fox"}, {"width": 500}, {"height": 300}])
def test_any_change_of_prompt_seed_or_size_changes_the_image(changes: dict[str, object]) -> None:
    assert draw(job(**changes), 0) != draw(job(), 0)  # type: ignore[arg-type]  # keywords from the list above


def test_image_at_index_is_the_one_of_seed_plus_index() -> None:
    assert draw(job(seed=7), 2) == draw(job(seed=9), 0)


@pytest.mark.parametrize("output_format", ["jpeg", "png", "webp"])
def test_file_has_the_asked_format(output_format: str) -> None:
    assert opened(draw(job(output_format=output_format), 0)).format == output_format.upper()


@pytest.mark.parametrize(
    ("width", "height"),
    [(256, 256), (1536, 1536), (1536, 256), (256, 1536), (1280, 720), (720, 1280), (257, 333)],
)
def test_image_has_the_asked_size(width: int, height: int) -> None:
    assert opened(draw(job(width=width, height=height), 0)).size == (width, height)


@pytest.mark.parametrize("prompt", HARD_PROMPTS.values(), ids=HARD_PROMPTS)
def test_every_script_is_drawn_without_error(prompt: str) -> None:
    assert opened(draw(job(prompt, width=256, height=256), 0)).size == (256, 256)


@settings(max_examples=40, deadline=None)
@given(prompt=st.text(max_size=1000), seed=st.integers(0, 2**31 - 1))
def test_any_prompt_and_seed_are_drawn(prompt: str, seed: int) -> None:
    assert opened(draw(job(prompt, seed=seed, width=256, height=256), 0)).size == (256, 256)


def test_many_seeds_show_many_scenes() -> None:
    corners = {opened(draw(job(seed=seed, width=256, height=256), 0)).getpixel((0, 0)) for seed in range(30)}
    assert len(corners) >= 10


@pytest.mark.parametrize(("width", "height"), [(256, 256), (1024, 1024), (1536, 256), (256, 1536)])
def test_label_stands_in_amber_on_the_strip(width: int, height: int) -> None:
    image = opened(draw(job(width=width, height=height), 0)).convert("RGB")
    strip = image.crop((0, height - strip_height(width, height), width, height))
    colors = strip.getcolors(width * height) or []
    amber = sum(count for count, color in colors if color == AMBER)
    # The badge holds seven letters at a size that can be read, so it has an area.
    assert amber > ImageFont.load_default(size=9).getlength("SANDBOX") * 9


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a fox", "a fox"),
        ("déjà vu – Straße", "deja vu - Strasse"),
        ("ｆｕｌｌ width", "full width"),
        ("line\none\r\n\ttwo", "line one two"),
        ("a 🦊 fox", "a · fox"),
        ("狐" * 50, "···"),
        ("\x00\x07bell", "bell"),
        ("a" * 500, "a" * 400 + "…"),
    ],
)
def test_caption_keeps_what_the_font_can_draw(text: str, shown: str) -> None:
    assert drawable(text) == shown
