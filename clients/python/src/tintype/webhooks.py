"""Whether a webhook is the shop's: Standard Webhooks, by hand.

    event = tintype.webhooks.verify(body, headers, "whsec_…")

`body` must be the bytes as they arrived, before anything parsed them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence

from tintype._reading import read
from tintype.errors import TintypeError, UnexpectedAnswer
from tintype.results import Event

TOLERANCE_S = 300
_PREFIX = "whsec_"


class NotGenuine(TintypeError):
    """Answer it 400 and do nothing else: it is forged, altered, too old, or for another secret."""


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> Event:
    """The event. Raises NotGenuine; ValueError for a secret that is none.

    `secret`: the endpoint's, or several of which one has to fit. `now`: Unix time, of the clock by itself. The same
    event may come more than once: its `webhook-id` header is the same then.
    """
    content = body.encode() if isinstance(body, str) else body
    given = {name.lower(): value for name, value in headers.items()}
    message_id, stamp, sent = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    keys = [_key(one) for one in ([secret] if isinstance(secret, str) else secret)]
    if not message_id or not sent or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise NotGenuine("The headers of a webhook are missing")
    signed = f"{message_id}.{stamp}.".encode() + content
    expected = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in keys]
    fits = False
    for one in sent.split():
        version, _, signature = one.partition(",")
        for mine in expected:  # all of them, so that the time says nothing
            fits |= version == "v1" and hmac.compare_digest(signature.encode(), mine)
    if not fits:
        raise NotGenuine("The signature does not fit the secret")
    if abs((time.time() if now is None else now) - int(stamp)) > tolerance_s:
        raise NotGenuine("The webhook is too old, or a clock is wrong")
    try:
        return read(Event, json.loads(content))
    except (ValueError, UnexpectedAnswer):
        raise NotGenuine("The body is no event") from None


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not key:
        raise ValueError("A webhook secret looks like whsec_…")
    return key
