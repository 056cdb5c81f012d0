"""Currencies: how many decimals, what can be charged, what is it in words.

Stripe's tables once more, so that the shop is judged by something else than its own.
"""

from decimal import Decimal

from django.utils.formats import number_format

WITHOUT_DECIMALS = {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv"}
WITHOUT_DECIMALS |= {"xaf", "xof", "xpf"}
WITH_THREE_DECIMALS = {"bhd", "jod", "kwd", "omr", "tnd"}
# What an amount has to be a multiple of. Stripe's special cases: two decimals, which are always 00.
STEPS = {"isk": 100, "ugx": 100} | dict.fromkeys(WITH_THREE_DECIMALS, 10)
# Of Stripe's table, in minor units: a charge below it is refused.
LEAST = {"usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500}
LEAST |= {
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
}
LEAST |= {"nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000}


def decimals(currency: str) -> int:
    if currency in WITHOUT_DECIMALS:
        return 0
    return 3 if currency in WITH_THREE_DECIMALS else 2


def least_charge(currency: str) -> int:
    return LEAST.get(currency, 1)


def step(currency: str) -> int:
    return STEPS.get(currency, 1)


def digits(amount: int, currency: str) -> str:
    """1234567 usd -> "12345.67", the same in every language."""
    places = decimals(currency)
    return str(Decimal(amount).scaleb(-places).quantize(Decimal(1).scaleb(-places)))


def shown(amount: int, currency: str) -> str:
    """1234567 usd -> "12,345.67 USD", as the active language writes numbers."""
    number = number_format(
        Decimal(digits(amount, currency)), decimals(currency), use_l10n=True, force_grouping=True
    )
    return f"{number} {currency.upper()}"


def amount_of(text: str, currency: str) -> int | None:
    """What somebody typed, in minor units; None when it is no amount."""
    places = decimals(currency)
    whole, dot, rest = text.strip().replace(",", ".").partition(".")
    if not (whole + rest).isascii() or not (whole + rest).isdecimal() or len(rest) > places or len(whole) > 9:
        return None
    if dot and not rest:
        return None
    return int((whole or "0") + rest.ljust(places, "0"))


def share(amount: int, part: int, whole: int) -> int:
    """amount × part ÷ whole, to the nearest unit and halves up."""
    return (2 * amount * part + whole) // (2 * whole)
