"""What can be wrong with an order, beyond its fields and its money."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import DomainError, InvalidField


class IdempotencyMismatch(DomainError):
    type, status = "idempotency_mismatch", 422
    message = _("This idempotency key was used before with another body")


class IdempotencyInFlight(DomainError):
    type, status = "idempotency_in_flight", 409
    message = _("A request with this idempotency key is still being handled")


class AlreadyEnded(DomainError):
    type, status, message = "already_ended", 409, _("This task has already ended")


class TooLateToCancel(DomainError):
    type, status = "too_late_to_cancel", 409
    message = _("This task can no longer be canceled")


class ContentRejected(DomainError):
    """By the shop's own rules, before anything was held."""

    type, status = "content_rejected", 400
    message = _("The prompt was refused by the content rules")


class LinkClosed(DomainError):
    """The address of an image was altered, or has expired."""

    type, status, message = "link_closed", 403, _("This image address is not valid or has expired")


class ImageDeleted(DomainError):
    type, status, message = "image_deleted", 410, _("This image has been deleted")


class Overloaded(DomainError):
    """More orders wait than can be made before their deadlines."""

    type, status, message = "overloaded", 503, _("Too many orders are waiting, please retry later")


class NotOnSale(DomainError):
    """The shop has no price for what was asked. `title`, `advice`: to people, where it has none for anything."""

    type, status, message = "unavailable", 503, _("This shop does not offer that at the moment")
    title = _("This shop sells no images at the moment.")
    advice = _("Its operator has to mend that: ask there. Your credits and your images stay as they are.")


class UnknownModel(InvalidField):
    message = _("There is no such model; GET /api/v1/models lists those that there are")


class UpstreamMissing(DomainError):
    """A live order while the operator has set up no upstream."""

    type, status = "unavailable", 503
    message = _("Image generation is not available at the moment")


class CannotConnect(DomainError):
    """A shop cannot buy as this customer. `message` is for the operator."""

    type, status, message = "cannot_connect", 409, _("This shop cannot buy from there")


class TooManyWaiting(DomainError):
    """As many requests of this process wait for their images as may. Nothing was ordered."""

    type, status = "rate_limited", 429
    message = _("Too many requests are waiting for their images, please retry")
