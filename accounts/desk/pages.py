"""Pages of the desk that no row of a table has, such as a report. Filled in by modules that Django's admin finds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from accounts.desk.scope import is_platform
from accounts.models import User


@dataclass(frozen=True, slots=True)
class DeskPage:
    """`group`: the machine word of a group of the menu (config/desk/menu.py), "" for a page that others lead to;
    `name`: of its address, as in `admin:name`. `permission`, such as "billing.view_payment": None for all operators.
    Who has it not gets 403, whatever they ask of the page. `icon`: of Material Symbols. `platform_alone`: there is no
    such page for the staff of a shop.
    """

    group: str
    title: Any
    icon: str
    name: str
    path: str
    view: Callable[..., HttpResponse]
    permission: str | None
    platform_alone: bool = False

    def is_for(self, request: HttpRequest) -> bool:
        user = request.user
        if self.platform_alone and not is_platform(request):
            return False
        return isinstance(user, User) and (self.permission is None or user.has_perm(self.permission))


pages: list[DeskPage] = []
