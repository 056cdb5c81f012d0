"""Errors that the outside may see. Each carries a stable machine word and an HTTP status;
config/api.py is the one place that turns them into JSON.
"""

import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

KEYS_PATH = "/keys/"


class DomainError(Exception):
    """Base. `retry_after` is in whole seconds; `details` are further members of `error`."""

    type = "internal"
    status = 500
    message: Any = _("Something went wrong on our side")
    limit_source: str | None = None
    fix_path: str | None = None  # the page that mends it

    def __init__(
        self,
        message: Any = None,
        *,
        param: str | None = None,
        retry_after: int | None = None,
        limit_source: str | None = None,
        **details: Any,
    ) -> None:
        if message is not None:
            self.message = message
        if limit_source is not None:
            self.limit_source = limit_source
        self.param = param
        self.retry_after = retry_after
        self.details = details
        super().__init__(str(self.message))

    @property
    def in_short(self) -> Any:
        """What happened, for a line of a page, which ends it with a full stop; the message of some advises as well."""
        return getattr(self, "title", self.message)


class InvalidJson(DomainError):
    type, status, message = "invalid_json", 400, _("The body is not valid JSON")


class InvalidField(DomainError):
    type, status, message = "invalid_field", 400, _("A field is invalid")


class MissingField(DomainError):
    """`param`: which one."""

    type, status, message = "missing_field", 400, _("A required field is missing")

    def __init__(self, message: Any = None, *, param: str | None = None) -> None:
        if message is None and param is not None:
            message = _("%(param)s is required") % {"param": param}
        super().__init__(message, param=param)


class Unauthenticated(DomainError):
    """401. One body for every cause, so that nobody can probe which keys exist."""

    type, status, message = "unauthenticated", 401, _("Invalid API key")
    fix_path = KEYS_PATH

    def __init__(self, *, key_was_sent: bool) -> None:
        super().__init__()
        self.key_was_sent = key_was_sent


class InsufficientScope(DomainError):
    type, status, message = "insufficient_scope", 403, _("This key may not do that")


class KeyLacksScope(InsufficientScope):
    """Of a key, which its page can change; what a person may not do, they cannot mend."""

    fix_path = KEYS_PATH


class AddressNotAllowed(DomainError):
    type, status = "address_not_allowed", 403
    message = _("This key may not be used from this address")
    fix_path = KEYS_PATH


class OrganizationSuspended(DomainError):
    type, status, message = "organization_suspended", 403, _("This organization is suspended")
    advice: Any = _("Ask the operator of this shop.")


class ShopSuspended(OrganizationSuspended):
    """All of its organizations are."""

    type, status, message = "shop_suspended", 403, _("This shop is closed for the moment")
    advice = _("You can look at everything that is here. Ask the support of this shop when it opens again.")


def _day_of(moment: datetime.datetime) -> str:
    return date_format(moment, "DATE_FORMAT")


_day = lazy(_day_of, str)
_ASK_BY_MAIL = _(
    "Until {day}, {time} (UTC) its members can sign in and fetch their images, their receipts and an export of"
    " everything; then it is deleted for good. If you have questions, write to {email}."
)
_ASK_THE_OPERATOR = _(
    "Until {day}, {time} (UTC) its members can sign in and fetch their images, their receipts and an export of"
    " everything; then it is deleted for good. If you have questions, ask the operator of this shop."
)


class ShopCloses(ShopSuspended):
    """For good. `until`: how long its members may fetch what is theirs; `email`: of whoever answers questions, "" where
    nobody is named. Programs read all of it in the message, pages show `title` above `advice`.
    """

    title = _("This shop closes")

    def __init__(self, until: datetime.datetime, email: str) -> None:
        until = until.astimezone(datetime.UTC)
        words = _ASK_BY_MAIL if email else _ASK_THE_OPERATOR
        # Said in the language of whoever reads it, which is not known yet.
        self.advice = format_lazy(words, day=_day(until), time=f"{until:%H:%M}", email=email)
        super().__init__(format_lazy(_("{title}. {advice}"), title=self.title, advice=self.advice))


class NotFound(DomainError):
    type, status, message = "not_found", 404, _("Not found")


class UnknownHost(DomainError):
    """RFC 9110's misdirected request: the name leads here, and to no shop."""

    type, status, message = "unknown_host", 421, _("There is no shop at this address")
    advice = _("Look for a typing mistake in it.")


class MethodNotAllowed(DomainError):
    type, status, message = "method_not_allowed", 405, _("Method not allowed")

    def __init__(self, allowed: list[str]) -> None:
        super().__init__()
        self.allowed = allowed


class BodyTimeout(DomainError):
    type, status, message = "body_timeout", 408, _("The request body did not arrive in time")


class BodyTooLarge(DomainError):
    type, status, message = "body_too_large", 413, _("The request body is too large")


class UnsupportedMediaType(DomainError):
    type, status = "unsupported_media_type", 415
    message = _("Send the body as application/json")


class RateLimited(DomainError):
    type, status, message = "rate_limited", 429, _("Too many requests")
    limit_source = "key"


class Unavailable(DomainError):
    type, status, message = "unavailable", 503, _("Temporarily unavailable, please retry")
