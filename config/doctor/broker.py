"""The broker: Redis, which must drop nothing, or the folder that stands in for it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis
from django.conf import settings

from config.doctor.findings import Finding, error, ok, warning

TIMEOUT_S = 2


def look() -> Iterator[Finding]:
    if not settings.REDIS_URL:
        yield _folder(Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"]))
        return
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
        ) as client:
            state: dict[str, Any] = client.info()
    except redis.AuthenticationError:
        yield error("Redis refuses our password.", "Correct REDIS_URL.")
        return
    except redis.RedisError as away:
        yield error(
            f"Redis cannot be reached: {type(away).__name__}.", "Start that server, or correct REDIS_URL."
        )
        return
    version = state.get("valkey_version") or state.get("redis_version", "of no known version")
    name = "Valkey" if "valkey_version" in state else "Redis"
    policy = str(state.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        yield ok(f"{name} {version}, which drops nothing.")
    elif state.get("maxmemory"):
        yield error(
            f"{name} drops rings and limits when its memory is full: maxmemory-policy {policy}.",
            "Set maxmemory-policy noeviction.",
        )
    else:
        yield warning(
            f"{name} would drop rings and limits once it has a memory limit: maxmemory-policy {policy}.",
            "Set maxmemory-policy noeviction.",
        )


def _folder(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as refused:
        return error(
            f"{folder} cannot be written ({refused.strerror}).", "Give it to the user that runs the shop."
        )
    return ok(f"the folder {folder}.")
