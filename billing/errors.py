"""Why money says no. 402 and 429 here are always about our own customer."""

from django.utils.translation import gettext_lazy as _

from accounts.errors import KEYS_PATH, DomainError

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
    fix_path = KEYS_PATH


class TooManyOpenTasks(DomainError):
    type, status, message = "too_many_open_tasks", 429, _("Too many open tasks")
    limit_source = "organization"


class PaymentsAway(DomainError):
    type, status = "unavailable", 503
    message = _("Payments are not possible at the moment. Nothing was charged; please try again shortly.")
    fix_path = CREDITS_PATH


class StillOwes(DomainError):
    """A shop that is about to close."""

    type, status = "still_owes", 409
    message = _("A refund was promised at this moment. Run this again once Stripe has answered for it.")


class VoucherRefused(DomainError):
    """Base of the reasons why a code brings nothing. `message` is for the person who entered it."""

    type, status, message = "voucher_refused", 409, _("This voucher cannot be used")


class UnknownVoucher(VoucherRefused):
    """Also for one that was switched off."""

    type, status = "voucher_unknown", 404
    message = _("There is no voucher with this code. Look for a mistyped sign.")


class VoucherNotYetValid(VoucherRefused):
    type, message = "voucher_not_yet_valid", _("This voucher is not valid yet.")


class VoucherExpired(VoucherRefused):
    type, message = "voucher_expired", _("This voucher has expired.")


class VoucherUsedUp(VoucherRefused):
    type, message = "voucher_used_up", _("This voucher was used as often as it may be.")


class VoucherAlreadyUsed(VoucherRefused):
    type, message = "voucher_already_used", _("You have used this voucher already.")


class VoucherAlreadyUsedTogether(VoucherAlreadyUsed):
    message = _("Your organization has used this voucher already.")
