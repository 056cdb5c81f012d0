"""What operators are told of payments, inside the transaction of what it tells of, so that each is told once."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import figures, shops
from accounts.mail.alerts import raise_alert
from accounts.models import AlertKind, Organization
from accounts.names import isolated
from billing.models import Payment, Refund, StripeAccount, StripeEvent
from billing.stripe_gateway.errors import StripeRefused


def place_of_key(shop_id: int) -> str:
    """Where the key of a shop is looked at and changed."""
    return "STRIPE_SECRET_KEY" if shop_id == shops.first_id() else _("the desk's page “Stripe”")


def advice(payment: Payment) -> str:
    """What one that does not agree has brought, and what to do; on the desk as in the mail."""
    if payment.credited:
        words = ngettext(
            "The %(shown)s credit that it brought before stays. Compare it at Stripe, put right with the customer what"
            " has to be, then settle it by hand on its page.",
            "The %(shown)s credits that it brought before stay. Compare it at Stripe, put right with the customer what"
            " has to be, then settle it by hand on its page.",
            payment.credited,
        )
        return words % {"shown": figures.count(payment.credited)}
    return _(
        "No credits were given for it. Compare it at Stripe, then refund it there or credit the customer by hand, and"
        " settle it by hand on its page."
    )


def disagreement(payment: Payment) -> None:
    subject = _("%(payment)s does not agree with Stripe") % {"payment": payment.public_id}
    raise_alert(payment.shop_id, AlertKind.PAYMENT, subject, f"{payment.problem} {advice(payment)}")


def paid_after_it_was_settled(payment: Payment) -> None:
    names = {"payment": payment.public_id}
    subject = _("%(payment)s was settled by hand, and now Stripe says that it is paid") % names
    body = _(
        "Nothing was credited for that. Look at it at Stripe, then refund it there or credit the customer by hand."
    )
    raise_alert(payment.shop_id, AlertKind.PAYMENT, subject, body)


def cannot_look(payment: Payment, error: StripeRefused) -> None:
    subject = _("Stripe does not let us look at %(payment)s") % {"payment": payment.public_id}
    what = _(
        "Look at %(key)s: is it the account's that this payment was made on? If that account is gone, settle"
        " it by hand on its page."
    )
    what %= {"key": place_of_key(payment.shop_id)}
    raise_alert(payment.shop_id, AlertKind.PAYMENT, subject, f"{error} {what}")


def may_be_fraud(payment: Payment) -> None:
    subject = _("%(payment)s may be fraud") % {"payment": payment.public_id}
    body = _(
        "The bank of the card has warned Stripe. A refund now is cheaper than a dispute later: look at the"
        " payment, and at what %(organization)s does."
    )
    organization = isolated(payment.organization.name)
    raise_alert(payment.shop_id, AlertKind.FRAUD, subject, body % {"organization": organization})


def refund_failed(row: Refund) -> None:
    names = {"amount": row, "payment": row.payment.public_id}
    subject = _("A refund of %(amount)s for %(payment)s failed") % names
    what = _(
        "Unless it was given back elsewhere, the customer did not get this money, and keeps the credits that it bought."
        " Look at the payment's page, and give it back there once more, or in a way that the customer asks for."
    )
    raise_alert(row.payment.shop_id, AlertKind.PAYMENT, subject, f"{row.refusal} {what}")


def events_are_refused(account: StripeAccount, error: StripeRefused) -> None:
    what = _(
        "What its webhooks do not bring is not found by itself meanwhile. Look at %(key)s: it needs the"
        " right to read Events, of the account that payments are made on."
    )
    what %= {"key": place_of_key(account.shop_id)}
    subject = _("Stripe refuses to list its events")
    raise_alert(account.shop_id, AlertKind.PAYMENT, subject, f"{error} {what}")


def event_is_refused(event: StripeEvent, error: StripeRefused) -> None:
    subject = _("Stripe refuses to say what %(event)s is about") % {"event": event.event_id}
    what = _(
        "It waits in the inbox, and so may others. Look at %(key)s: it needs the right to read Checkout"
        " Sessions, of the account that payments are made on."
    )
    what %= {"key": place_of_key(event.shop_id)}
    raise_alert(event.shop_id, AlertKind.PAYMENT, subject, f"{error} {what}")


def automatic_is_refused(organization: Organization, error: StripeRefused) -> None:
    subject = _("Stripe refuses the automatic top-up of %(organization)s")
    what = _(
        "Look at %(key)s, its rights, and this customer at Stripe. It is tried again by itself; until it goes"
        " through, nothing is bought for them."
    )
    subject %= {"organization": isolated(organization.name)}
    what %= {"key": place_of_key(organization.shop_id)}
    raise_alert(organization.shop_id, AlertKind.PAYMENT, subject, f"{error} {what}")
