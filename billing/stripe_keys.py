"""What keys of Stripe look like, and those that the tills of a demo are known by. Pure functions, without the ORM: the
settings, the shop and the till's own process use them.
"""

import hashlib
import re
from typing import Final

LIVE: Final = ("sk_live_", "rk_live_")
KEY: Final = r"(sk|rk)_(live|test)_[A-Za-z0-9_]{4,200}"
SIGNER: Final = r"whsec_[A-Za-z0-9+/=_-]{4,200}"
_OF_A_SHOP = re.compile(r"sk_test_till([1-9][0-9]{0,18})x[0-9a-f]{32}")


def is_live(key: str) -> bool:
    """Whether it moves money."""
    return key.startswith(LIVE)


def digest(key: str) -> str:
    """Tells whether two are the same. A key is a long random text, so a plain hash gives nothing away."""
    return hashlib.sha256(key.encode()).hexdigest()


def of_till(secret: str, shop_id: int | None = None) -> tuple[str, str]:
    """What a shop and its till know each other by: (key, webhook secret). `secret`: of the installation's tills; None:
    the first shop, whose till is known before there is a database.
    """
    of_whom = "" if shop_id is None else f":{shop_id}"
    made = hashlib.sha256(f"{secret}{of_whom}".encode()).hexdigest()
    named = "" if shop_id is None else f"{shop_id}x"
    return f"sk_test_till{named}{made[:32]}", f"whsec_till{made[32:]}"


def shop_of_till(key: str) -> int | None:
    """Which shop a till's key says that it is of; whether it is, only of_till tells."""
    found = _OF_A_SHOP.fullmatch(key)
    return int(found[1]) if found else None
