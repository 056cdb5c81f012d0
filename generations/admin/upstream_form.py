"""What an operator enters for an upstream. Secrets go in, and never come out again."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import sealing
from accounts.desk.base import RowForm
from accounts.names import clean_name
from accounts.shops import address_of
from generations import upstream_checks, wholesale
from generations.catalogue import DEFAULT_MODEL
from generations.models import Upstream
from generations.providers import UPSTREAMS

UNREADABLE = gettext_lazy(
    "It cannot be read: CREDENTIALS_KEY was changed. Either put the former key back behind the new one, separated by a"
    " comma, and run manage.py reseal; or enter it here again. Until then no orders go to this upstream."
)

AT_WORK = gettext_lazy("It works on orders: disable it, and wait until they have ended.")
CIRCLE = gettext_lazy("This address leads back to this very shop: its orders would never end.")


def secret_field(label: Any) -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}, render_value=False)
    return forms.CharField(label=label, required=False, strip=False, widget=widget)


class NamesField(forms.JSONField):
    """JSON, but nothing is nothing and not "null"."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class UpstreamForm(RowForm):
    """`by_platform`: whoever sends it runs the installation, and may lead it into its own network."""

    by_platform = False
    provider = forms.ChoiceField(label=gettext_lazy("Provider"), widget=UnfoldAdminSelectWidget)
    # Named unlike the row's own: a page that shows a row's members must find nothing here.
    new_credential = secret_field(gettext_lazy("Credential"))
    new_webhook_secret = secret_field(gettext_lazy("Webhook secret"))
    model_names = NamesField(
        label=gettext_lazy("Models"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy(
            'Our model and its name there, such as {"z-image-turbo": "its name"}. Empty: its usual name.'
        ),
    )
    size_list = forms.CharField(
        label=gettext_lazy("Sizes"),
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Such as 1024x1024, 1280x720. Empty: every size within the two sides below."),
    )
    cost = forms.DecimalField(
        label=gettext_lazy("Cost"),
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    )

    class Meta:
        model = Upstream
        fields = (
            "name",
            "provider",
            "base_url",
            "model_names",
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
            "base_url": gettext_lazy("Empty: where this provider usually is."),
            "priority": gettext_lazy("Smaller goes first."),
            "weight": gettext_lazy(
                "Among equal priorities: one with 2 gets twice as many orders as one with 1."
            ),
            "concurrency": gettext_lazy("How many of our orders it works on at once."),
            "polls_per_second": gettext_lazy("At most so many. Empty: what this provider allows."),
            "resends": gettext_lazy(
                "When an answer was lost. Only where an order that arrives twice is made once, such as at another shop"
                " of this software, or costs nothing."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.instance.shop = self.shop_of_new()
        row = self.instance
        if "base_url" not in self.fields:  # for somebody who may only look
            return
        self.fields["provider"].choices = [  # type: ignore[attr-defined]  # of a ChoiceField
            ("", "---"),
            *((name, adapter.title) for name, adapter in UPSTREAMS.items() if self._may_be(name)),
        ]
        self.fields["base_url"].required = False
        for name in ("weight", "concurrency", "polls_per_second"):
            self.fields[name].validators.append(MinValueValidator(1))
        self.fields["new_credential"].help_text = secret_state(row.sealed_credential)
        self.fields["new_webhook_secret"].help_text = secret_state(row.sealed_webhook_secret)
        self.fields["cost"].help_text = _(
            "In %(currency)s, such as 0.005. It is only for your own accounts."
        ) % {"currency": row.shop.currency.upper()}
        self.fields["uses_webhooks"].help_text = webhook_help(self.instance.shop_id or self.shop_of_new().pk)
        self.initial["size_list"] = ", ".join(row.sizes)
        self.initial["cost"] = upstream_checks.amount(row.cost_micros)
        if row.pk is None:
            self.initial["model_names"] = None

    def _may_be(self, provider: str) -> bool:
        """Own GPUs are of whoever runs the installation: on them the staff of a shop would make images that nobody is
        paid for. A row that is on one already stays.
        """
        return self.by_platform or not UPSTREAMS[provider].in_house or provider == self.instance.provider

    def clean_name(self) -> str:
        name = clean_name(str(self.cleaned_data["name"]))  # it stands in lines of the log
        if Upstream.objects.filter(shop=self.instance.shop, name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is an upstream of this name already."))
        return name

    def clean_new_credential(self) -> str:
        return upstream_checks.secret(self.cleaned_data["new_credential"])

    def clean_new_webhook_secret(self) -> str:
        return upstream_checks.secret(self.cleaned_data["new_webhook_secret"])

    def clean_size_list(self) -> list[str]:
        return upstream_checks.sizes(self.cleaned_data["size_list"])

    def clean_cost(self) -> int:
        """In millionths."""
        found = self.cleaned_data["cost"]
        return 0 if found is None else upstream_checks.micros(found)

    def clean(self) -> dict[str, Any]:
        fields = self.cleaned_data
        adapter = UPSTREAMS.get(fields.get("provider", ""))
        if adapter is not None:
            self._clean_field("base_url", self._base_url)
            self._clean_field("model_names", self._model_names)
            if fields.get("uses_webhooks") and not adapter.sends_webhooks:
                self.add_error("uses_webhooks", _("%(title)s sends none.") % {"title": adapter.title})
        if self._changes("provider") and self.instance.attempts.filter(outcome="").exists():
            self.add_error("provider", AT_WORK)
        if self._changes("base_url") and self.instance.attempts.filter(outcome="").exists():
            self.add_error("base_url", AT_WORK)
        if self.instance.pk is None or self._changes("base_url"):
            self._clean_field("base_url", self._leads)
        elif fields.get("enabled") and not self.initial["enabled"] and wholesale.closes_circle(self.instance):
            self.add_error("enabled", CIRCLE)
        least, most = fields.get("min_side"), fields.get("max_side")
        if least is not None and most is not None and least > most:
            self.add_error("min_side", _("The shortest side is longer than the longest."))
        for name in ("credential", "webhook_secret"):
            sealed = getattr(self.instance, f"sealed_{name}")
            if not fields.get(f"new_{name}") and not sealing.is_readable(sealed):
                self.add_error(f"new_{name}", str(UNREADABLE))
        return fields

    def _changes(self, name: str) -> bool:
        """Whether it was something else before."""
        known = self.instance.pk is not None
        return known and self.cleaned_data.get(name) not in (None, self.initial[name])

    def _clean_field(self, name: str, check: Any) -> None:
        if name in self.cleaned_data:
            try:
                self.cleaned_data[name] = check()
            except ValidationError as error:
                self.add_error(name, error)

    def _base_url(self) -> str:
        provider = self.cleaned_data["provider"]
        if UPSTREAMS[provider].in_house:
            return ""
        text = self.cleaned_data["base_url"] or UPSTREAMS[provider].base_url
        if not text:
            raise ValidationError(_("This provider has no address of its own: enter yours."))
        return upstream_checks.base_address(text, provider)

    def _leads(self) -> str:
        """Of a new address: not into our network, not in a circle, and not with a secret that was for elsewhere."""
        base_url, row = str(self.cleaned_data["base_url"]), self.instance
        if not base_url:
            return base_url
        if wholesale.circle_by(row.shop_id, base_url):
            raise ValidationError(CIRCLE)
        if self.by_platform:
            return base_url
        if row.sealed_credential and not self.cleaned_data.get("new_credential"):
            raise ValidationError(_("Enter a credential for this address: the present one was for another."))
        return upstream_checks.outside(base_url, row.shop_id)

    def _model_names(self) -> dict[str, str]:
        usual = UPSTREAMS[self.cleaned_data["provider"]].model
        names = self.cleaned_data["model_names"] or ({DEFAULT_MODEL: usual} if usual else {})
        return upstream_checks.model_names(names)

    def save(self, commit: bool = True) -> Upstream:
        row, fields = self.instance, self.cleaned_data
        row.sizes, row.cost_micros = fields["size_list"], fields["cost"]
        if fields["new_credential"]:
            row.credential = fields["new_credential"]
        if fields["new_webhook_secret"]:
            row.webhook_secret = fields["new_webhook_secret"]
        leaves = self._changes("base_url") or self._changes("provider")
        # Providers differ in the paths that they ask for, and some take them from the names of models: what may lead
        # inside is what the platform entered.
        if row.pk is None or leaves:
            row.inside = self.by_platform
        if row.wholesale_id and (leaves or (fields["new_credential"] and wholesale.key_of(row) is None)):
            row.wholesale = None  # whoever it buys from now, those books are not to be read for it
        saved: Upstream = super().save(commit)
        return saved


def secret_state(sealed: str) -> str:
    """What may be said of one."""
    if not sealed:
        return _("Not set.")
    if not sealing.is_readable(sealed):
        return str(UNREADABLE)
    entered_at = sealing.sealed_at(sealed)
    day = date_format(entered_at, "DATETIME_FORMAT") if entered_at else "?"
    return _("Set on %(day)s (UTC), and never shown again. Empty: it stays.") % {"day": day}


def webhook_help(shop_id: int) -> str:
    url = f"{address_of(shop_id)}/hooks/upstream/…"
    words = _(
        "They only shorten the wait. Each order brings its own address, %(url)s, so there is nothing to enter at the"
        " provider."
    ) % {"url": url}
    if not settings.PUBLIC_URL.startswith("https://"):
        words += " " + _("PUBLIC_URL is no https address, so they will not arrive.")
    return words
