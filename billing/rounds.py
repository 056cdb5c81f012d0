"""One sweep over the rows of many shops: where Stripe does not answer, or refuses a shop's key, that shop's rows wait,
and the others' do not.
"""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet

from billing.stripe_gateway import silence
from billing.stripe_gateway.errors import KeyRefused, StripeAway, StripeRefused

M = TypeVar("M", bound=Model)

# Shops that got no answer, quickly: then it is Stripe that is away, for all of them.
AWAY_FOR_ALL: Final = 3


class Round:
    """Of one sweep, in one thread. `trouble`: what was first in the way of asking."""

    def __init__(self) -> None:
        self._left_alone = set[int]()
        self._away = 0
        self._failed = 0
        self._is_over = False
        self.trouble: StripeAway | StripeRefused | None = None

    def cannot_ask(self, shop_id: int, error: Exception) -> None:
        """The rest of this shop's rows stays due. Other errors than these are of one row alone."""
        if not isinstance(error, StripeAway | KeyRefused):
            return
        self.trouble = self.trouble or error
        self._left_alone.add(shop_id)
        self._failed += 1
        if isinstance(error, StripeAway):
            self._away += 1
            # Who has waited in vain once does not wait for each shop.
            self._is_over = self._is_over or silence.lasts() or self._away >= AWAY_FOR_ALL

    def is_over(self) -> bool:
        return self._is_over

    def rows(self, due: QuerySet[M], at_once: int, shop: str = "shop") -> Iterator[M]:
        """Up to `at_once` of them in their order, besides those at which it was found that a shop cannot be asked.
        `shop`: the way from a row to it. Whoever takes one moves it, so that it is not due any more.
        """
        shop_of = attrgetter(f"{shop.replace('__', '.')}_id")
        given = 0
        while given < at_once and not self.is_over():
            batch: list[Any] = list(due.exclude(**{f"{shop}__in": self._left_alone})[: at_once - given])
            has_skipped = False
            for row in batch:
                if shop_of(row) in self._left_alone:
                    has_skipped = True
                    continue
                failed = self._failed
                yield row
                given += self._failed == failed
                if self.is_over():
                    return
            if not has_skipped:
                return
