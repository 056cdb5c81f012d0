"""Whose till it is: one process serves all shops of an installation, each with an account of its own, told apart by the
key that a request bears.
"""

import hmac
from dataclasses import replace
from threading import Lock

from billing.stripe_keys import of_till, shop_of_till
from billing.till.promotions import ensure
from billing.till.store import Database, Store
from billing.till.till import Settings, Till


class Accounts:
    """`first`: the till that it was started for. Others are opened when their keys are used first; `secret`: what those
    derive from, "" for none.
    """

    def __init__(self, settings: Settings, database: Database, secret: str = "") -> None:
        self.first = Till(settings, Store(database))
        self.database = database
        self._secret = secret
        self._lock = Lock()
        self._tills = {"": self.first}
        ensure(self.first)

    def of_key(self, sent: str) -> Till | None:
        if _same(sent, self.first.settings.secret_key):
            return self.first
        shop_id = shop_of_till(sent)
        if shop_id is None or not self._secret or not _same(sent, of_till(self._secret, shop_id)[0]):
            return None
        return self.named(str(shop_id))

    def named(self, account: str) -> Till | None:
        """None for one that it was not started for."""
        with self._lock:
            found = self._tills.get(account)
        if found is not None or not self._secret or not account.isdecimal():
            return found
        key, signer = of_till(self._secret, int(account))
        settings = replace(self.first.settings, secret_key=key, webhook_secret=signer)
        made = Till(settings, Store(self.database, account))
        ensure(made)
        with self._lock:
            return self._tills.setdefault(account, made)

    def opened(self) -> list[Till]:
        with self._lock:
            return list(self._tills.values())

    def of_object(self, object_id: str) -> Till:
        """For pages, whose addresses bear the id of what they show; the first where nobody knows it."""
        owner = self.database.owner_of(object_id)
        return (self.named(owner) if owner is not None else None) or self.first


def _same(sent: str, known: str) -> bool:
    return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), known.encode())
