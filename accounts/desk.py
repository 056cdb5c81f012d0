"""What the operator's pages of all apps have in common."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin import ModelAdmin
from django.core.paginator import Paginator
from django.forms import ModelForm
from django.http import HttpRequest

from accounts.models import User

if TYPE_CHECKING:
    DeskAdmin = ModelAdmin[Any]  # Unfold's bears no types
    RowForm = ModelForm[Any]
    InfinitePaginator = Paginator[Any]
else:
    from unfold.admin import ModelAdmin as DeskAdmin
    from unfold.paginator import InfinitePaginator

    RowForm = ModelForm


@dataclass(frozen=True, slots=True)
class Notice:
    """What stands still until an operator does something, and where that is done."""

    title: str
    advice: str
    path: str


class ReadOnlyAdmin(DeskAdmin):
    """For rows that only the product itself writes. What operators may do with them are actions of their own."""

    # Such rows are many: counting those of one list reads all of them.
    show_full_result_count = False
    paginator = InfinitePaginator

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


def actor_of(request: HttpRequest) -> str:
    """How append-only rows name an operator."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("An operator is signed in.")
    return f"staff:{user.uuid}"
