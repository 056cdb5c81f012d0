"""Who works at a shop's desk: seen, given and taken by its operators and by the platform."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import site
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts import staff_roles
from accounts.desk.base import reason_field
from accounts.desk.scope import is_platform, shop_of_desk
from accounts.errors import DomainError
from accounts.models import Shop, ShopStaff, StaffRole, User
from accounts.signing import second_factor

MOST = 200
NONE = ""
MEANS: dict[str, Any] = {
    StaffRole.OPERATOR: gettext_lazy("everything of this shop"),
    StaffRole.SUPPORT: gettext_lazy(
        "customers, orders and images; cancels and repeats tasks, freezes keys, looks in as a member"
    ),
    StaffRole.FINANCE: gettext_lazy(
        "wallets, payments, margins and bills; gives money back, gives and takes credits"
    ),
}


class StaffForm(forms.Form):
    email = forms.CharField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "email", "autocomplete": "off"}),
        help_text=gettext_lazy("Of an account that belongs to this shop and has confirmed this address."),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), required=False, widget=UnfoldAdminSelectWidget)
    reason = reason_field(
        gettext_lazy("For operators alone. It stands under Done at the desk."), max_length=300
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["role"]
        chosen.choices = [*StaffRole.choices, (NONE, _("None: their desk ends at once"))]


def staff_view(request: HttpRequest) -> HttpResponse:
    """GET shows them, POST gives a role, another one, or none."""
    shop = shop_of_desk(request)
    initial = {"email": request.GET.get("email", "")[:254], "role": request.GET.get("role", "")}
    form = StaffForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            done = _write(request, shop, form.cleaned_data)
        except (DomainError, ValidationError) as error:
            form.add_error(None, str(error.message))
        else:
            messages.success(request, done)
            return HttpResponseRedirect(reverse("admin:staff"))
    rows = list(ShopStaff.objects.filter(shop=shop).select_related("user").order_by("pk")[:MOST])
    context = {
        **site.each_context(request),
        "title": _("Staff"),
        "shop": shop,
        "rows": [(row, second_factor.has_one(row.user)) for row in rows],
        "form": form,
        "means": [(StaffRole(role).label, words) for role, words in MEANS.items()],
    }
    return TemplateResponse(request, "admin/staff.html", context)


def _write(request: HttpRequest, shop: Shop, fields: dict[str, Any]) -> str:
    """What was done, in words. Raises DomainError, ValidationError."""
    by = request.user
    if not isinstance(by, User):
        raise TypeError("An operator is signed in.")
    person = staff_roles.candidate(shop, fields["email"], of_all=is_platform(request))
    if person == by and not is_platform(request):
        raise ValidationError(_("This is you. Somebody else has to do it."))
    names = {"person": person.email, "shop": shop.name}
    if fields["role"] == NONE:
        if not staff_roles.end(shop, person, by=by, reason=fields["reason"]):
            raise ValidationError(_("They have no role here."))
        return _("%(person)s does not work at the desk of %(shop)s any more.") % names
    role = StaffRole(fields["role"])
    if not staff_roles.give(shop, person, role, by=by, reason=fields["reason"]):
        raise ValidationError(_("They have this role already."))
    return _("%(person)s works at the desk of %(shop)s: %(role)s.") % {**names, "role": role.label}
