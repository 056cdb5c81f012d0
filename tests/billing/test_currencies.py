"""Amounts of money: whole numbers everywhere, shown and read without a loss."""

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from billing.currencies import (
    LEAST_CHARGE,
    MICROS,
    THREE_DECIMAL,
    WHOLE_ONLY,
    ZERO_DECIMAL,
    decimals,
    micros,
    parse,
    plain,
    shown,
    shown_finely,
    step,
    value_shown,
)
from billing.till import money

CURRENCIES = st.sampled_from(sorted({"usd", "eur", "chf", "isk", "ugx"} | ZERO_DECIMAL | THREE_DECIMAL))
AMOUNTS = st.integers(0, 10**14)


@given(AMOUNTS, CURRENCIES)
def test_what_is_shown_in_a_form_is_read_as_it_was(amount_minor: int, currency: str) -> None:
    text = plain(amount_minor, currency)
    assert parse(text, currency) == amount_minor
    assert parse(f" {text.replace('.', ',')} ", currency) == amount_minor


@given(AMOUNTS, CURRENCIES)
def test_micros_are_whole_and_lose_nothing(amount_minor: int, currency: str) -> None:
    value = micros(amount_minor, currency)
    assert type(value) is int
    assert value * 10 ** decimals(currency) == amount_minor * MICROS


def test_the_till_knows_the_same_of_every_currency() -> None:
    """Each has Stripe's tables by itself, so that a slip in one of them is seen."""
    ours = ZERO_DECIMAL | THREE_DECIMAL | WHOLE_ONLY | set(LEAST_CHARGE)
    tills = money.WITHOUT_DECIMALS | money.WITH_THREE_DECIMALS | set(money.STEPS) | set(money.LEAST)
    for currency in sorted(ours | tills | {"zar"}):
        here = decimals(currency), LEAST_CHARGE.get(currency, 1), step(currency)
        there = money.decimals(currency), money.least_charge(currency), money.step(currency)
        assert here == there, currency


def test_ugandan_and_icelandic_amounts_have_hundredths_which_are_never_charged() -> None:
    """To charge 5 UGX, Stripe wants 500."""
    for currency in ("ugx", "isk"):
        assert (parse("5", currency), plain(500, currency), step(currency)) == (500, "5.00", 100)


@given(st.text(max_size=12), CURRENCIES)
def test_anything_else_is_no_amount_and_never_an_error(text: str, currency: str) -> None:
    amount = parse(text, currency)
    assert amount is None or amount >= 0


@given(AMOUNTS, CURRENCIES)
def test_what_people_see_holds_every_digit(amount_minor: int, currency: str) -> None:
    """A float on the way would round large amounts."""
    digits = "".join(sign for sign in shown(amount_minor, currency) if sign.isdigit())
    assert digits == plain(amount_minor, currency).replace(".", "")


@pytest.mark.parametrize(
    ("amount_minor", "currency", "words"),
    [
        (0, "usd", "$0.00"),
        (5, "usd", "$0.05"),
        (1250, "usd", "$12.50"),
        (123456789, "eur", "€1,234,567.89"),
        (-500, "usd", "−$5.00"),
        (1000, "jpy", "¥1,000"),
        (1250, "chf", "12.50 CHF"),
        (1250, "kwd", "1.250 KWD"),
        (10**16 + 1, "usd", "$100,000,000,000,000.01"),
    ],
)
def test_amounts_in_words(amount_minor: int, currency: str, words: str) -> None:
    assert shown(amount_minor, currency) == words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["€1,234.50", "−$5.00", "12.50 CHF", "$0.1364", "$0.004125"]),
        ("de", ["1.234,50 €", "−5,00 $", "12,50 CHF", "0,1364 $", "0,004125 $"]),
        ("zh-hans", ["€1,234.50", "−$5.00", "12.50 CHF", "$0.1364", "$0.004125"]),
    ],
)
def test_amounts_as_the_readers_language_writes_them(language: str, words: list[str]) -> None:
    with override(language):
        found = [shown(123450, "eur"), shown(-500, "usd"), shown(1250, "chf")]
        found += [shown_finely(1364, "usd"), value_shown(4125, "usd")]
    assert [one.replace("\N{NO-BREAK SPACE}", " ") for one in found] == words


@pytest.mark.parametrize(
    ("text", "currency", "amount_minor"),
    [
        ("12.50", "usd", 1250),
        ("12,5", "usd", 1250),
        ("12", "usd", 1200),
        ("12.", "usd", 1200),
        ("0012.00", "usd", 1200),
        ("12.505", "usd", None),
        ("1,000.50", "usd", None),
        (".50", "usd", None),
        ("-1", "usd", None),
        ("+1", "usd", None),
        ("1e3", "usd", None),
        ("1_000", "usd", None),
        ("$12", "usd", None),
        ("١٢", "usd", None),
        ("²", "usd", None),
        ("", "usd", None),
        ("nan", "usd", None),
        ("9" * 13, "usd", None),
        ("1000", "jpy", 1000),
        ("1000.0", "jpy", None),
        ("1.25", "kwd", 1250),
    ],
)
def test_amounts_that_people_write(text: str, currency: str, amount_minor: int | None) -> None:
    assert parse(text, currency) == amount_minor


@pytest.mark.parametrize(
    ("hundredths", "currency", "text"),
    [
        (200, "usd", "$0.02"),
        (1364, "usd", "$0.1364"),
        (1370, "usd", "$0.137"),
        (250, "jpy", "¥2.5"),
        (123_456_700, "jpy", "¥1,234,567"),
        (5, "chf", "0.0005 CHF"),
        (123_456_789, "kwd", "1,234.56789 KWD"),
    ],
)
def test_price_of_a_part_has_the_digits_that_say_something(hundredths: int, currency: str, text: str) -> None:
    assert shown_finely(hundredths, currency) == text
