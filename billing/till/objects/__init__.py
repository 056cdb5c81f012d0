"""Stripe's objects with all their members, as they are when they are new."""

from billing.till.ids import new_id
from billing.till.problems import Body

NO_ADDRESS: Body = {
    "city": None,
    "country": None,
    "line1": None,
    "line2": None,
    "postal_code": None,
    "state": None,
}


def begin(kind: str, prefix: str, now: int, length: int = 24) -> Body:
    """What every object has."""
    return {"id": new_id(prefix, length), "object": kind, "created": now, "livemode": False}


def visible(body: Body) -> Body:
    """Without the till's own notes."""
    return {name: value for name, value in body.items() if not name.startswith("_")}
