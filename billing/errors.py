"""Why money says no. 402 and 429 here are always about our own customer."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import DomainError

CREDITS_PATH = "/credits/"


class InsufficientCredits(DomainError):
    """Details: `required` and `available`, in credits."""

    type, status, message = "insufficient_credits", 402, _("Insufficient credits")
    limit_source = "wallet"
    fix_path = CREDITS_PATH


class PaymentOwed(DomainError):
    """A refund or dispute left the wallet owing. Details: `required`, `available`, `owed`, in credits."""

    type, status, message = "payment_owed", 402, _("A payment is owed")
    limit_source = "wallet"
    fix_path = CREDITS_PATH


class SpendCapReached(DomainError):
    type, status, message = "spend_cap_reached", 402, _("This key's spend cap is reached")
    limit_source = "key"


class TooManyOpenTasks(DomainError):
    type, status, message = "too_many_open_tasks", 429, _("Too many open tasks")
    limit_source = "organization"


class PaymentsAway(DomainError):
    type, status = "unavailable", 503
    message = _("Payments are not possible at the moment. Nothing was charged; please try again shortly.")
    fix_path = CREDITS_PATH
