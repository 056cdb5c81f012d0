"""The public keys that GitHub signs with, as this process fetched them last."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings

from webhooks.outbound import Door, NotFetched

logger = logging.getLogger(__name__)

Keys = Mapping[str, ec.EllipticCurvePublicKey]

FRESH_S = 3600.0
# Whoever makes up identifiers must not make us ask for each.
AGAIN_S = 60.0
TOTAL_S = 5.0
MAX_BYTES = 262_144


class KeysAway(Exception):
    """They could not be had so far."""


class SigningKeys:
    """Fetched when they are an hour old or lack an identifier, at most once a minute; old ones serve while they cannot
    be fetched.
    """

    def __init__(self) -> None:
        self._lock = (
            threading.Lock()
        )  # of many who need them at once one asks; the others wait for its answer
        self._keys: Keys | None = None
        self._fetched_at = self._asked_at = float("-inf")

    def find(self, identifier: str) -> ec.EllipticCurvePublicKey | None:
        """None: GitHub has no such key. Raises KeysAway."""
        with self._lock:
            now = time.monotonic()
            is_fresh = self._keys is not None and now - self._fetched_at < FRESH_S
            knows_it = self._keys is not None and identifier in self._keys
            if not (is_fresh and knows_it) and now - self._asked_at >= AGAIN_S:
                self._asked_at = now
                self._fetch(now)
            if self._keys is None:
                raise KeysAway
            return self._keys.get(identifier)

    def _fetch(self, now: float) -> None:
        url = settings.GITHUB_SECRET_SCANNING_KEYS_URL
        try:
            self._keys = _parsed(asyncio.run(_body(url)))
            self._fetched_at = now
        except NotFetched as error:
            logger.warning("%s: the keys of secret scanning cannot be had: %s", url, error)
        except (ValueError, KeyError, TypeError, RecursionError, UnsupportedAlgorithm) as error:
            logger.warning("%s: no keys in its answer: %s", url, type(error).__name__)


async def _body(url: str) -> bytes:
    return await Door().fetch(url, max_bytes=MAX_BYTES, total_s=TOTAL_S)


def _parsed(body: bytes) -> Keys:
    """`{"public_keys":[{"key_identifier":"…","key":"-----BEGIN PUBLIC KEY-----…","is_current":true}]}`"""
    found = {}
    for entry in json.loads(body)["public_keys"]:
        key = load_pem_public_key(entry["key"].encode())
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            found[str(entry["key_identifier"])] = key
    if not found:
        raise ValueError("no key of the kind that signs")
    return found
