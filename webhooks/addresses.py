"""Addresses that customers want to be told at: checked when they are kept, and by the door whenever one is opened."""

from accounts.errors import InvalidField
from webhooks.models import MAX_URL
from webhooks.outbound import Refused, Resolve, check_address, system_resolver


def checked(url: object, *, param: str = "url", resolve: Resolve = system_resolver) -> str:
    """The address as it is kept. Looks its name up, which may take seconds: not inside a transaction.

    Raises InvalidField, which says what is wrong with it.
    """
    if not isinstance(url, str) or not url:
        raise InvalidField(param=param)
    if len(url) > MAX_URL:
        raise InvalidField(f"An address has at most {MAX_URL} characters", param=param)
    try:
        check_address(url, resolve)
    except Refused as error:
        raise InvalidField(error.reason, param=param) from None
    return url
