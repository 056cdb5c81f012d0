"""What a shop does not make: its blocked phrases, and classifiers that an installation adds. Asked before anything is
held. The prompt itself goes to upstreams as it was written.
"""

import logging
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from accounts.access import Access
from accounts.errors import Unavailable
from accounts.glances import Shared
from accounts.models import Organization
from generations.errors import ContentRejected
from generations.models import BlockedPhrase
from generations.request import ImageRequest

logger = logging.getLogger(__name__)

CLASSIFIER_RETRY_S = 30
# Scripts that put no spaces between words.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)

# Given the organization that asks and what for; a text says that it is refused, and why (for our log alone).
Classifier = Callable[[Organization, ImageRequest], str | None]
classifiers: list[Classifier] = []
# Given the file of an image that our own GPU made, and its prompt; the same answers. Upstreams have their own.
ImageClassifier = Callable[[bytes, str], str | None]
image_classifiers: list[ImageClassifier] = []


def refuse_unwanted(access: Access, request: ImageRequest) -> None:
    """Raises ContentRejected; Unavailable when a classifier fails, since nobody then knows."""
    found = _compiled(_phrases_of(access.organization.shop_id))
    if found is not None and found.search(normalized(request.prompt)):
        raise ContentRejected(param="prompt")
    for classify in classifiers:
        try:
            reason = classify(access.organization, request)
        except Exception:
            logger.exception("The classifier %r failed; the order was refused for now", classify)
            raise Unavailable(retry_after=CLASSIFIER_RETRY_S) from None
        if reason:
            logger.info("%s: refused by a classifier: %s", access.organization.slug, reason)
            raise ContentRejected(param="prompt")


def is_unwanted_image(data: bytes, prompt: str) -> bool:
    """Also when a classifier fails, since nobody then knows."""
    for classify in image_classifiers:
        try:
            reason = classify(data, prompt)
        except Exception:
            logger.exception("The image classifier %r failed; the image was withheld", classify)
            return True
        if reason:
            logger.info("An image was withheld by a classifier: %s", reason)
            return True
    return False


def normalized(text: str) -> str:
    """As texts are compared: whatever looks the same to a reader is the same, as far as Unicode knows."""
    plain = unicodedata.normalize("NFKC", text)
    visible = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")  # zero width, soft hyphen
    return " ".join(unicodedata.normalize("NFKC", visible.casefold()).split())


@lru_cache(maxsize=2048)
def _compiled(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    parts = sorted({normalized(phrase) for phrase in phrases} - {""})
    return re.compile("|".join(_bounded(part) for part in parts)) if parts else None


def _bounded(phrase: str) -> str:
    """Whole words alone, where a script has such: "grape" holds no phrase of four letters."""
    before = "" if _UNSPACED.match(phrase[0]) or not phrase[0].isalnum() else r"(?<!\w)"
    after = "" if _UNSPACED.match(phrase[-1]) or not phrase[-1].isalnum() else r"(?!\w)"
    return f"{before}{re.escape(phrase)}{after}"


def _look(shop_ids: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {shop_id: [] for shop_id in shop_ids}
    rows = BlockedPhrase.objects.filter(shop_id__in=shop_ids).order_by("pk").values_list("shop_id", "phrase")
    for shop_id, phrase in rows:
        found[shop_id].append(phrase)
    return {shop_id: tuple(phrases) for shop_id, phrases in found.items()}


_phrases_of = Shared(_look)
forget = _phrases_of.forget
