"""How many shops of this software an order has passed by. Each names an order to the next by its attempt's key, in
X-Request-Id; what arrives so is kept with the order. Whoever buys from itself, by way of others, is found out by that.
"""

import re

from generations.models import Generation

# More than any chain of sellers needs; each of them holds the price in the wallet of the next until the order ends.
MOST = 4
_BY_A_SHOP = re.compile(r"task_[0-9A-Z]{26}:[0-9]{1,5}(?:~([1-9]))?")


def hops_of(generation: Generation) -> int:
    """0: a customer of ours ordered it, as far as anybody can tell."""
    found = _BY_A_SHOP.fullmatch(generation.request_id)
    return int(found[1] or 1) if found else 0


def named(attempt_key: str, hops: int) -> str:
    """What an order that has passed by so many shops is called towards the next."""
    return f"{attempt_key}~{hops + 1}" if hops else attempt_key
