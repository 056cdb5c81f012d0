"""Forms of pages: the API's own rules, said in words for people."""

import dataclasses
import datetime
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _

from accounts.errors import InvalidField, MissingField
from generations.catalogue import DEFAULT_MODEL
from generations.models import Generation
from generations.request import (
    ASPECT_RATIOS,
    MAX_N,
    MAX_PROMPT,
    MAX_SEED,
    OUTPUT_FORMATS,
    RANDOM_SEED,
    ImageRequest,
    image_count,
    parse,
)

_TOKEN = re.compile(r"[0-9A-Za-z_-]{16,64}")
DEFAULT_RATIO = "1:1"
COUNTS = tuple(str(number) for number in range(1, MAX_N + 1))
LIVE, TEST = "live", "test"  # on credits; free, drawn by the sandbox
REMEMBERED = ("aspect_ratio", "seed", "output_format", "n", "model", "mode")
Seed = Literal["asked", "drawn", "new"]


class DayField(forms.DateField):
    """A day of this shop's time: what is reckoned with it stays among the dates that there are."""

    FIRST, LAST = datetime.date(2000, 1, 1), datetime.date(2999, 12, 31)

    def __init__(self, **kwargs: Any) -> None:
        validators = [MinValueValidator(self.FIRST), MaxValueValidator(self.LAST)]
        super().__init__(required=False, validators=validators, **kwargs)


class PlaygroundForm(forms.Form):
    """When valid, `image_request` holds the order. `models`: what is sold."""

    prompt = forms.CharField(required=False)
    aspect_ratio = forms.CharField(required=False)
    seed = forms.CharField(required=False)
    output_format = forms.CharField(required=False)
    n = forms.CharField(required=False)
    model = forms.CharField(required=False)

    image_request: ImageRequest

    def __init__(self, data: Mapping[str, Any], *, models: Sequence[str]) -> None:
        super().__init__(data)
        self._models = models

    @property
    def livemode(self) -> bool:
        """`free` is the button that makes the same without credits."""
        return self.data.get("mode") != TEST and not self.data.get("free")

    def clean_prompt(self) -> str:
        # Browsers send line breaks as two characters; the counter, and the API, count one.
        return str(self.cleaned_data["prompt"]).replace("\r\n", "\n")

    def clean_n(self) -> int:
        text = self.cleaned_data["n"]
        try:
            return image_count(int(text) if text else None)
        except (ValueError, InvalidField):
            raise forms.ValidationError(_("Choose 1 to 4 images.")) from None

    def clean_model(self) -> str:
        slug: str = self.cleaned_data["model"]
        if slug and slug not in self._models:
            raise forms.ValidationError(_("This model is no longer sold. Choose another."))
        return "" if slug == DEFAULT_MODEL else slug

    def clean(self) -> dict[str, Any]:
        fields: dict[str, Any] = self.cleaned_data
        if not self.errors:
            n, model = fields["n"], fields["model"]
            try:
                parsed = parse({name: value or None for name, value in fields.items()})
                self.image_request = dataclasses.replace(parsed, n=n, model=model)
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
    seed: Seed = "asked",
    prompt: str = "",
    remembered: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the form holds: what was just typed, else as `like` (with its model) was ordered, its seed being the one
    asked for, the one drawn or a new one; else what was `remembered`, with `prompt`. The order token is new each time,
    so that one shown form orders once.
    """
    values = {
        "prompt": prompt[:MAX_PROMPT],
        "aspect_ratio": DEFAULT_RATIO,
        "seed": "",
        "output_format": OUTPUT_FORMATS[0],
        "n": "1",
        "model": DEFAULT_MODEL,
        "mode": LIVE,
    }
    if form is not None:
        values |= {name: str(form.data.get(name, "")) for name in values}
    elif like is not None:
        values |= _as_ordered(like, seed)
    elif remembered:
        values |= {name: str(remembered[name]) for name in REMEMBERED if name in remembered}
    if values["aspect_ratio"] not in ASPECT_RATIOS:
        values["aspect_ratio"] = DEFAULT_RATIO
    if values["n"] not in COUNTS:
        values["n"] = COUNTS[0]
    if values["mode"] != TEST:
        values["mode"] = LIVE
    return {
        **values,
        "errors": form.errors if form is not None else {},
        "order_token": secrets.token_urlsafe(18),
    }


def _as_ordered(like: Generation, seed: Seed) -> dict[str, str]:
    asked = like.requested_seed if like.requested_seed != str(RANDOM_SEED) else ""
    drawn = asked if like.seed is None else str(like.seed)
    return {
        "prompt": like.prompt,
        "aspect_ratio": like.aspect_ratio or "",
        "seed": {"asked": asked, "drawn": drawn, "new": ""}[seed],
        "output_format": like.output_format,
        "n": str(like.n),
        "model": like.model.slug,
        "mode": LIVE if like.livemode else TEST,
    }


def to_remember(form: PlaygroundForm) -> dict[str, str]:
    """Of a valid form: all but the prompt, as the person will find it again."""
    return {name: value for name, value in shown(form).items() if name in REMEMBERED}


def idempotency_key(token: str, image_request: ImageRequest, endpoint: str) -> str | None:
    """One form sent twice orders once; changed after going back to it, it is another order. None: no usable token."""
    if not _TOKEN.fullmatch(token):
        return None
    return f"page:{token}:{image_request.digest(endpoint)[:16]}"
