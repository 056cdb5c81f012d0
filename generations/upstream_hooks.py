"""`POST /hooks/upstream/<task>/<number>`: an upstream says that there is news of an order.

It only shortens the wait: nothing of what it says is believed, the upstream is asked. Forged ones are refused all the
same, since each makes us ask.
"""

import logging
import threading
import time

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.clock import read_db_now
from accounts.errors import NotFound, Unauthenticated, Unavailable
from accounts.sealing import Unreadable
from generations import calls, doorbell, exchange, polling
from generations.models import TASK_ID, Attempt
from generations.providers.http import NoAnswer, NotReached, Oversized
from generations.providers.wire import ForgedWebhook, Request

logger = logging.getLogger(__name__)

KEYS_LIVE_S = 24 * 3600.0
# New keys are looked for when none of ours fits, but whoever forges webhooks must not make us ask for each.
KEYS_AGAIN_S = 300.0
KEYS_TOTAL_S = 5.0


@csrf_exempt
@require_POST
def upstream_hook(request: HttpRequest, task_id: str, number: int) -> HttpResponse:
    """200 also for those that come twice or late, 401 forged, 404 no such attempt."""
    attempt = _find(task_id, number)
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
        call.adapter.verify_webhook(call.account, headers, request.body, _keys(url, KEYS_LIVE_S), now)
    except ForgedWebhook:
        call.adapter.verify_webhook(call.account, headers, request.body, _keys(url, KEYS_AGAIN_S), now)


_lock = threading.Lock()
_known: dict[str, tuple[float, bytes]] = {}


def _keys(url: str, live_s: float) -> bytes:
    with _lock:
        known = _known.get(url)
        if known is not None and time.monotonic() - known[0] < live_s:
            return known[1]
        try:
            line = calls.here().line
            answer = calls.here().wait_for(
                line.send(Request("GET", url), total_s=KEYS_TOTAL_S), KEYS_TOTAL_S + 1
            )
        except (NotReached, NoAnswer, Oversized, TimeoutError) as error:
            logger.warning("%s: the keys of webhooks cannot be had: %s", url, error)
            raise Unavailable(retry_after=int(KEYS_TOTAL_S)) from None
        if answer.status != 200 or not answer.members():
            raise Unavailable(retry_after=int(KEYS_TOTAL_S))
        _known[url] = time.monotonic(), answer.body
        return answer.body
