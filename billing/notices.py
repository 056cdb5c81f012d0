"""What operators read on top of each of their pages: payments that somebody has to look at."""

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.desk import Notice
from billing.models import Payment

AT_MOST = 10


def notices() -> list[Notice]:
    """By one query."""
    found = Payment.objects.filter(~Q(problem="")).order_by("-pk").only("public_id", "problem")
    return [
        Notice(
            _("%(payment)s does not agree with Stripe.") % {"payment": payment.public_id},
            _(
                "%(problem)s No credits were given for it. Refund it at Stripe, or credit the customer by hand."
            )
            % {"problem": payment.problem},
            reverse("admin:billing_payment_change", args=[payment.pk]),
        )
        for payment in found[:AT_MOST]
    ]
