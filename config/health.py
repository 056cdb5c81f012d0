"""Health: whether this process answers, and whether what it stands on does. No secrets in either."""

import logging
from typing import Any

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from psycopg_pool import PoolTimeout

from accounts.glances import Glances
from config import celery, database
from generations import backlog

logger = logging.getLogger(__name__)


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as soon as the shop is open; touches no database, so an outage does not get processes killed."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200, or 503 while requests had better go elsewhere.

    A broker that is away is told and no reason: orders are accepted, and made when it is back.
    """
    state = _state(None)
    return JsonResponse(state, status=200 if state["database"] == "ok" else 503)


def look() -> dict[str, Any]:
    """`database` and `broker` are `ok` or `unreachable`; `oldest_queued_seconds` is the age of the oldest
    order in the queue, 0 when there is none and null when the database cannot say.
    """
    state: dict[str, Any] = {"database": "ok", "broker": "ok", "oldest_queued_seconds": None}
    try:
        database.reach()
        state["oldest_queued_seconds"] = round(backlog.oldest_s(), 1)
    except (database.Unreachable, DatabaseError, PoolTimeout):
        state["database"] = "unreachable"
    try:
        celery.reach_broker()
    except celery.BrokerUnreachable as error:
        logger.warning("The broker is away: %s", error)
        state["broker"] = "unreachable"
    return state


# Anybody may ask, and each look opens connections.
_state: Glances[None, dict[str, Any]] = Glances(lambda _: look())
forget = _state.forget
