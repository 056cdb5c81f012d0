"""Numbers, money and times are written as the reader's language does, on pages and at the desk."""

import datetime

import pytest
from django.utils import timezone
from django.utils.translation import override

from accounts import figures
from billing.currencies import shown, shown_finely, value_shown
from config.templatetags.times import when
from tests.config.desk_rows import everything
from tests.operators import desk_of, operator
from tests.pages import text_of

FIRM = "\N{NO-BREAK SPACE}"  # so that a line never ends between a number and what it counts
MOMENT = datetime.datetime(2026, 11, 9, 7, 5, 3, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["1,234,567", "20.0%", "0.5 s", "2026-11-09 07:05:03"]),
        ("de", ["1.234.567", f"20,0{FIRM}%", f"0,5{FIRM}s", "09.11.2026 07:05:03"]),
        ("zh-hans", ["1,234,567", "20.0%", "0.5 秒", "2026-11-09 07:05:03"]),
    ],
)
def test_numbers_and_moments(language: str, words: list[str]) -> None:
    with override(language):
        found = [figures.count(1_234_567), figures.percent(20), figures.seconds(0.46), figures.moment(MOMENT)]
    assert found == words


@pytest.mark.parametrize("language", ["en", "de", "zh-hans"])
def test_lists_and_the_room_between_sentences(language: str) -> None:
    with override(language):
        comma, gap = figures.listed(["a", "b"])[1:-1], figures.gap()
    assert (comma, gap) == (("、", "") if language == "zh-hans" else (", ", " "))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["$5.00", "−€1,234.50", "12.50 CHF", "$0.0375", "$0.004125", "¥1,000"]),
        (
            "de",
            [
                f"5,00{FIRM}$",
                f"−1.234,50{FIRM}€",
                f"12,50{FIRM}CHF",
                f"0,0375{FIRM}$",
                f"0,004125{FIRM}$",
                f"1.000{FIRM}¥",
            ],
        ),
        ("zh-hans", ["$5.00", "−€1,234.50", "12.50 CHF", "$0.0375", "$0.004125", "JP¥1,000"]),
    ],
)
def test_money(language: str, words: list[str]) -> None:
    with override(language):
        assert words == [
            shown(500, "usd"),
            shown(-123_450, "eur"),
            shown(1250, "chf"),
            shown_finely(375, "usd"),
            value_shown(4125, "usd"),
            shown(1000, "jpy"),
        ]


def test_yen_and_yuan_are_told_apart_where_both_have_one_sign() -> None:
    with override("zh-hans"):
        assert (shown(100, "cny"), shown(100, "jpy")) == ("¥1.00", "JP¥100")


@pytest.mark.parametrize(
    ("language", "past", "ahead"),
    [
        ("en", [f"3{FIRM}days ago", f"1{FIRM}month ago"], f"in 2{FIRM}days"),
        ("de", [f"vor 3{FIRM}Tagen", f"vor 1{FIRM}Monat"], f"in 2{FIRM}Tagen"),
        ("zh-hans", [f"3{FIRM}天前", f"1{FIRM}个月前"], f"2{FIRM}天后"),
    ],
)
def test_how_long_ago_and_ahead(language: str, past: list[str], ahead: str) -> None:
    now, day = timezone.now(), datetime.timedelta(days=1)
    with override(language):
        assert [words_of(now - 3 * day), words_of(now - 40 * day)] == past
        assert words_of(now + 2 * day) == ahead


def words_of(moment: datetime.datetime) -> str:
    return str(when(moment)).partition(">")[2].removesuffix("</time>")


def test_exact_time_beside_it_is_written_so_too() -> None:
    with override("de"):
        assert 'title="09.11.2026 07:05:03 UTC"' in when(MOMENT)


@pytest.mark.django_db
def test_the_desk_counts_and_adds_up_in_german() -> None:
    everything()
    desk = desk_of(operator())
    assert f"0.00{FIRM}$" not in text_of(desk.get("/admin/", headers={"Accept-Language": "de"}))
    words = text_of(desk.get("/admin/", headers={"Accept-Language": "de"})).replace(FIRM, " ")
    assert " $" in words
    assert "$0" not in words
