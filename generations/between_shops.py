"""What shops of this installation paid one another for images: it is income of the one and cost of the other, so sums
over all shops count it twice. Margins do not, since there it is taken away again.

By the order that each attempt was at the seller's, as it was written down then: whom a shop buys from now says nothing
of what it has bought.
"""

from collections import Counter

from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import Shop
from generations import wholesale
from generations.margin import CURRENCY, Window, ended
from generations.models import Attempt, Generation

BUYER = "generation__organization__shop"


def paid(window: Window) -> Counter[str]:
    """Millionths by currency, as the buyers' attempts booked it, of orders that ended in the window.

    Added up by the database, a day at a time as all margins are, so no order is fetched.
    """
    found: Counter[str] = Counter()
    if Shop.objects.count() < 2:
        return found
    for _day, since, until in window.days():
        sums = ended(since, until).order_by().values_list(CURRENCY).annotate(micros=Sum(_bought()))
        for currency, micros in sums:
            if micros:
                found[currency] += micros
    return found


def _bought() -> Coalesce:
    """What an order's attempts took at other shops that count in the same currency; for each order by the index of its
    attempts: joined to a whole day of orders, the database may read all attempts there ever were.
    """
    orders = Generation.objects.filter(task_id=OuterRef("upstream_task_id"), livemode=True)
    elsewhere = orders.filter(organization__shop__currency=OuterRef(f"{BUYER}__currency"))
    elsewhere = elsewhere.exclude(organization__shop=OuterRef(BUYER))
    # Of those that have no id, it was not written down then.
    known = Q(upstream__wholesale__shop__currency=F(f"{BUYER}__currency"))
    known &= ~Q(upstream__wholesale__shop=F(BUYER))
    attempts = Attempt.objects.filter(
        generation=OuterRef("pk"), provider=wholesale.PROVIDER, cost_micros__gt=0
    )
    nameless = Q(upstream_task_id="")
    between = attempts.filter((~nameless & Q(Exists(elsewhere))) | (nameless & known))
    summed = between.order_by().values("generation").annotate(micros=Sum("cost_micros")).values("micros")
    return Coalesce(Subquery(summed), 0)
