"""The images with which a shop shows what it makes: small copies of those that its operator picked, else of landscapes
that the sandbox drew, which ship with the product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from PIL import Image as Picture
from PIL import ImageOps

from accounts.errors import DomainError
from accounts.models import Membership, Shop, User
from generations import storage
from generations.models import Image, Sample
from generations.providers.sandbox_art import draw_landscape

MOST: Final = 4  # on the page; the newest
SIDES_PIXELS: Final = (400, 500)
QUALITY: Final = 82
# What the product ships as static/img/samples/1.webp and so on: the prompt and the seed of each.
DRAWN: Final = (
    ("a still lake in the afternoon", 6),
    ("mountains at first light", 10),
    ("pines on the shore", 5),
    ("a lake under a crescent moon", 7),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """`path`: where the picture lies, SIDES_PIXELS large."""

    path: str
    caption: str


class NotForShow(DomainError):
    type, status = "not_for_show", 409
    message: Any = _(
        "Only images of an organization that you belong to can be shown to everybody, and only while they are kept."
    )


def shown(shop: Shop) -> tuple[Sequence[Shown], bool]:
    """What the landing page shows, and whether the operator picked it. One query, which reads no picture."""
    picked = Sample.objects.filter(shop=shop, image__takedown=None).order_by("-pk")
    rows = list(picked.values_list("name", "caption")[:MOST])
    if rows:
        return [Shown(reverse("sample", args=[name]), caption) for name, caption in rows], True
    files = (staticfiles_storage.url(f"img/samples/{number}.webp") for number in range(1, len(DRAWN) + 1))
    return [Shown(path, caption) for path, (caption, _seed) in zip(files, DRAWN, strict=True)], False


def pick(image: Image, by: User) -> Sample:
    """Copies it small, so that it stays when the order's own file goes. What customers made is theirs: `by` has to be a
    member of the organization. Raises NotForShow, OSError.
    """
    organization = image.generation.organization
    is_own = Membership.objects.filter(user=by, organization=organization).exists()
    if not is_own or hasattr(image, "takedown"):
        raise NotForShow
    try:
        data = small_copy(storage.read(image.storage_key))
    except FileNotFoundError:
        raise NotForShow from None
    with transaction.atomic():
        sample, _is_new = Sample.objects.get_or_create(
            shop=organization.shop,
            image=image,
            defaults={
                "name": sha256(image.public_id.encode() + data).hexdigest()[:24],
                "caption": image.generation.prompt[: Sample.MAX_CAPTION],
                "data": data,
            },
        )
    return sample


def small_copy(data: bytes) -> bytes:
    with Picture.open(BytesIO(data)) as picture:
        return _encoded(ImageOps.fit(picture.convert("RGB"), SIDES_PIXELS, Picture.Resampling.LANCZOS))


def drawn(prompt: str, seed: int) -> bytes:
    """The file of one of DRAWN."""
    width, height = SIDES_PIXELS
    return _encoded(draw_landscape(prompt, seed, width, height, 1.0))


def _encoded(picture: Picture.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "WEBP", quality=QUALITY, method=6)
    return file.getvalue()
