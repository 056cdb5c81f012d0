"""The body of an order in version 1: unknown fields are refused, and the customer's own facts are held to bounds."""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.api_v1 import known_fields
from accounts.errors import InvalidField
from generations.request import ASPECT_RATIOS, ImageRequest, image_count, is_storable, parse
from webhooks.addresses import checked_unasked

FIELDS = frozenset(
    {"prompt", "aspect_ratio", "size", "seed", "output_format", "model", "n", "metadata", "webhook_url"}
)
MAX_METADATA_BYTES = 4096  # as JSON without needless spaces, in UTF-8
MAX_METADATA_DEPTH = 3  # metadata itself is the first level
_SLUG = re.compile(r"[A-Za-z0-9_.-]{1,60}")


def parse_v1(body: Mapping[str, Any]) -> ImageRequest:
    """null means absent, for each field but `prompt`. Raises MissingField or InvalidField, naming the field."""
    fields = known_fields(body, FIELDS)
    request = parse(fields)
    ratio = fields.get("aspect_ratio")
    if ratio is not None and (not isinstance(ratio, str) or ratio not in ASPECT_RATIOS):
        # Beside a size, which wins, the documented API lets anything pass.
        raise InvalidField(_("aspect_ratio is 1:1, 4:3, 3:4, 16:9 or 9:16"), param="aspect_ratio")
    return dataclasses.replace(
        request,
        model=_model(fields.get("model")),
        n=image_count(fields.get("n")),
        metadata=_metadata(fields.get("metadata")),
        webhook_url=_webhook_url(fields.get("webhook_url")),
    )


def _model(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        raise InvalidField(_("model is the id of a model, such as z-image-turbo"), param="model")
    return value


def _metadata(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidField(_("metadata is a JSON object"), param="metadata")
    _check_inside(value, 1)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MAX_METADATA_BYTES:
        raise InvalidField(_("metadata takes more than 4096 bytes"), param="metadata")
    return value


def _check_inside(value: Any, depth: int) -> None:
    """Raises InvalidField for what is nested too deeply, and for what no answer could hold."""
    if isinstance(value, dict | list):
        if depth > MAX_METADATA_DEPTH:
            raise InvalidField(_("metadata is nested more than 3 levels deep"), param="metadata")
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_inside(inner, depth + 1)
    elif isinstance(value, str) and not is_storable(value):
        raise InvalidField(_("metadata holds a character that is not allowed"), param="metadata")
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidField(_("metadata holds a number that is too large"), param="metadata")


def _webhook_url(value: Any) -> str:
    return "" if value is None else checked_unasked(value, param="webhook_url")
