"""Amounts of money in the smallest unit that Stripe counts in. Source: Stripe's documentation on currencies."""

from django.utils.formats import number_format
from django.utils.functional import lazy
from django.utils.translation import get_language, pgettext

MICROS = 1_000_000
MAX_MINOR = 10**14  # more than anybody pays at once
MAX_DIGITS = 15

ZERO_DECIMAL = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THREE_DECIMAL = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
# Stripe counts them in hundredths, and charges no part of a whole one.
WHOLE_ONLY = frozenset(("isk", "ugx"))
# Charges below are refused; of other currencies Stripe says so itself.
LEAST_CHARGE = {
    **dict.fromkeys(("aud", "brl", "cad", "chf", "eur", "inr", "jpy", "nzd", "sgd", "usd"), 50),
    **dict.fromkeys(("aed", "myr", "pln", "ron"), 200),
    **dict.fromkeys(("nok", "sek"), 300),
    **dict.fromkeys(("mxn", "thb"), 1000),
    "bgn": 100,
    "czk": 1500,
    "dkk": 250,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
}
SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹", "krw": "₩"}
# Where a sign would be taken for another currency's.
SIGNS_IN = {"zh-hans": SIGNS | {"jpy": "JP¥", "cny": "¥"}}


def decimals(currency: str) -> int:
    """Digits behind the point of what Stripe counts."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """What is charged is a multiple of this: whole ones, and with three decimals only those that end in 0."""
    if currency in WHOLE_ONLY:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def micros(amount_minor: int, currency: str) -> int:
    """Millionths of the currency. Always whole."""
    return int(amount_minor * (MICROS // 10 ** decimals(currency)))


def shown(amount_minor: int, currency: str) -> str:
    """As in `$12.50` or `12.50 CHF`, as the reader's language writes it: `12,50 $`."""
    text = plain(abs(amount_minor), currency)  # digits alone: a float would round large amounts
    return _worded(text, currency, is_negative=amount_minor < 0)


# For mail, which is written in another language than the request's.
shown_lazily = lazy(shown, str)


def _worded(digits: str, currency: str, *, is_negative: bool = False) -> str:
    amount = number_format(digits, use_l10n=True, force_grouping=True)
    sign = SIGNS_IN.get(get_language() or "", SIGNS).get(currency)
    if sign:
        words = pgettext("money", "%(sign)s%(amount)s") % {"sign": sign, "amount": amount}
    else:
        words = pgettext("money", "%(amount)s %(code)s") % {"amount": amount, "code": currency.upper()}
    return f"−{words}" if is_negative else words


def value_shown(value_micros: int, currency: str) -> str:
    """What is less than a Stripe's unit shows its millionths: `$12.50`, `$0.004125`, `−$0.30`."""
    unit = MICROS // 10 ** decimals(currency)
    if value_micros % unit == 0 or abs(value_micros) >= MICROS:
        return shown(_rounded(value_micros, unit), currency)
    digits = f"0.{abs(value_micros):06d}".rstrip("0")
    return _worded(digits, currency, is_negative=value_micros < 0)


def _rounded(value_micros: int, unit: int) -> int:
    """To the nearest, halves away from zero."""
    rounded = (2 * abs(value_micros) + unit) // (2 * unit)
    return -rounded if value_micros < 0 else rounded


def shown_finely(hundredths: int, currency: str) -> str:
    """The same of an amount in hundredths of the smallest unit, with two more digits where those say something."""
    whole, part = divmod(hundredths, 100)
    if not part:
        return shown(whole, currency)
    places = decimals(currency) + 2
    digits = f"{hundredths:0{places + 1}d}"
    text = f"{digits[:-places]}.{digits[-places:]}".rstrip("0")
    return _worded(text, currency)


def plain(amount_minor: int, currency: str) -> str:
    """For forms: `12.50`, with a point in every language."""
    places = decimals(currency)
    digits = f"{amount_minor:0{places + 1}d}"
    return digits if not places else f"{digits[:-places]}.{digits[-places:]}"


def parse(text: str, currency: str) -> int | None:
    """The other way, with a point or a comma; None when that is no amount of this currency."""
    whole, _point, part = text.strip().replace(",", ".").partition(".")
    places = decimals(currency)
    if not (whole + part).isascii() or not (whole + part).isdigit() or not whole or len(part) > places:
        return None
    if len(whole) > MAX_DIGITS:
        return None
    amount_minor = int(whole) * 10**places + int((part + "0" * places)[:places] or 0)
    return amount_minor if amount_minor <= MAX_MINOR else None
