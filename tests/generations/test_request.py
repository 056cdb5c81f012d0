"""The fields of an order: what each may be, what is filled in, and which one is named when it is wrong."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import InvalidField, MissingField
from generations.request import MAX_SEED, parse

FOX: dict[str, Any] = {"prompt": "a fox", "aspect_ratio": "1:1"}


def refused(fields: dict[str, Any]) -> tuple[str, str | None]:
    """The machine word, and the field that is named."""
    with pytest.raises((InvalidField, MissingField)) as caught:
        parse(fields)
    return caught.value.type, caught.value.param


@pytest.mark.parametrize(
    ("ratio", "sides"),
    [
        ("1:1", (1024, 1024)),
        ("4:3", (1152, 864)),
        ("3:4", (864, 1152)),
        ("16:9", (1280, 720)),
        ("9:16", (720, 1280)),
    ],
)
def test_aspect_ratio_gives_the_documented_size(ratio: str, sides: tuple[int, int]) -> None:
    request = parse(FOX | {"aspect_ratio": ratio})
    assert (request.width, request.height) == sides
    assert request.aspect_ratio == ratio


@pytest.mark.parametrize(
    "ratio", ["", "1:2", "1:1 ", "1/1", "１:１", 1, 1.0, True, [], {}, ["1:1"], "1:1\x00"]
)
def test_other_aspect_ratios_are_refused(ratio: object) -> None:
    assert refused(FOX | {"aspect_ratio": ratio}) == ("invalid_field", "aspect_ratio")


@pytest.mark.parametrize(
    "fields", [{"prompt": "a fox"}, FOX | {"aspect_ratio": None}, FOX | {"aspect_ratio": None, "size": None}]
)
def test_aspect_ratio_is_required_without_a_size(fields: dict[str, Any]) -> None:
    assert refused(fields) == ("missing_field", "aspect_ratio")


@pytest.mark.parametrize(
    "prompt", ["x", "x" * 1000, "😀" * 1000, "👩‍👩‍👧‍👦" * 142, " x ", "\u200b", "雪の中の狐", "a\nb\tc"]
)
def test_prompt_of_1_to_1000_code_points_is_kept_as_it_is(prompt: str) -> None:
    assert parse(FOX | {"prompt": prompt}).prompt == prompt


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        " ",
        "\n\t\u3000\u00a0",
        "x" * 1001,
        "😀" * 1001,
        True,
        False,
        0,
        1.5,
        [],
        {},
        ["a"],
        "a\x00b",
        "\ud800",
        "a\udfffb",
    ],
)
def test_unusable_prompt_is_refused(prompt: object) -> None:
    assert refused(FOX | {"prompt": prompt}) == ("invalid_field", "prompt")


@pytest.mark.parametrize("fields", [{}, {"aspect_ratio": "1:1"}, FOX | {"prompt": None}])
def test_prompt_is_required(fields: dict[str, Any]) -> None:
    assert refused(fields) == ("missing_field", "prompt")


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        ("1024*1024", (1024, 1024)),
        ("1024x1024", (1024, 1024)),
        ("256*256", (256, 256)),
        ("1536x1536", (1536, 1536)),
        ("272*1520", (272, 1520)),
    ],
)
def test_size_is_read_in_both_spellings(size: str, sides: tuple[int, int]) -> None:
    request = parse({"prompt": "a fox", "size": size})
    assert (request.width, request.height) == sides
    assert request.aspect_ratio is None


@pytest.mark.parametrize(
    "size",
    [
        *("", "1024", "1024*", "*1024", "1024**1024", "1024*1024*3", "1024X1024", "1024×1024", "1024, 1024"),
        *("255*256", "240*256", "256*240", "1537*1024", "1552*1024", "1024*1552", "1000*1024", "1024*1001"),
        *(
            "-512*512",
            "512.0*512",
            "0*0",
            "99999*99999",
            "１０２４*1024",
            " 1024*1024",
            "1024*1024\n",
            "1024 * 1024",
        ),
        *(512, 1024.0, True, [1024, 1024], {"width": 1024}),
    ],
)
def test_other_sizes_are_refused(size: object) -> None:
    assert refused(FOX | {"size": size}) == ("invalid_field", "size")


@pytest.mark.parametrize(
    ("ratio", "echo"),
    [
        ("16:9", "16:9"),
        ("7:5", "7:5"),
        ("", None),
        ("wide\x00", None),
        ("\ud800", None),
        ("x" * 33, None),
        (5, None),
        ([], None),
        (None, None),
    ],
)
def test_size_wins_over_an_aspect_ratio_that_is_then_not_checked(ratio: object, echo: str | None) -> None:
    request = parse({"prompt": "a fox", "aspect_ratio": ratio, "size": "512*768"})
    assert (request.width, request.height, request.aspect_ratio) == (512, 768, echo)


@pytest.mark.parametrize(
    ("seed", "value", "text"),
    [
        (None, -1, "-1"),
        (-1, -1, "-1"),
        ("-1", -1, "-1"),
        (0, 0, "0"),
        ("0", 0, "0"),
        ("007", 7, "007"),
        (MAX_SEED, MAX_SEED, "2147483647"),
        ("2147483647", MAX_SEED, "2147483647"),
    ],
    ids=repr,
)
def test_seed_is_a_whole_number_or_its_digits(seed: object, value: int, text: str) -> None:
    request = parse(FOX | {"seed": seed})
    assert (request.seed, request.seed_text) == (value, text)


@pytest.mark.parametrize(
    "seed",
    [
        *(True, False, 1.0, 1.5, -1.0, float("inf"), -2, MAX_SEED + 1, 10**39, [], {}, [1]),
        *(
            "",
            " ",
            "+1",
            " 1",
            "1 ",
            "1\n",
            "-3",
            "--1",
            "-01",
            "1e3",
            "0x1",
            "1_0",
            "7.0",
            "2147483648",
            "0" * 11,
        ),
        *("٣", "１", "²", "-１", "\x00", "true", "random"),
    ],
    ids=repr,
)
def test_other_seeds_are_refused(seed: object) -> None:
    assert refused(FOX | {"seed": seed}) == ("invalid_field", "seed")


@pytest.mark.parametrize(
    ("sent", "meant"), [(None, "jpeg"), ("jpeg", "jpeg"), ("png", "png"), ("webp", "webp")]
)
def test_output_format_is_jpeg_unless_another_is_asked_for(sent: object, meant: str) -> None:
    assert parse(FOX | {"output_format": sent}).output_format == meant


@pytest.mark.parametrize("value", ["", "jpg", "JPEG", "gif", True, 1, [], {}, ["png"]])
def test_other_output_formats_are_refused(value: object) -> None:
    assert refused(FOX | {"output_format": value}) == ("invalid_field", "output_format")


def test_fields_that_are_not_listed_are_ignored() -> None:
    extra: dict[str, Any] = {
        "model": 5,
        "negative_prompt": None,
        "width": "wide",
        "n": -1,
        "": {},
        "\x00": "\ud800",
        "Seed": True,
    }
    assert parse(FOX | extra) == parse(FOX)


SAME = [
    (FOX, {"prompt": "a fox", "size": "1024*1024"}),
    (FOX, {"prompt": "a fox", "size": "1024x1024", "aspect_ratio": "bad"}),
    (FOX, FOX | {"seed": -1, "output_format": "jpeg", "size": None, "model": "z"}),
    (FOX | {"seed": 7}, FOX | {"seed": "007"}),
]
OTHER: list[dict[str, Any]] = [
    {"prompt": "a fox "},
    {"aspect_ratio": "4:3"},
    {"seed": 0},
    {"output_format": "png"},
    {"size": "1024*1040"},
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_requests_that_mean_the_same_have_one_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert parse(one).digest("generate") == parse(other).digest("generate")


@pytest.mark.parametrize("change", OTHER)
def test_every_field_counts_in_the_digest(change: dict[str, Any]) -> None:
    assert parse(FOX | change).digest("generate") != parse(FOX).digest("generate")


def test_endpoint_counts_in_the_digest() -> None:
    assert parse(FOX).digest("generate") != parse(FOX).digest("v1")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
fields_in_any_shape = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["prompt", "aspect_ratio", "size", "seed", "output_format"], json_values)
)


@given(fields_in_any_shape)
def test_no_value_upsets_the_rules(fields: dict[str, Any]) -> None:
    with suppress(InvalidField, MissingField):
        request = parse(FOX | fields)
        assert 1 <= len(request.prompt) <= 1000
        assert -1 <= request.seed <= MAX_SEED
        assert len(request.seed_text) <= 10
