"""`POST /hooks/upstream/<task>/<number>`: an upstream says that there is news of an order.

It only shortens the wait: nothing of what it says is believed, the upstream is asked. Forged ones are refused all the
same, since each makes us ask.
"""

import logging
import threading
import time
from concurrent.futures import Future
from typing import cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.clock import read_db_now
from accounts.errors import NotFound, Unauthenticated, Unavailable
from accounts.sealing import Unreadable
from accounts.shops import is_at
from generations import calls, doorbell, exchange, polling
from generations.models import TASK_ID, Attempt, Upstream
from generations.providers.http import NoAnswer, NotReached, Oversized
from generations.providers.wire import ForgedWebhook, Origin, Request

logger = logging.getLogger(__name__)

KEYS_LIVE_S = 24 * 3600.0
# New keys are looked for when none of ours fits, but whoever forges webhooks must not make us ask for each.
KEYS_AGAIN_S = 300.0
KEYS_TOTAL_S = 5.0
KEYS_AWAY_S = 5


@csrf_exempt
@require_POST
def upstream_hook(request: HttpRequest, task_id: str, number: int) -> HttpResponse:
    """200 also for those that come twice or late, 401 forged, 404 no such attempt in this shop."""
    attempt = _find(task_id, number)
    upstream = cast(Upstream, attempt.upstream)
    # As it was told where to; the platform's address is that of shops which have none of their own.
    if not upstream.uses_webhooks or not is_at(request, upstream.shop_id):
        raise NotFound
    try:
        call = exchange.Call.of(attempt, attempt.generation.model.slug)
        _verify(call, request)
    except ForgedWebhook as error:
        logger.warning("%s: a webhook was refused: %s", attempt.key, error)
        raise Unauthenticated(key_was_sent=True) from None
    except (KeyError, Unreadable):
        raise NotFound from None
    if polling.ask_now(task_id, number) is not None:
        doorbell.ring_poll()
    return JsonResponse({})


def _find(task_id: str, number: int) -> Attempt:
    if TASK_ID.fullmatch(task_id) and number < 32_768:
        found = Attempt.objects.filter(generation__task_id=task_id, number=number, upstream__isnull=False)
        attempt = found.select_related("generation__model", "upstream").first()
        if attempt is not None:
            return attempt
    raise NotFound


def _verify(call: exchange.Call, request: HttpRequest) -> None:
    """Raises ForgedWebhook. By the raw body, as the signature was made."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    now = read_db_now().timestamp()
    url = call.adapter.keys_url(call.account)
    if not url:
        call.adapter.verify_webhook(call.account, headers, request.body, b"", now)
        return
    try:
        keys = _keys(url, KEYS_LIVE_S, call.account.trusted_origin)
        call.adapter.verify_webhook(call.account, headers, request.body, keys, now)
    except ForgedWebhook:
        keys = _keys(url, KEYS_AGAIN_S, call.account.trusted_origin)
        call.adapter.verify_webhook(call.account, headers, request.body, keys, now)


_lock = threading.Lock()
_known: dict[str, tuple[float, bytes]] = {}
_away_until: dict[str, float] = {}
_asked: dict[str, "Future[bytes | None]"] = {}


def _keys(url: str, live_s: float, trusted_origin: Origin | None) -> bytes:
    """Of many who need them at once one asks; all get its answer. Raises Unavailable."""
    with _lock:
        now = time.monotonic()
        known = _known.get(url)
        if known is not None and now - known[0] < live_s:
            return known[1]
        if now < _away_until.get(url, 0.0):
            raise Unavailable(retry_after=KEYS_AWAY_S)
        asked = _asked.get(url)
        mine = asked is None
        if asked is None:
            asked = _asked[url] = Future()
    if mine:
        keys = None
        try:
            keys = _fetch(url, trusted_origin)
        finally:
            with _lock:
                del _asked[url]
                if keys is None:
                    _away_until[url] = time.monotonic() + KEYS_AWAY_S
                else:
                    _known[url] = time.monotonic(), keys
            asked.set_result(keys)  # whatever happened: others wait for it
    found = asked.result()
    if found is None:
        raise Unavailable(retry_after=KEYS_AWAY_S)
    return found


def _fetch(url: str, trusted_origin: Origin | None) -> bytes | None:
    carrier = calls.here()
    try:
        asked = carrier.line.send(Request("GET", url), total_s=KEYS_TOTAL_S, trusted_origin=trusted_origin)
        answer = carrier.wait_for(asked, KEYS_TOTAL_S + 1)
    except (NotReached, NoAnswer, Oversized, TimeoutError) as error:
        logger.warning("%s: the keys of webhooks cannot be had: %s", url, error)
        return None
    return answer.body if answer.status == 200 and answer.members() else None
