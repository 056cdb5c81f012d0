"""`POST /webhooks/github-secret-scanning`: GitHub found texts that look like our keys where everybody can read them.

Its partner format: a JSON array of `{"token","type","url","source"}`, signed over the raw body with ECDSA on P-256 and
SHA-256. The answer tells for each whether it is a key of ours, by the digest of the text: the text itself is neither
repeated, logged nor stored.
"""

import base64
import binascii
import hashlib
import json
import logging
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from accounts import leaks
from accounts.errors import (
    BodyTimeout,
    BodyTooLarge,
    InvalidField,
    InvalidJson,
    Unauthenticated,
    Unavailable,
)
from webhooks.signing_keys import AGAIN_S, KeysAway, SigningKeys

logger = logging.getLogger(__name__)

SOURCE = "github"
MAX_HEADER = 512
MAX_FINDINGS = 5_000
_signing_keys = SigningKeys()


@csrf_exempt
@require_POST
@sensitive_variables()
def github(request: HttpRequest) -> HttpResponse:
    """200 with a label for each; 401 for what GitHub did not sign, 400 for what is not its format, 503 while its keys
    cannot be had.
    """
    _check_body(request)
    _check_signature(request)
    findings = _findings(request.body)
    known = leaks.report([leaks.Finding(token, url) for token, _type, url in findings], source=SOURCE)
    logger.info(
        "GitHub reported %d texts, %d of them keys", len(known), sum(one is not None for one in known)
    )
    labels = [
        {
            "token_hash": hashlib.sha256(token.encode()).hexdigest(),
            "token_type": kind,
            "label": "false_positive" if key is None else "true_positive",
        }
        for (token, kind, _url), key in zip(findings, known, strict=True)
    ]
    return JsonResponse(labels, safe=False)


def _check_body(request: HttpRequest) -> None:
    problem = request.META.get("tintype.body_problem")
    if problem == "too_large" or (not problem and len(request.body) > settings.MAX_WEBHOOK_BYTES):
        raise BodyTooLarge
    if problem == "timeout":
        raise BodyTimeout
    if problem:
        raise InvalidJson


def _check_signature(request: HttpRequest) -> None:
    """Raises Unauthenticated, Unavailable."""
    identifier = request.headers.get("Github-Public-Key-Identifier", "")
    signature = request.headers.get("Github-Public-Key-Signature", "")
    was_sent = bool(identifier and signature)
    if not was_sent or max(len(identifier), len(signature)) > MAX_HEADER:
        raise Unauthenticated(key_was_sent=was_sent)
    try:
        raw = base64.b64decode(signature, validate=True)
        key = _signing_keys.find(identifier)
        if key is None:
            raise InvalidSignature
        key.verify(raw, request.body, ec.ECDSA(hashes.SHA256()))
    except (binascii.Error, ValueError, InvalidSignature):
        logger.warning("A report of leaked keys was refused: its signature does not fit")
        raise Unauthenticated(key_was_sent=True) from None
    except KeysAway:
        raise Unavailable(retry_after=int(AGAIN_S)) from None


def _findings(body: bytes) -> list[tuple[str, str, str]]:
    """Token, type and url of each. Raises InvalidJson, InvalidField."""
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidJson from None
    if not isinstance(listed, list) or len(listed) > MAX_FINDINGS:
        raise InvalidField
    return [_finding(entry) for entry in listed]


def _finding(entry: Any) -> tuple[str, str, str]:
    if not isinstance(entry, dict):
        raise InvalidField
    token, kind, url = (entry.get(name) or "" for name in ("token", "type", "url"))
    if not all(isinstance(text, str) and _can_be_written(text) for text in (token, kind, url)) or not token:
        raise InvalidField(param="token")
    return token, kind, url


def _can_be_written(text: str) -> bool:
    """Half a pair of surrogates, or NUL, can be in JSON and nowhere else."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
