"""Costs as people write them, 0.005, and as they are kept, 5000 millionths: never a float on the way."""

from decimal import Decimal, InvalidOperation

MICROS = 1_000_000


def shown(micros: int) -> str:
    whole, part = divmod(micros, MICROS)
    return f"{whole}.{part:06d}".rstrip("0").removesuffix(".")


def parsed(text: str) -> int:
    """Raises ValueError for what is no amount, or finer than a millionth."""
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise ValueError(text) from None
    if not amount.is_finite() or not 0 <= amount <= MICROS:
        raise ValueError(text)
    micros = amount * MICROS
    if micros != micros.to_integral_value():
        raise ValueError(text)
    return int(micros)
