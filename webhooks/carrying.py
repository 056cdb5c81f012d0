"""One try: the errand goes out by the door, and its outcome comes back. Touches no database."""

import logging
import time

from webhooks.errands import INTERNAL, Errand
from webhooks.models.deliveries import MAX_ANSWER
from webhooks.outbound import Door, NotFetched, Refused, ResolversBusy, TooSlow
from webhooks.settling import BUSY, REFUSED, TIMEOUT, UNREACHABLE, Outcome

logger = logging.getLogger(__name__)

TOTAL_S = 15.0
MAX_BYTES = 4096
WORDS: dict[type[NotFetched], str] = {Refused: REFUSED, TooSlow: TIMEOUT, ResolversBusy: BUSY}


async def carry(door: Door, errand: Errand) -> Outcome:
    """Never raises but for what ends the process."""
    if errand.problem:
        return Outcome(0, error=errand.problem)
    began = time.monotonic()
    try:
        posted = await door.post(
            errand.url,
            errand.body,
            headers=dict(errand.headers),
            max_bytes=MAX_BYTES,
            total_s=TOTAL_S,
            share=f"organization:{errand.organization_id}",
        )
    except NotFetched as error:
        word = WORDS.get(type(error), UNREACHABLE)
        return Outcome(_since(began), error=word, detail=_shown(str(error), 300))
    except Exception as error:  # no answer that we know of makes a library raise anything else
        logger.exception("Webhook %s could not be sent", errand.delivery_id)
        return Outcome(_since(began), error=INTERNAL, detail=type(error).__name__)
    return Outcome(
        _since(began),
        status=posted.status,
        answer=_shown(posted.body.decode("utf-8", "replace"), MAX_ANSWER),
        retry_after=posted.retry_after,
    )


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


def _shown(text: str, most: int) -> str:
    """Without what a database or a page cannot take."""
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)[:most]
