"""`POST /webhooks/stripe`, at each shop's own host: verified by that shop's secrets, stored, answered. Stripe is never
asked here; the rest is a task's.
"""

import json
import logging
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.sealing import Unreadable
from accounts.shops import shop_id_of
from billing import stripe_events, stripe_gateway
from billing.stripe_gateway import credentials

logger = logging.getLogger(__name__)

PATH = "/webhooks/stripe"
TOLERANCE_S = 300
MAX_HEADER = 4096


class Refused(Exception):
    """Why, for the log."""


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """200 once the event is stored, or is none of ours; 400 for whatever Stripe did not send to this shop."""
    shop_id = shop_id_of(request)
    try:
        told = stripe_events.read(_verified(request, shop_id))
    except stripe_events.Malformed:
        logger.warning("A webhook was signed by Stripe, but is no event")
        return HttpResponseBadRequest()
    except Refused as refusal:
        logger.warning("A webhook was refused: %s", refusal)
        return HttpResponseBadRequest()
    stripe_events.store(credentials.account_of(shop_id), told)
    return HttpResponse(status=200)


def _verified(request: HttpRequest, shop_id: int) -> Any:
    """The decoded body. Raises Refused."""
    problem = request.META.get("tintype.body_problem")
    if problem:
        raise Refused(f"the body was {problem}")
    header = request.headers.get("Stripe-Signature", "")
    if not header or not header.isascii() or len(header) > MAX_HEADER:
        raise Refused("no signature")
    try:
        if len(request.body) > settings.MAX_WEBHOOK_BYTES:
            raise Refused("the body was too_large")
        body = request.body.decode()
        _check_time(header)
        if not stripe_gateway.events.is_signed(_secrets(shop_id), body, header):
            raise Refused("its signature does not fit")
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, nested without end
        raise Refused(type(error).__name__) from None


def _secrets(shop_id: int) -> list[str]:
    """Raises Refused."""
    found = credentials.of_shop(shop_id)
    try:
        return [] if found is None else found.webhook_secrets
    except Unreadable:
        raise Refused("the webhook secrets of this shop cannot be read") from None


def _check_time(header: str) -> None:
    """Both ways: the library lets future times pass."""
    times = [value for name, _, value in (part.partition("=") for part in header.split(",")) if name == "t"]
    if len(times) != 1 or not times[0].isdigit() or len(times[0]) > 12:
        raise Refused("no time in its signature")
    if abs(time.time() - int(times[0])) > TOLERANCE_S:
        raise Refused("its time is too far from ours")


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
