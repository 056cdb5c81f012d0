"""How templates write amounts."""

from django import template

from accounts import figures

register = template.Library()
register.filter("count", figures.count)
register.filter("percent", figures.percent)
register.filter("seconds", figures.seconds)
register.filter("listed", figures.listed)
register.simple_tag(figures.gap, name="gap")


@register.filter
def signed(value: int) -> str:
    """A change: +15, −15 with a real minus sign, 0."""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return sign + figures.count(abs(value))


@register.filter
def buys(credits: int, price: int) -> int:
    """How many whole images `credits` pay for at `price` credits each."""
    return credits // price
