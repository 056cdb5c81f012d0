"""What the operator's pages of all apps have in common."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.desk.lists import ListOfMany
from accounts.desk.rows import OfDesk, OfShop
from accounts.models import User

FORM_METHODS = ["GET", "HEAD", "POST"]  # of a page with a form

if TYPE_CHECKING:
    BaseForm = ModelForm[Any]
else:
    BaseForm = ModelForm


class DeskAdmin(OfShop):
    """Rows that operators enter."""


class RowForm(OfDesk, BaseForm):
    pass


@dataclass(frozen=True, slots=True)
class Notice:
    """What stands still until an operator does something, and where that is done."""

    title: str
    advice: str
    path: str


def reason_field(help_text: Any = None, *, max_length: int = 500) -> forms.CharField:
    """Why an operator does something."""
    return forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=max_length,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=help_text or gettext_lazy("For operators alone."),
    )


class ReasonForm(forms.Form):
    reason = reason_field()


class ReadOnlyAdmin(ListOfMany):
    """For rows that only the product itself writes. What operators may do with them are actions of their own."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may(self, request: HttpRequest, action: str) -> bool:
        """Whether this operator was given `action` (view, change, …) on the rows by somebody."""
        permission = f"{self.opts.app_label}.{action}_{self.opts.model_name}"
        return isinstance(request.user, User) and request.user.has_perm(permission)

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        """Of a deed, inside the desk."""
        common = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return TemplateResponse(request, template, common | context)


def actor_of(request: HttpRequest) -> str:
    """How append-only rows name an operator."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("An operator is signed in.")
    return f"staff:{user.uuid}"
