"""What the archive of an organization holds of its money. Amounts are in the currency's smallest unit (`_minor`)."""

from collections.abc import Iterator
from typing import Any

from django.db.models.functions import Abs

from accounts.audit_log import is_operator, without_staff
from accounts.hooks import ExportDocument, ExportFile
from accounts.models import Organization
from accounts.privacy.export_rows import in_batches
from billing.models import AutoTopUp, BalanceNotice, LedgerEntry, Payment, Redemption, Wallet

Row = dict[str, Any]


def sections(organization: Organization) -> Iterator[ExportDocument | ExportFile]:
    yield ExportDocument("balance.json", _balance(organization))
    yield ExportDocument("ledger.json", entries(organization))
    yield ExportDocument("payments.json", _payments(organization))
    yield ExportDocument("vouchers.json", _vouchers(organization))


def _balance(organization: Organization) -> Iterator[Row]:
    wallet = Wallet.objects.get(organization=organization)
    rule = AutoTopUp.objects.filter(organization=organization).first()
    notice = BalanceNotice.objects.filter(organization=organization).first()
    yield {
        "available_credits": wallet.available,
        "held_credits": wallet.held,
        "owed_credits": wallet.owed,
        "mail_below_credits": notice and notice.threshold_credits,
        "automatic_top_up": rule
        and {
            "is_on": rule.is_on,
            "below_credits": rule.threshold,
            "cap_minor": rule.cap_minor,
            "set_by": rule.actor,
        },
    }


def entries(organization: Organization) -> Iterator[Row]:
    """All entries of its ledger, oldest first."""
    # Not by a join, whose rows PostgreSQL would sort all.
    wallet_id = Wallet.objects.get(organization=organization).pk
    rows = LedgerEntry.objects.filter(wallet_id=wallet_id).alias(number=Abs("id")).select_related("note")
    for entry in in_batches(rows, by="number"):
        note = None if is_operator(entry.actor) else getattr(entry, "note", None)
        yield {
            "at": entry.created_at,
            "kind": entry.kind,
            "available": entry.available,
            "held": entry.held,
            "owed": entry.owed,
            "reference": entry.reference,
            "actor": without_staff(entry.actor),
            "note": note.text if note else "",
        }


def _payments(organization: Organization) -> Iterator[Row]:
    for payment in in_batches(Payment.objects.filter(organization=organization)):
        yield {
            "id": payment.public_id,
            "kind": payment.kind,
            "actor": payment.actor,
            "credits": payment.credits,
            "amount_minor": payment.amount_minor,
            "currency": payment.currency,
            "status": payment.status,
            "charged_minor": payment.charged_minor,
            "tax_minor": payment.tax_minor,
            "discount_minor": payment.discount_minor,
            "refunded_minor": payment.refunded_minor,
            "disputed_minor": payment.disputed_minor,
            "card": payment.card,
            "created_at": payment.created_at,
            "paid_at": payment.paid_at,
            "stripe_session": payment.session_id,
            "stripe_payment_intent": payment.payment_intent_id,
        }


def _vouchers(organization: Organization) -> Iterator[Row]:
    rows = Redemption.objects.filter(organization=organization).select_related("voucher")
    for redemption in in_batches(rows):
        yield {
            "code": redemption.voucher.code,
            "credits": redemption.credits,
            "redeemed_by": f"user:{redemption.user}",
            "at": redemption.created_at,
        }
