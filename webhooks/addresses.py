"""Addresses that customers want to be told at: checked when they are kept, and by the door whenever one is opened."""

from django.utils.translation import gettext as _

from accounts.errors import InvalidField, Unavailable
from webhooks.models import MAX_URL
from webhooks.outbound import Refused, ResolversBusy, check_address, check_without_asking
from webhooks.resolving import Resolve, system_resolver

AGAIN_S = 30


def checked(url: object, *, param: str = "url", share: str = "", resolve: Resolve = system_resolver) -> str:
    """The address as it is kept. Looks its name up, which may take seconds: not inside a transaction.

    `share`: who asks (resolving.py). Raises InvalidField, which says what is wrong with it; Unavailable while too many
    of theirs are being looked up.
    """
    text = _text(url, param)
    try:
        check_address(text, resolve, share=share)
    except Refused as error:
        raise InvalidField(error.reason, param=param) from None
    except ResolversBusy:
        busy = _("Other addresses of yours are being looked up still. Try again in half a minute")
        raise Unavailable(busy, retry_after=AGAIN_S) from None
    return text


def checked_unasked(url: object, *, param: str) -> str:
    """The same for what must not wait: numbers are judged in every spelling, names when something is sent to them.

    Raises InvalidField.
    """
    text = _text(url, param)
    try:
        check_without_asking(text)
    except Refused as error:
        raise InvalidField(error.reason, param=param) from None
    return text


def _text(url: object, param: str) -> str:
    if not isinstance(url, str) or not url:
        raise InvalidField(
            _("Enter the address that is to be told, such as https://example.org/hooks"), param=param
        )
    if len(url) > MAX_URL:
        raise InvalidField(_("An address has at most %(most)d characters") % {"most": MAX_URL}, param=param)
    return url
