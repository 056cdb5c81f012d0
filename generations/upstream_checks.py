"""What an operator enters for an upstream, held against what is usually mistyped. Each raises ValidationError."""

import re
from decimal import Decimal
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from generations.models import ImageModel
from generations.providers.wire import origin_of
from generations.request import MAX_SIDE, MIN_SIDE, SIDE_STEP
from webhooks.outbound import Refused, ResolversBusy, check_address

MICROS = Decimal(1_000_000)
MAX_CREDENTIAL = 2000
_SIZE = re.compile(r"([1-9][0-9]{1,4})\s*[x*×]\s*([1-9][0-9]{1,4})")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[?[0-9A-Fa-f:.]+\]?")
# What is pasted from a provider's page although the adapter adds it by itself.
_ENDPOINT = re.compile(
    r"/(api|api/v[0-9]+|api/generate|api/status|v1|v1/models(/.*)?|v1/predictions|v1/images(/generations)?"
    r"|api/v[0-9]+/.*|fal-ai/.*|.*/predictions|.*/generations?|.*/text2image.*)",
    re.IGNORECASE,
)
_TOLERATED = {"openai_compatible": ("/v1",)}  # with which most of its clients want it


def base_address(text: str, provider: str) -> str:
    """`text` without a slash at its end."""
    if not text.isascii() or not text.isprintable() or re.search(r'[\s"<>\\^`{|}]', text):
        raise ValidationError(_("An address has no spaces, line breaks or such signs in it."))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValidationError(_("This is not an address; it looks like https://api.example.com.")) from None
    if parts.scheme not in ("https", "http"):
        raise ValidationError(_("An address begins with https://, or with http:// in your own network."))
    if parts.username is not None or parts.password is not None:
        raise ValidationError(_("No user or password belongs into the address: enter the credential below."))
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or port == 0:
        raise ValidationError(_("This is not an address; it looks like https://api.example.com."))
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValidationError(_("Leave away what follows ? or #: only the base address belongs here."))
    path = parts.path.rstrip("/")
    if _ENDPOINT.fullmatch(path) and path not in _TOLERATED.get(provider, ()):
        kept = f"{parts.scheme}://{parts.netloc}"
        raise ValidationError(
            _("%(path)s is added by itself: enter only %(kept)s.") % {"path": path, "kept": kept}
        )
    return text.rstrip("/")


def is_allowed_inside(base_url: str) -> bool:
    """To the staff of all shops, by the operator of the installation: exactly this scheme, host and port."""
    return origin_of(base_url) in settings.UPSTREAM_ORIGINS


def outside(base_url: str, shop_id: int) -> str:
    """`base_url` as the staff of a shop may enter it: on the public internet, or allowed to all shops."""
    if is_allowed_inside(base_url):
        return base_url
    try:
        check_address(base_url, share=f"shop:{shop_id}")
    except Refused as refused:
        raise ValidationError(
            _("%(why)s. Only the operator of this installation can allow addresses in their network.")
            % {"why": refused.reason}
        ) from None
    except ResolversBusy:
        raise ValidationError(_("This name could not be looked up in time. Please try again.")) from None
    return base_url


def secret(text: str) -> str:
    """A credential or a webhook's secret, as it goes into a header."""
    if not text.isascii():
        raise ValidationError(
            _("A credential is plain ASCII; this one holds other signs. Copy it once more.")
        )
    if text.lower().startswith(("bearer ", "key ", "token ", "authorization:")):
        raise ValidationError(_("Leave away the word in front of the credential, such as Bearer."))
    if any(sign.isspace() or not sign.isprintable() for sign in text):
        raise ValidationError(_("A credential has no spaces or line breaks. Copy it once more."))
    if len(text) > MAX_CREDENTIAL:
        raise ValidationError(_("This is too long for a credential."))
    return text


def sizes(text: str) -> list[str]:
    """Of "1024x1024, 1280*720", as the row keeps them: each once."""
    found = []
    for part in (part.strip() for part in re.split(r"[,;\n]", text)):
        if not part:
            continue
        match = _SIZE.fullmatch(part)
        if match is None:
            raise ValidationError(
                _("%(part)s is not a size; sizes look like 1024x1024, 1280x720.") % {"part": part[:40]}
            )
        sides = int(match[1]), int(match[2])
        if any(side % SIDE_STEP or not MIN_SIDE <= side <= MAX_SIDE for side in sides):
            facts = {"part": part[:40], "step": SIDE_STEP, "least": MIN_SIDE, "most": MAX_SIDE}
            raise ValidationError(
                _("%(part)s: each side is a multiple of %(step)d from %(least)d to %(most)d.") % facts
            )
        found.append(f"{match[1]}x{match[2]}")
    return list(dict.fromkeys(found))


def model_names(names: object) -> dict[str, str]:
    """Our model's slug -> its name there."""
    if not isinstance(names, dict) or not all(
        isinstance(name, str) and name.strip() for name in names.values()
    ):
        raise ValidationError(_('Models look like {"z-image-turbo": "its name there"}.'))
    unknown = set(names) - set(ImageModel.objects.values_list("slug", flat=True))
    if unknown:
        raise ValidationError(_("We have no model %(name)s.") % {"name": sorted(unknown)[0][:60]})
    return {slug: name.strip() for slug, name in names.items()}


def polls_within_limits() -> int:
    """Questions a second that a shop of this installation lets one key ask, all its orders together."""
    return min(20, max(1, settings.RATE_LIMIT_READ_PER_MINUTE // 60))


def micros(amount: Decimal) -> int:
    """Of an amount with at most six digits behind the point, without a float on the way."""
    scaled = amount * MICROS
    if scaled != scaled.to_integral_value():
        raise ValidationError(_("At most six digits behind the point."))
    return int(scaled)


def amount(micros: int) -> Decimal:
    """For people: 5000 is 0.005."""
    found = Decimal(micros) / MICROS
    plain = found.normalize()
    return plain.quantize(Decimal(1)) if plain == plain.to_integral_value() else plain
