"""What a shop sells credits by, for the shop's export; and what ends of that when it closes."""

from collections.abc import Mapping
from typing import Any

from accounts.models import Shop
from billing import connecting
from billing.models import CreditPack, Voucher


def sections(shop: Shop) -> Mapping[str, Any]:
    return {
        "packs": list(CreditPack.objects.filter(shop=shop).order_by("pk").values()),
        "vouchers": list(Voucher.objects.filter(shop=shop).order_by("pk").values()),
    }


def end(shop: Shop) -> None:
    """Nothing is sold in its name any more, and nobody is asked for money."""
    CreditPack.objects.filter(shop=shop).update(is_active=False)
    Voucher.objects.filter(shop=shop).update(active=False)
    connecting.disconnect(shop)
