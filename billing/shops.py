"""What a shop sells credits by, for the shop's export; and what ends of that when it closes."""

from collections.abc import Mapping
from typing import Any

from accounts.clock import db_now
from accounts.models import Shop
from billing import connecting
from billing.errors import StillOwes
from billing.models import CreditPack, Refund, StripeEvent, Voucher


def sections(shop: Shop) -> Mapping[str, Any]:
    return {
        "packs": list(CreditPack.objects.filter(shop=shop).order_by("pk").values()),
        "vouchers": list(Voucher.objects.filter(shop=shop).order_by("pk").values()),
    }


def end(shop: Shop) -> None:
    """Nothing is sold in its name any more, and nobody is asked for money. Raises StillOwes."""
    if Refund.objects.filter(payment__shop=shop, due_at__isnull=False).exists():
        raise StillOwes
    # Without a key nobody can find out what they are about.
    StripeEvent.objects.filter(account__shop=shop, processed_at=None).update(
        processed_at=db_now(), error="The shop is closed."
    )
    CreditPack.objects.filter(shop=shop).update(is_active=False)
    Voucher.objects.filter(shop=shop).update(active=False)
    connecting.disconnect(shop, even_so=True)
