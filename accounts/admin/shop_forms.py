"""What operators type of a shop: the one that opens it, its own page, and its domains."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.forms import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts import logos, shop_rules, shops
from accounts.desk.base import RowForm
from accounts.hosts import clean_host, shown_host
from accounts.models import Shop, ShopDomain
from accounts.names import clean_name

if TYPE_CHECKING:
    DomainRows = BaseInlineFormSet[ShopDomain, Shop, Any]
else:
    DomainRows = BaseInlineFormSet

LIMITS = ("rate_per_minute", "burst")  # of what all shops share: the platform's to say


class NewShopForm(RowForm):
    """`save` makes no row: shop_opening.open_shop does, with what these were cleaned to."""

    domain = forms.CharField(
        label=_("Domain"),
        max_length=260,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Such as shop.example. Its links begin with it; others can be added later."),
    )
    operator = forms.EmailField(
        label=_("First operator"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Gets a mail with the way to the desk, and an account if they have none."),
    )

    class Meta:
        model = Shop
        fields = ("name", "currency")
        help_texts = {"currency": _("Of all its prices, such as usd.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["name"] = ""  # the product's own is nobody's brand

    def clean_currency(self) -> str:
        return shop_rules.clean_currency(self.cleaned_data["currency"])

    def clean_domain(self) -> str:
        return shop_rules.clean_domain(self.cleaned_data["domain"])


class ShopForm(RowForm):
    by_platform: ClassVar[bool] = False  # set for each request

    patterns: ClassVar[dict[str, Any]] = {
        "accent": RegexValidator(r"^#[0-9a-fA-F]{6}\Z", _("A colour is written as #rrggbb.")),
        "currency": RegexValidator(r"^[a-z]{3}\Z", _("A currency is three small letters, such as usd.")),
        "welcome_credits": MaxValueValidator(shop_rules.MOST_CREDITS),
        **dict.fromkeys(LIMITS, MaxValueValidator(shop_rules.MOST_ORDERS)),
    }
    new_logo = forms.FileField(
        label=_("New logo"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("A PNG, JPEG or WebP of at most 2 MB, shown 32 pixels high in place of the plate."),
    )
    no_logo = forms.BooleanField(
        label=_("Remove the logo"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=_("The plate comes back."),
    )
    languages = forms.CharField(
        label=_("Languages"),
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "Of en, de and zh-hans, by commas. The first is for whoever asks for none of these; pages in others lead to"
            " it. Empty: all of them."
        ),
    )
    sign_up_domains = forms.CharField(
        label=_("E-mail domains that may sign up"),
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Such as example.org, by commas. Empty: as the settings say, else all of them."),
    )

    class Meta:
        model = Shop
        fields = (
            "name",
            "promise",
            "landing_text",
            "languages",
            "accent",
            "currency",
            "logo_has_name",
            "terms_version",
            "terms_url",
            "privacy_version",
            "privacy_url",
            "imprint_url",
            "support_email",
            "sender_email",
            "sign_up",
            "sign_up_domains",
            "welcome_credits",
            *LIMITS,
        )
        help_texts = {
            "promise": _(
                "One sentence on the landing page. Empty: the product's own, in the reader's language."
            ),
            "landing_text": _("Some more of them, below. Empty lines part paragraphs."),
            "accent": _(
                "Colour as #rrggbb. Where it would be hard to read, pages show it darker, or lighter in the dark."
            ),
            "currency": _(
                "Of all prices; it stays once somebody has paid. Packs keep theirs until you change them."
            ),
            "terms_version": _(
                "Such as a date. Members accept each version once before they go on; empty: nobody is asked."
            ),
            "privacy_version": _("Likewise."),
            "support_email": _("At the foot of every page and on errors; empty: none."),
            "sender_email": _(
                "Where its mails come from, at one of its domains. Empty: the platform's own address."
            ),
            "sign_up": _("Empty: as the settings say."),
            "welcome_credits": _(
                "For whoever opens an account. Empty: none, but at the first shop as the settings say."
            ),
            "rate_per_minute": _(
                "Of an organization that has no limit of its own. Empty: as the settings say."
            ),
            "burst": _("Likewise."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, pattern in self.patterns.items():
            if name in self.fields:  # not when it may only be looked at
                self.fields[name].validators.append(pattern)
        for name in LIMITS:
            if name in self.fields:
                self.fields[name].validators.append(MinValueValidator(1))
                self.fields[name].widget.attrs["min"] = 1
        for name in ("languages", "sign_up_domains"):
            listed: list[str] = getattr(self.instance, name)
            self.initial[name] = ", ".join(shown_host(one) for one in listed)

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean_new_logo(self) -> bytes | None:
        """The PNG that is kept of it."""
        file = self.cleaned_data["new_logo"]
        return logos.prepare(file.read(logos.MAX_BYTES + 1)) if file else None

    def clean_languages(self) -> list[str]:
        return shop_rules.clean_languages(self.cleaned_data["languages"])

    def clean_sign_up_domains(self) -> list[str]:
        return shop_rules.clean_mail_domains(self.cleaned_data["sign_up_domains"])

    def clean_sender_email(self) -> str:
        email: str = self.cleaned_data["sender_email"]
        return shop_rules.clean_sender(email, self.instance, by_platform=self.by_platform)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for kind in ("terms", "privacy"):
            if cleaned.get(f"{kind}_version") and not cleaned.get(f"{kind}_url", "x"):
                self.add_error(f"{kind}_url", ValidationError(_("Say where the version can be read.")))
        if cleaned.get("new_logo") and cleaned.get("no_logo"):
            self.add_error("no_logo", ValidationError(_("Either a new one, or none.")))
        keeps_one = self.instance.logo and not cleaned.get("no_logo")
        if cleaned.get("logo_has_name") and not cleaned.get("new_logo", "x") and not keeps_one:
            untick = _("Without a logo nothing would show the name: take this tick away as well.")
            self.add_error("logo_has_name", ValidationError(untick))
        for words in shop_rules.lacks(self.instance):
            self.add_error(None, ValidationError(words))
        return cleaned


class DomainForm(RowForm):
    host = forms.CharField(label=_("Host name"), max_length=260, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = ShopDomain
        fields = ("host", "is_primary", "active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["host"] = shown_host(self.instance.host)

    def clean_host(self) -> str:
        return shop_rules.clean_domain(self.cleaned_data["host"], self.instance.shop_id)


class DomainFormSet(DomainRows):
    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data.get("host")]
        kept = [row for row in rows if not row.get("DELETE")]
        primary = [row for row in kept if row["is_primary"]]
        is_first = self.instance.pk == shops.first_id()
        if len(primary) > 1:
            raise ValidationError(_("Links can begin with one domain alone: tick one."))
        if primary and not primary[0]["active"]:
            raise ValidationError(_("Links cannot begin with a domain that leads nowhere."))
        if not is_first and not any(row["active"] for row in kept):
            raise ValidationError(_("A shop needs a domain that leads to it."))
        if not is_first and not primary:
            raise ValidationError(_("Tick the domain that links begin with."))

    def save(self, commit: bool = True) -> Any:
        """First whoever gives way: a shop has one primary domain at any moment. Another shop may get a name that is
        given up, so no mail comes from there any more.
        """
        before = set(self._hosts())
        ahead = [form.instance.pk for form in self.forms if form.cleaned_data.get("is_primary")]
        behind = ShopDomain.objects.filter(shop=self.instance, is_primary=True)
        behind.exclude(pk__in=[pk for pk in ahead if pk is not None]).update(is_primary=False)
        saved = super().save(commit)
        sender = Shop.objects.values_list("sender_email", flat=True).get(pk=self.instance.pk)
        if clean_host(sender.rpartition("@")[2]) in before - set(self._hosts()):
            Shop.objects.filter(pk=self.instance.pk).update(sender_email="")
        return saved

    def _hosts(self) -> Iterable[str]:
        return ShopDomain.objects.filter(shop=self.instance).values_list("host", flat=True)
