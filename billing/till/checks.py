"""Values that Stripe looks at more closely than their type."""

from billing.till.money import least_charge, shown, step
from billing.till.problems import Problem

MOST = 99_999_999


def known_currency(code: str) -> str:
    """In small letters. Raises Problem."""
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise Problem(f"Invalid currency: {code[:20]}", code="parameter_invalid", param="currency")
    return code.lower()


def check_amount(amount: int, currency: str, *, param: str) -> None:
    """Raises Problem for what is too little or too much to be charged."""
    least = least_charge(currency)
    if amount < 1:
        raise Problem("Invalid positive integer", code="parameter_invalid_integer", param=param)
    if amount < least:
        raise Problem(
            f"Amount must be at least {shown(least, currency)}", code="amount_too_small", param=param
        )
    if amount > MOST:
        raise Problem(f"Amount must be no more than {MOST}", code="amount_too_large", param=param)
    check_step(amount, currency, param=param)


def check_step(amount: int, currency: str, *, param: str) -> None:
    """Raises Problem for parts of what is charged in whole ones."""
    if amount % step(currency):
        raise Problem(
            f"Invalid amount. {currency.upper()} amounts must be evenly divisible by {step(currency)}.",
            param=param,
        )


def check_url(url: str, *, param: str) -> None:
    """Raises Problem for what no browser should be sent to."""
    if not url.startswith(("http://", "https://")) or any(sign <= " " for sign in url):
        raise Problem("Not a valid URL", code="url_invalid", param=param)
