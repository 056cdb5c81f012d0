"""How adapters read what nobody vouches for: nothing an upstream says makes one of these raise."""

from typing import Any
from urllib.parse import urlsplit

from generations.providers.base import OutcomeKind
from generations.providers.wire import (
    MASK,
    Account,
    Answer,
    ForgedWebhook,
    Response,
    origin_of,
    printable,
    secrets_of,
)

MAX_ID = 200
MAX_ADDRESS = 2000
MAX_IMAGE_ADDRESS = 8000
MAX_IMAGES = 10
MAX_MISSES = 3
MISSES = "misses"
WEBHOOK_TOLERANCE_S = 300.0


def member(value: object, *path: str | int) -> Any:
    """What lies in nested objects and arrays under `path`; None where there is no such thing."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and len(value) > step else None
    return value


def items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def word(value: object) -> str:
    """A short text, such as a state or an error's code; "" for everything else."""
    return value if isinstance(value, str) and len(value) <= MAX_ID else ""


def identifier(value: object) -> str:
    """The upstream's name for a task, fit for an address and for a row; "" for everything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else ""
    return str(value) if _is_text(value, MAX_ID) else ""


def image_addresses(found: object) -> tuple[str, ...]:
    """The addresses in a list, or in a single text. Whether they are fetched is for the door out to decide."""
    listed = [found] if isinstance(found, str) else items(found)
    return tuple(text for text in listed[:MAX_IMAGES] if _is_text(text, MAX_IMAGE_ADDRESS))


def own_address(account: Account, value: object) -> str:
    """An address at the upstream's base address, where we may send our credential; "" for every other.

    Only its path and query are taken over, so that no two readings of an odd address can differ in its host.
    """
    if not isinstance(value, str) or not _is_address(value):
        return ""
    try:
        base, given = urlsplit(account.base_url), urlsplit(value)
        same = origin_of(account.base_url) == origin_of(value)
    except ValueError:
        return ""
    if not same or "@" in given.netloc:
        return ""
    query = f"?{given.query}" if given.query else ""
    return f"{base.scheme}://{base.netloc}/{given.path.lstrip('/')}{query}"


def _is_address(text: str) -> bool:
    return _is_text(text, MAX_ADDRESS) and not set('"<>\\^`{|}') & set(text)


def _is_text(text: object, longest: int) -> bool:
    fits = isinstance(text, str) and 0 < len(text) <= longest and text.isascii() and text.isprintable()
    return fits and " " not in str(text)


def said(account: Account, text: object) -> str:
    """A member of an answer as the detail of an attempt; "" unless it is a text."""
    if not isinstance(text, str):
        return ""
    for secret in secrets_of(account):
        text = text.replace(secret, MASK)
    return printable(text)


def busy(account: Account, response: Response, retry_after_s: float | None = None) -> Answer:
    """It has no time for us, or is out of order: worth another try."""
    pause = response.retry_after_s() if retry_after_s is None else retry_after_s
    return Answer(OutcomeKind.BUSY, poll_after_s=pause, detail=response.excerpt(account))


def ended(account: Account, kind: OutcomeKind, response: Response, *, billed: bool = False) -> Answer:
    """An end without an image."""
    return Answer(kind, billed=billed, detail=response.excerpt(account))


def by_status(account: Account, response: Response, status: int | None = None) -> Answer:
    """What an error's HTTP status says where its body says no more. `status`: one that the body states instead."""
    code = response.status if status is None else status
    if code == 402:
        return ended(account, OutcomeKind.FUNDS, response)
    if code in (401, 403):
        return ended(account, OutcomeKind.ACCOUNT, response)
    # A wrong base address, or a model that is not there: for the operator to mend, while others serve.
    if code in (404, 405, 410, 421) or 300 <= code < 400:
        return ended(account, OutcomeKind.ACCOUNT, response)
    if code in (408, 409, 425, 429) or code >= 500:
        return busy(account, response)
    if 400 <= code < 500:
        return ended(account, OutcomeKind.INVALID, response)
    # A success without an answer in it, such as a page of HTML: something in between is out of order.
    return busy(account, response)


def missed(account: Account, handle: dict[str, str], response: Response) -> Answer:
    """A task that is not found although it was accepted: perhaps not everywhere yet, so it is asked for again."""
    count = handle.get(MISSES, "")
    misses = int(count) + 1 if count.isdecimal() else 1
    if misses > MAX_MISSES:
        return ended(account, OutcomeKind.FAILED, response)
    again = {**handle, MISSES: str(misses)}
    return Answer(OutcomeKind.WAIT, handle=again, detail=response.excerpt(account))


def check_age(timestamp: str, now: float) -> None:
    """Raises ForgedWebhook unless `timestamp`, in Unix seconds, is about `now`."""
    try:
        age_s = abs(now - float(timestamp))
    except ValueError:
        raise ForgedWebhook("no time stated") from None
    if not age_s <= WEBHOOK_TOLERANCE_S:  # also true of "nan"
        raise ForgedWebhook(f"too old, or from the future: {age_s:.0f} s")
