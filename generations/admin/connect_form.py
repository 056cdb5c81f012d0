"""Which shop buys from which other one, and as which of its customers: for whoever runs the installation."""

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.desk import scope
from accounts.desk.base import actor_of, reason_field
from accounts.errors import DomainError
from accounts.models import Organization, Shop, User
from accounts.organizations import full_slug, named
from accounts.origin import origin_of
from generations import wholesale
from generations.models import Upstream

PERMISSIONS = ("generations.add_upstream", "accounts.change_shop")


def may_connect(request: HttpRequest) -> bool:
    """It makes a key of a customer's, and leads into our own network: so nobody does who works for one shop."""
    user = request.user
    return isinstance(user, User) and scope.is_platform(request) and user.has_perms(PERMISSIONS)


class ConnectForm(forms.Form):
    """Cleaned: `shop` a Shop, `organization` an Organization with its shop."""

    shop = forms.SlugField(
        label=gettext_lazy("Shop that buys"),
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Its short name, as it stands among the shops."),
    )
    organization = forms.CharField(
        max_length=130,
        label=gettext_lazy("Customer as which it buys"),
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "The short name of an organization of the shop that sells, mostly the platform's own; where several shops"
            " have one of that name, shop/short-name. Its credits are what images are paid with, at the prices of that"
            " shop."
        ),
    )
    reason = reason_field()

    def clean_shop(self) -> Shop:
        found = Shop.objects.filter(slug=self.cleaned_data["shop"], closed_at=None).first()
        if found is None:
            raise ValidationError(_("There is no such shop."))
        return found

    def clean_organization(self) -> Organization:
        found = list(named(self.cleaned_data["organization"]).filter(closed_at=None)[:20])
        if not found:
            raise ValidationError(_("There is no such organization."))
        if len(found) > 1:
            words = _("Several shops have an organization of that name: enter one of %(names)s.")
            raise ValidationError(words % {"names": ", ".join(map(full_slug, found))})
        return found[0]

    def connect(self, request: HttpRequest) -> Upstream | None:
        """None: the form says why not."""
        fields = self.cleaned_data
        try:
            return wholesale.connect(
                fields["shop"],
                fields["organization"],
                actor=actor_of(request),
                origin=origin_of(request),
                note=fields["reason"],
            )
        except DomainError as error:
            self.add_error(None, str(error.message))
            return None
