"""What an operator may enter for an upstream, and what is refused with its reason."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.organizations import first_shop
from accounts.sealing import Unreadable
from generations.admin import money
from generations.catalogue import DEFAULT_MODEL
from generations.models import ImageModel, Upstream
from generations.providers import ADAPTERS
from generations.request import MAX_SIDE, MIN_SIDE, SIDE_STEP

SIZE = re.compile(r"([0-9]{3,4})[x*×]([0-9]{3,4})")
# The end of an address that somebody copied from documentation.
ENDPOINTS = (
    "/api/generate",
    "/api/status",
    "/images/generations",
    "/predictions",
    "/generation",
    "/v1",
    "/api/v1",
    "/api/v3",
)
KEPT = _("Set. Leave it empty to keep it.")


class UpstreamForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's own has no parameter when it runs
    provider = forms.ChoiceField(label=_("Provider"), widget=UnfoldAdminSelectWidget)
    base_url = forms.CharField(
        label=_("Base address"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Without the endpoint's path. Empty: the provider's usual one."),
    )
    credential = forms.CharField(
        label=_("Credential"),
        required=False,
        max_length=2000,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    webhook_secret = forms.CharField(
        label=_("Webhook secret"),
        required=False,
        max_length=2000,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    models = forms.CharField(
        label=_("Models"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("One a line: ours = theirs. Empty: Z-Image-Turbo by the provider's usual name."),
    )
    size_list = forms.CharField(
        label=_("Sizes"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Such as 1024x1024, 1280x720. Empty: every size between the two sides below."),
    )
    cost = forms.CharField(
        label=_("Cost"),
        initial="0",
        widget=UnfoldAdminTextInputWidget,
        help_text=_("What one costs you, in the shop's currency, such as 0.005; up to six places."),
    )

    class Meta:
        model = Upstream
        fields = (
            "name",
            "provider",
            "base_url",
            "min_side",
            "max_side",
            "priority",
            "weight",
            "concurrency",
            "polls_per_second",
            "cost_unit",
            "resends",
            "uses_webhooks",
            "enabled",
        )
        help_texts = {
            "priority": _("The smallest number goes first."),
            "weight": _("Among equals: twice the weight, twice the orders."),
            "concurrency": _("How many of our orders it works on at once."),
            "polls_per_second": _(
                "How often it may be asked about its orders. Empty: as its documentation allows."
            ),
            "resends": _(
                "An order whose answer was lost is sent again: if it honours the Idempotency-Key, or is your own."
            ),
            "uses_webhooks": _(
                "It tells us when an image is ready. It must reach this shop's address over https."
            ),
        }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        provider = self.fields["provider"]
        assert isinstance(provider, forms.ChoiceField)  # noqa: S101 - it stands above
        provider.choices = [(name, adapter.title) for name, adapter in ADAPTERS.items()]
        upstream: Upstream = self.instance
        if upstream._state.adding:
            return
        self.initial["models"] = "\n".join(
            f"{ours} = {theirs}" for ours, theirs in upstream.model_names.items()
        )
        self.initial["size_list"] = ", ".join(upstream.sizes)
        self.initial["cost"] = money.shown(upstream.cost_micros)
        for name in ("credential", "webhook_secret"):
            self.fields[name].help_text = _secret_help(upstream, name)

    def clean_base_url(self) -> str:
        adapter = ADAPTERS.get(self.cleaned_data.get("provider", ""))
        text = self.cleaned_data["base_url"].strip() or (adapter.base_url if adapter else "")
        if not text:
            raise ValidationError(_("This provider has no usual address: enter yours."))
        try:
            parts = urlsplit(text)
            port_is_sane = parts.port is None or parts.port > 0
        except ValueError:
            raise ValidationError(_("This is not an address.")) from None
        if parts.scheme not in ("https", "http") or not parts.hostname or not port_is_sane:
            raise ValidationError(
                _("An address begins with https:// (or http:// inside your network) and a host.")
            )
        if any(character.isspace() or not character.isprintable() for character in text):
            raise ValidationError(_("An address has no spaces."))
        if parts.username is not None or parts.password is not None:
            raise ValidationError(_("User and password do not belong here: enter the credential below."))
        if parts.query or parts.fragment or "?" in text or "#" in text:
            raise ValidationError(_("The base address ends before any ? or #."))
        path = parts.path.rstrip("/")
        if path.endswith(ENDPOINTS):
            raise ValidationError(
                _("This is an endpoint: enter what stands before %(path)s.") % {"path": path}
            )
        return text.rstrip("/")

    def clean_credential(self) -> str:
        return _sane_secret(self.cleaned_data["credential"])

    def clean_webhook_secret(self) -> str:
        return _sane_secret(self.cleaned_data["webhook_secret"])

    def clean_models(self) -> dict[str, str]:
        adapter = ADAPTERS.get(self.cleaned_data.get("provider", ""))
        names: dict[str, str] = {}
        for line in self.cleaned_data["models"].splitlines():
            if not line.strip():
                continue
            ours, equals, theirs = (part.strip() for part in line.partition("="))
            if not equals or not ours or not theirs:
                raise ValidationError(_('"%(line)s": write ours = theirs.') % {"line": line.strip()})
            if not ImageModel.objects.filter(slug=ours).exists():
                raise ValidationError(_("%(slug)s is none of our models.") % {"slug": ours})
            names[ours] = theirs
        if names:
            return names
        if adapter is None or not adapter.model:
            raise ValidationError(_("Enter how this provider calls the model."))
        return {DEFAULT_MODEL: adapter.model}

    def clean_size_list(self) -> list[str]:
        sizes: list[str] = []
        for text in re.split(r"[,;\s]+", self.cleaned_data["size_list"].strip()):
            if not text:
                continue
            match = SIZE.fullmatch(text)
            sides = (int(match[1]), int(match[2])) if match else (0, 0)
            if any(not MIN_SIDE <= side <= MAX_SIDE or side % SIDE_STEP for side in sides):
                raise ValidationError(
                    _("%(size)s: each side is 256 to 1536, a multiple of 16, such as 1024x1024.")
                    % {"size": text}
                )
            sizes.append(f"{sides[0]}x{sides[1]}")
        return list(dict.fromkeys(sizes))

    def clean_cost(self) -> int:
        try:
            return money.parsed(self.cleaned_data["cost"])
        except ValueError:
            raise ValidationError(_("An amount such as 0.005, with at most six places.")) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        upstream: Upstream = self.instance
        if cleaned.get("min_side") and cleaned.get("max_side") and cleaned["min_side"] > cleaned["max_side"]:
            self.add_error("max_side", _("The longest side is shorter than the shortest."))
        for name in ("weight", "concurrency"):
            if cleaned.get(name) == 0:
                self.add_error(name, _("At least 1."))
        if cleaned.get("polls_per_second") == 0:
            self.add_error("polls_per_second", _("At least 1, or empty."))
        changed = not upstream._state.adding and cleaned.get("provider") not in (
            None,
            self.initial["provider"],
        )
        if changed and upstream.attempts.filter(outcome="").exists():
            self.add_error(
                "provider", _("It works on orders at the moment: disable it, and wait for their end.")
            )
        return cleaned

    def save(self, commit: bool = True) -> Upstream:
        upstream: Upstream = self.instance
        if upstream._state.adding:
            upstream.shop = first_shop()
        upstream.model_names = self.cleaned_data["models"]
        upstream.sizes = self.cleaned_data["size_list"]
        upstream.cost_micros = self.cleaned_data["cost"]
        for name in ("credential", "webhook_secret"):
            if text := self.cleaned_data[name]:
                setattr(upstream, name, text)
        saved: Upstream = super().save(commit)
        return saved


def _secret_help(upstream: Upstream, name: str) -> Any:
    try:
        return KEPT if getattr(upstream, name) else _("Not set.")
    except Unreadable:
        return _(
            "It cannot be read: CREDENTIALS_KEY is not the one it was sealed with. Restore that key, or enter it anew."
        )


def _sane_secret(text: str) -> str:
    """As it is sent in a header: what was pasted with something around it is refused, not guessed at."""
    if not text:
        return ""
    if text.split(" ", maxsplit=1)[0].rstrip(":").lower() in ("bearer", "key", "token", "authorization"):
        raise ValidationError(_("Enter the credential alone, without the word before it."))
    if any(character.isspace() for character in text):
        raise ValidationError(_("It has spaces or line breaks: was more pasted than the credential?"))
    if not text.isascii() or not text.isprintable():
        raise ValidationError(_("It has characters that no credential has."))
    return text
