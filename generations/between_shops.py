"""What shops of this installation paid one another for images: it is income of the one and cost of the other, so sums
over all shops count it twice. Margins do not, since there it is taken away again.
"""

from collections import Counter

from django.db.models import F, Sum

from generations.margin import PORTION_OF_IDS, Window, ended
from generations.models import Attempt, Upstream


def paid(window: Window) -> Counter[str]:
    """Millionths by currency, as the buyers' attempts booked it, of orders that ended in the window."""
    same = Upstream.objects.filter(shop__currency=F("wholesale__shop__currency"))
    buying = list(same.values_list("pk", "shop_id", "shop__currency"))
    found: Counter[str] = Counter()
    if not buying:
        return found
    currencies = {pk: currency for pk, _shop_id, currency in buying}
    for _day, since, until in window.days():
        orders = ended(since, until).filter(organization__shop__in={shop_id for _pk, shop_id, _c in buying})
        ids = list(orders.values_list("pk", flat=True))
        for start in range(0, len(ids), PORTION_OF_IDS):
            attempts = Attempt.objects.filter(
                generation__in=ids[start : start + PORTION_OF_IDS], upstream__in=currencies
            )
            for upstream_id, micros in (
                attempts.values_list("upstream").annotate(Sum("cost_micros")).order_by()
            ):
                found[currencies[upstream_id]] += micros
    return found
