"""What shops of this installation paid one another for images: it is income of the one and cost of the other, so sums
over all shops count it twice. Margins do not, since there it is taken away again.

By the order that each attempt was at the seller's, as it was written down then: whom a shop buys from now says nothing
of what it has bought.
"""

from collections import Counter
from collections.abc import Sequence

from accounts.models import Shop
from generations import wholesale
from generations.margin import PORTION_OF_IDS, Window, ended
from generations.models import Attempt, Generation


def paid(window: Window) -> Counter[str]:
    """Millionths by currency, as the buyers' attempts booked it, of orders that ended in the window."""
    currencies = dict(Shop.objects.values_list("pk", "currency"))
    found: Counter[str] = Counter()
    if len(currencies) < 2:
        return found
    for _day, since, until in window.days():
        ids = list(ended(since, until).values_list("pk", flat=True))
        for start in range(0, len(ids), PORTION_OF_IDS):
            found += _paid_for(ids[start : start + PORTION_OF_IDS], currencies)
    return found


def _paid_for(ids: Sequence[int], currencies: dict[int, str]) -> Counter[str]:
    bought = Attempt.objects.filter(generation__in=ids, provider=wholesale.PROVIDER, cost_micros__gt=0)
    names = ("upstream_task_id", "generation__organization__shop", "upstream__wholesale__shop", "cost_micros")
    rows = list(bought.values_list(*names))
    orders = Generation.objects.filter(task_id__in={row[0] for row in rows}, livemode=True)
    sellers = dict(orders.values_list("task_id", "organization__shop"))
    found: Counter[str] = Counter()
    for task_id, buyer, known_seller, micros in rows:
        # Of those that have no id, it was not written down then.
        seller = sellers.get(task_id) if task_id else known_seller
        if seller not in (None, buyer) and currencies[seller] == currencies[buyer]:
            found[currencies[buyer]] += micros
    return found
