"""Whether mail goes out, and what operators were told."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.lists import Stretch
from accounts.desk.scope import is_platform
from accounts.models import (
    OperatorAlert,
    QueuedMail,
)
from accounts.signing.adapter import ASKED_FOR


@admin.register(OperatorAlert)
class OperatorAlertAdmin(ReadOnlyAdmin):
    shop_path = "shop"
    list_display = ("subject", "kind", "created_at", "sent_at", "tries")
    list_filter = ("kind", Stretch)


@admin.register(QueuedMail)
class QueuedMailAdmin(ReadOnlyAdmin):
    """Whether mail goes out. What it says is between the shop and the person. Which of those came that anybody can have
    sent, a link or the news that there is no account, is not for a shop's staff: the account may be there because of
    another shop.
    """

    shop_path = "shop"
    list_display = ("template", "to", "created_at", "due_at", "sent_at", "tries")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), Stretch)
    few = frozenset({("sent_at__isempty", "1")})
    fields = ("template", "shop", "to", "created_at", "due_at", "sent_at", "tries")
    readonly_fields = ("kind",)

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._told(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: QueuedMail | None = None) -> Any:
        return self._told(request, self.fields)

    @staticmethod
    def _told(request: HttpRequest, names: Sequence[str]) -> Sequence[str]:
        return names if is_platform(request) else ["kind" if name == "template" else name for name in names]

    @admin.display(description=_("template"))
    def kind(self, mail: QueuedMail) -> str:
        return "account" if mail.template in ASKED_FOR.values() else mail.template
