"""One try: the errand goes out by the door, and its outcome comes back. Touches no database."""

import time

from webhooks.errands import INTERNAL, Errand
from webhooks.models.deliveries import MAX_ANSWER
from webhooks.outbound import Door, NotFetched, Refused, TooSlow
from webhooks.settling import REFUSED, TIMEOUT, UNREACHABLE, Outcome

TOTAL_S = 15.0
MAX_BYTES = 4096


async def carry(door: Door, errand: Errand) -> Outcome:
    """Never raises but for what ends the process."""
    if errand.problem:
        return Outcome(0, error=errand.problem)
    began = time.monotonic()
    try:
        posted = await door.post(
            errand.url, errand.body, headers=dict(errand.headers), max_bytes=MAX_BYTES, total_s=TOTAL_S
        )
    except NotFetched as error:
        word = (
            REFUSED if isinstance(error, Refused) else TIMEOUT if isinstance(error, TooSlow) else UNREACHABLE
        )
        return Outcome(_since(began), error=word, detail=_shown(str(error), 300))
    except Exception as error:  # noqa: BLE001 - whatever a receiver makes a library raise is that receiver's failure
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
