"""Sessions of one shop, strange to every other: a cookie that was carried to another host opens nothing there."""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

SHOP = "shop"


class SessionStore(DatabaseStore):
    """`shop_id`: of the request that it serves; None where a session is only ended or listed."""

    shop_id: int | None = None
    first_id: int | None = None

    def load(self) -> dict[str, Any]:
        data = super().load()
        # Those of before there were several shops bear none, and are the first one's.
        if self.shop_id is not None and data and data.get(SHOP, self.first_id) != self.shop_id:
            self._session_key = None
            return {}
        return data

    def flush(self) -> None:
        self.keys()  # only reading tells whose it is: another shop's does not end here
        super().flush()

    def save(self, must_create: bool = False) -> None:
        if not must_create:
            self.keys()
        super().save(must_create)

    def encode(self, session_dict: dict[str, Any]) -> str:
        bound = session_dict if self.shop_id is None else {**session_dict, SHOP: self.shop_id}
        return super().encode(bound)
