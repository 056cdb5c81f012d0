"""Forms of pages: the API's own rules, said in words for people."""

import datetime
import re
import secrets
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _

from accounts.errors import InvalidField, MissingField
from generations.models import Generation
from generations.request import (
    ASPECT_RATIOS,
    MAX_PROMPT,
    MAX_SEED,
    OUTPUT_FORMATS,
    RANDOM_SEED,
    ImageRequest,
    parse,
)

_TOKEN = re.compile(r"[0-9A-Za-z_-]{16,64}")
DEFAULT_RATIO = "1:1"


class DayField(forms.DateField):
    """A day of this shop's time: what is reckoned with it stays among the dates that there are."""

    FIRST, LAST = datetime.date(2000, 1, 1), datetime.date(2999, 12, 31)

    def __init__(self, **kwargs: Any) -> None:
        validators = [MinValueValidator(self.FIRST), MaxValueValidator(self.LAST)]
        super().__init__(required=False, validators=validators, **kwargs)


class PlaygroundForm(forms.Form):
    """When valid, `image_request` holds the order."""

    prompt = forms.CharField(required=False)
    aspect_ratio = forms.CharField(required=False)
    seed = forms.CharField(required=False)
    output_format = forms.CharField(required=False)

    image_request: ImageRequest

    def clean_prompt(self) -> str:
        # Browsers send line breaks as two characters; the counter, and the API, count one.
        return str(self.cleaned_data["prompt"]).replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        fields: dict[str, Any] = self.cleaned_data
        if not self.errors:
            try:
                self.image_request = parse({name: value or None for name, value in fields.items()})
            except (InvalidField, MissingField) as error:
                self.add_error(error.param, self._words(error))
        return fields

    def _words(self, error: InvalidField | MissingField) -> str:
        prompt = self.cleaned_data.get("prompt", "")
        if error.param == "prompt" and not prompt:
            return _("Write what the image should show.")
        if error.param == "prompt" and len(prompt) > MAX_PROMPT:
            return _("The prompt has %(count)d characters; %(most)d is the most.") % {
                "count": len(prompt),
                "most": MAX_PROMPT,
            }
        if error.param == "seed":
            return _(
                "A seed is a whole number from 0 to %(most)d; leave it empty for a new one each time."
            ) % {"most": MAX_SEED}
        if error.param == "aspect_ratio":
            return _("Choose one of the shapes.")
        return str(error.message)


def shown(
    form: PlaygroundForm | None = None,
    like: Generation | None = None,
    *,
    seed: bool = False,
    prompt: str = "",
) -> dict[str, Any]:
    """What the form's fields hold: what was just typed, else as `like` was ordered (with the seed it drew, if
    `seed`), else `prompt`. The order token is new each time, so that one shown form orders once.
    """
    values = {
        "prompt": prompt[:MAX_PROMPT],
        "aspect_ratio": DEFAULT_RATIO,
        "seed": "",
        "output_format": OUTPUT_FORMATS[0],
    }
    if form is not None:
        values |= {name: str(form.data.get(name, "")) for name in values}
    elif like is not None:
        asked = like.requested_seed if like.requested_seed != str(RANDOM_SEED) else ""
        values |= {
            "prompt": like.prompt,
            "aspect_ratio": like.aspect_ratio or "",
            "seed": str(like.seed) if seed and like.seed is not None else asked,
            "output_format": like.output_format,
        }
    if values["aspect_ratio"] not in ASPECT_RATIOS:
        values["aspect_ratio"] = DEFAULT_RATIO
    return {
        **values,
        "errors": form.errors if form is not None else {},
        "order_token": secrets.token_urlsafe(18),
    }


def idempotency_key(token: str, image_request: ImageRequest, endpoint: str) -> str | None:
    """One form sent twice orders once; changed after going back to it, it is another order. None: no usable token."""
    if not _TOKEN.fullmatch(token):
        return None
    return f"page:{token}:{image_request.digest(endpoint)[:16]}"
