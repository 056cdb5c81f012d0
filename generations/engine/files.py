"""From the engine's pixels to the file that is stored, signed where the shop has a certificate for that.

A C2PA manifest says in the file itself that a machine made it. Content credentials are no protection: whoever wants to
can remove them.
"""

import json
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from PIL import Image

from generations.intake import SAVE_OPTIONS
from generations.storage import CONTENT_TYPES

MADE_BY_A_MODEL = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

CLAIM_GENERATOR = "Image engine"  # of no shop's name: the same image may be sold on by another one


class NotSigned(Exception):
    """Signing is wished for, and did not work; the text says why."""


def as_file(image: Image.Image, output_format: str, facts: dict[str, Any]) -> bytes:
    """In one of storage.CONTENT_TYPES. Raises NotSigned."""
    file = BytesIO()
    image.save(file, output_format, **SAVE_OPTIONS[output_format])
    if not settings.C2PA_CERTIFICATE:
        return file.getvalue()
    return sign(file.getvalue(), output_format, facts)


def sign(data: bytes, output_format: str, facts: dict[str, Any]) -> bytes:
    """The same image with a signed manifest in it. Raises NotSigned."""
    try:
        import c2pa  # noqa: PLC0415 - of the extra `gpu`, and only where it is wished for

        signed = BytesIO()
        builder = c2pa.Builder(json.dumps(_manifest(facts)), context=_context())
        builder.sign(_signer(), CONTENT_TYPES[output_format], BytesIO(data), signed)
    except Exception as error:
        raise NotSigned(f"C2PA: {type(error).__name__}: {error}"[:300]) from error
    return signed.getvalue()


def _manifest(facts: dict[str, Any]) -> dict[str, Any]:
    agent = {"name": str(facts.get("model", "")), "version": str(facts.get("revision", ""))}
    made = {"action": "c2pa.created", "digitalSourceType": MADE_BY_A_MODEL, "softwareAgent": agent}
    return {
        "claim_generator_info": [{"name": CLAIM_GENERATOR}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [made]}}],
    }


@lru_cache(maxsize=1)
def _context() -> Any:
    import c2pa  # noqa: PLC0415 - as above

    # A thumbnail in each file would make it a fifth larger.
    return c2pa.Context(c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}}))


@lru_cache(maxsize=1)
def _signer() -> Any:
    import c2pa  # noqa: PLC0415 - as above

    info = c2pa.C2paSignerInfo(
        alg=settings.C2PA_ALGORITHM.encode(),
        sign_cert=Path(settings.C2PA_CERTIFICATE).read_bytes(),
        private_key=Path(settings.C2PA_KEY).read_bytes(),
        ta_url=settings.C2PA_TIMESTAMPS.encode() or None,
    )
    return c2pa.Signer.from_info(info)
