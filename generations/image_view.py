"""`/i/<image>.<extension>?e=&s=`: the bytes of an image for whoever holds the signed address."""

import logging
import re

from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from accounts.clock import db_now
from accounts.errors import NotFound, Unavailable
from accounts.shops import shop_id_of
from generations import retention, storage
from generations.errors import ImageDeleted, LinkClosed
from generations.models import Image

logger = logging.getLogger(__name__)

STORAGE_RETRY_S = 5

# One range as RFC 9110 has it: first-last, first-, or -length. Several at once may be ignored, and are.
RANGE = re.compile(r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<length>[0-9]{1,18}))")


@require_safe
def serve_image(request: HttpRequest, name: str) -> HttpResponseBase:
    """403 altered or expired, 410 deleted or past retention, 404 never ours, 503 when the storage is away; else 200,
    206, 304 or 416.
    """
    return _answer(request, name, *_opened(request, name))


def _opened(request: HttpRequest, name: str) -> tuple[Image, storage.SignedName, int]:
    """The image, the address as it was signed, and for how many more seconds it opens.

    Raises LinkClosed, NotFound or ImageDeleted.
    """
    try:
        signed = storage.read_address(name, *_expiry_and_signature(request))
    except storage.BadAddress:
        raise LinkClosed from None
    # The clock that signed the link also judges it, so no machine's own clock matters.
    found = Image.objects.annotate(now=db_now(), own_days=F("generation__organization__retention_days"))
    here = found.filter(generation__organization__shop=shop_id_of(request))
    image = here.filter(public_id=signed.image_id).first()
    if image is None:
        raise NotFound
    if signed.expires_at <= image.now.timestamp():
        raise LinkClosed
    if signed.extension not in (image.extension, storage.THUMBNAIL_EXTENSION):
        raise NotFound
    if not image.is_kept(image.now, retention.days_kept(image.own_days)):
        raise ImageDeleted
    return image, signed, signed.expires_at - int(image.now.timestamp())


def _answer(
    request: HttpRequest, name: str, image: Image, signed: storage.SignedName, seconds_left: int
) -> HttpResponseBase:
    response = HttpResponse(content_type=storage.CONTENT_TYPES[signed.extension.rpartition(".")[2]])
    response["ETag"] = f'"{image.sha256}.{signed.extension}"'
    response["Cache-Control"] = f"private, max-age={seconds_left}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"  # customers embed images in their own pages
    response["Accept-Ranges"] = "bytes"
    conditional = get_conditional_response(request, etag=response["ETag"], response=response)
    if conditional is not None and conditional.status_code != 200:
        return conditional
    try:
        is_thumbnail = signed.extension == storage.THUMBNAIL_EXTENSION
        data = storage.thumbnail(image.storage_key) if is_thumbnail else storage.read(image.storage_key)
    except FileNotFoundError:
        # Deleted a moment ago, or lost: either way it will not come back.
        logger.warning("image %s: no file %s", image.public_id, image.storage_key)
        raise ImageDeleted from None
    except OSError as error:
        logger.warning("image %s: its storage is away: %s", image.public_id, error)
        raise Unavailable(retry_after=STORAGE_RETRY_S) from None
    return _with_body(request, response, data)


def _with_body(request: HttpRequest, response: HttpResponse, data: bytes) -> HttpResponse:
    """Put `data`, or the part of it that was asked for, into `response`."""
    part = _asked_part(request, len(data), response["ETag"])
    if part is None:
        body = data
    elif not part:
        response.status_code, body = 416, b""
        response["Content-Range"] = f"bytes */{len(data)}"
    else:
        response.status_code, body = 206, data[part.start : part.stop]
        response["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{len(data)}"
    response["Content-Length"] = str(len(body))
    if request.method != "HEAD":
        response.content = body
    return response


def _asked_part(request: HttpRequest, size: int, etag: str) -> range | None:
    """The positions asked for; None for the whole file, empty if there are none such."""
    asked = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if not asked or request.method != "GET" or request.headers.get("If-Range", etag) != etag:
        return None
    if asked["length"]:
        return range(max(0, size - int(asked["length"])), size)
    first = int(asked["first"])
    last = min(int(asked["last"]) if asked["last"] else size, size - 1)
    if asked["last"] and int(asked["last"]) < first:
        return None  # not a range at all
    return range(first, last + 1)


def _expiry_and_signature(request: HttpRequest) -> tuple[str, str]:
    """The two parameters, each exactly once and no others: what we made, nothing else, opens."""
    given = {key: values for key, values in request.GET.lists() if len(values) == 1}
    if set(request.GET) != {"e", "s"} or len(given) != 2:
        raise storage.BadAddress
    return given["e"][0], given["s"][0]
