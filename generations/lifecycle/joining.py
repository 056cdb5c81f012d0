"""A client that waits for its images posts again when it got none, and no Idempotency-Key tells us so: it joins the
order that it has already, instead of paying for another one.

The official OpenAI client counts its tries in a header. Several of the same kind may be under way at once; each try
takes the newest order that none of its number has taken, so that they do not all end at one image.
"""

import datetime
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import connection

from accounts.access import Access
from accounts.clock import db_now
from generations.models import Generation, GenerationQuerySet, Status

JOIN_S = 600
LOOKED_AT = 100
COST_NOTHING = (Status.FAILED, Status.CANCELED)


@dataclass(frozen=True, slots=True)
class Try:
    """The `number`-th time that a client posts one request, from 0. `is_cut`: whether it has left again."""

    number: int
    is_cut: Callable[[], bool]
    began: float = field(default_factory=time.monotonic)


def join(access: Access, digest: str, its_try: Try) -> Generation | None:
    """The order that this try repeats: of the same key and digest, not answered, of the last JOIN_S."""
    if its_try.number:
        return _take_up(list(_awaited(access, digest, JOIN_S)[:LOOKED_AT]), its_try.number)
    if its_try.is_cut():
        # It was so slow that its client has left; what was ordered meanwhile is that client's next try.
        return _awaited(access, digest, time.monotonic() - its_try.began).filter(awaited_try__gt=0).first()
    return None


def hold_off_others(access: Access, digest: str) -> None:
    """Until the transaction ends, no other try of this key and digest decides whether it repeats one: what it would
    not find yet may be about to be written. SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        key_id = access.key.pk if access.key else 0
        number = int.from_bytes(hashlib.sha256(f"{key_id}:{digest}".encode()).digest()[:8], signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def answered(generation_id: int) -> None:
    """Whoever waited for it has its images: no later try is about them."""
    Generation.objects.filter(pk=generation_id).update(awaited_try=None)


def _awaited(access: Access, digest: str, within_s: float) -> GenerationQuerySet:
    since = db_now() - datetime.timedelta(seconds=within_s)
    found = Generation.objects.visible_to(access).filter(request_digest=digest, awaited_try__isnull=False)
    found = found.filter(key=access.key, created_at__gt=since).exclude(status__in=COST_NOTHING)
    # By a time, which no index is tempted by.
    return found.order_by("-created_at", "-pk")


def _take_up(found: list[Generation], number: int) -> Generation | None:
    for generation in found:
        if generation.awaited_try is not None and generation.awaited_try < number:
            known = Generation.objects.filter(pk=generation.pk, awaited_try=generation.awaited_try)
            if known.update(awaited_try=number):
                return generation
    return found[0] if found else None
