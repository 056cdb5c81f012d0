"""Errors, told to Sentry or what speaks its protocol: what broke and where, with the ids of the request and the order.

What is sent is chosen here member by member: no bodies, headers, addresses, people or values of variables.
"""

import logging
from collections.abc import Mapping
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.logging import LoggingIntegration

from accounts import trail
from config.logs import discreet

KEPT = (
    "event_id",
    "timestamp",
    "platform",
    "level",
    "logger",
    "release",
    "environment",
    "sdk",
    "server_name",
)
KEPT_OF_FRAMES = (
    "filename",
    "function",
    "module",
    "lineno",
    "in_app",
    "pre_context",
    "context_line",
    "post_context",
)


def start() -> None:
    """All of ours that breaks is logged as an error, so that is all it listens to: nothing is patched into Django."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        before_send=chosen,  # type: ignore[arg-type]  # its own types are TypedDicts of everything there could be
    )


def chosen(event: Mapping[str, Any], hint: Mapping[str, Any]) -> dict[str, Any]:
    """What may leave the house of an event."""
    sent: dict[str, Any] = {name: event[name] for name in KEPT if name in event}
    sent["tags"] = {name: discreet(value) for name, value in trail.ids().items()}
    record = hint.get("log_record")
    if isinstance(record, logging.LogRecord):
        sent["logentry"] = {"formatted": discreet(record.getMessage())}
    if "exception" in event:
        sent["exception"] = {"values": [_exception(one) for one in event["exception"].get("values", ())]}
    return sent


def _exception(one: Mapping[str, Any]) -> dict[str, Any]:
    frames = (one.get("stacktrace") or {}).get("frames", ())
    return {
        "type": one.get("type"),
        "value": discreet(str(one.get("value") or "")),
        "module": one.get("module"),
        "stacktrace": {
            "frames": [{name: frame[name] for name in KEPT_OF_FRAMES if name in frame} for frame in frames]
        },
    }
