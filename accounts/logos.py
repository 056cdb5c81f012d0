"""A shop's own logo: whatever picture its operator has, kept as a small PNG: no file of theirs is served."""

from hashlib import sha256
from io import BytesIO
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image

from accounts.models import Shop, ShopLogo

MAX_BYTES: Final = 2_000_000
MAX_PIXELS: Final = 4096 * 4096
BOX_PIXELS: Final = (480, 96)  # three times as large as it is shown, for fine screens
SHOWN_HIGH_PIXELS: Final = 32
FORMATS: Final = ("PNG", "JPEG", "WEBP")


def prepare(data: bytes) -> bytes:
    """The PNG, within BOX_PIXELS. Raises ValidationError, with what to do."""
    if len(data) > MAX_BYTES:
        raise ValidationError(_("That file is too large. Choose one of at most 2 MB."))
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise ValidationError(_("That picture has too many pixels. Choose a smaller one."))
            logo = picture.convert("RGBA")
    except ValidationError:
        raise
    except Exception as error:
        raise ValidationError(
            _("That is no picture that can be read. Choose a PNG, JPEG or WebP.")
        ) from error
    logo.thumbnail(BOX_PIXELS, Image.Resampling.LANCZOS)
    file = BytesIO()
    logo.save(file, "PNG", optimize=True)
    return file.getvalue()


@transaction.atomic
def put(shop: Shop, png: bytes) -> None:
    """Its name ends with how wide it is shown, so that pages keep the place."""
    with Image.open(BytesIO(png)) as picture:
        width = max(1, round(picture.width * SHOWN_HIGH_PIXELS / picture.height))
    name = f"{sha256(png).hexdigest()[:16]}-{width}"
    ShopLogo.objects.update_or_create(shop=shop, defaults={"name": name, "data": png})
    _use(shop, name)


@transaction.atomic
def remove(shop: Shop) -> None:
    ShopLogo.objects.filter(shop=shop).delete()
    _use(shop, "")


def picture_of(shop: Shop, name: str) -> bytes | None:
    """The PNG of this name; None when the shop has another one by now, or none."""
    found = ShopLogo.objects.filter(shop=shop, name=name).values_list("data", flat=True).first()
    return None if found is None else bytes(found)


def _use(shop: Shop, name: str) -> None:
    shop.logo = name
    shop.save(update_fields=["logo"])
