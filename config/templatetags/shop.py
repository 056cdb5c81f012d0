"""How templates write amounts."""

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def count(value: int) -> str:
    """1500 as 1,500 (or as the reader's language groups it)."""
    return number_format(value, use_l10n=True, force_grouping=True)


@register.filter
def signed(value: int) -> str:
    """A change: +15, −15 with a real minus sign, 0."""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + count(abs(value))


@register.filter
def buys(credits: int, price: int) -> int:
    """How many whole images `credits` pay for at `price` credits each."""
    return credits // price
