"""What a process keeps beside the database, and must not keep from one test, or made-up example, to the next."""

import redis

from accounts import shops, throttling
from config import pricing
from generations import backlog, content, doorbell, routing
from webhooks import doorbell as webhook_doorbell


def forget(valkey: redis.Redis | None) -> None:
    """Buckets bear row ids, which are used again after a rollback; a broken broker is left alone for seconds."""
    throttling._limiter = None
    doorbell._silent_until = webhook_doorbell._silent_until = 0.0
    backlog.forget()
    routing.forget()
    content.forget()
    shops.forget()
    pricing.paid_at.forget()
    if valkey is not None:
        valkey.flushdb()
