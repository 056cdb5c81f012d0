"""Where everything of the desk is: by what an operator does, not by the tables that it lies in."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.contrib.admin import site
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.desk.pages import pages
from accounts.models import User

# Machine word -> title, and what is in it: models by their labels with an icon.
GROUPS: Mapping[str, tuple[Any, Sequence[tuple[str, Any, str]]]] = MappingProxyType(
    {
        "today": (None, ()),
        "customers": (
            _("Customers"),
            (
                ("accounts.Organization", _("Organizations"), "groups"),
                ("accounts.User", _("People"), "person"),
                ("accounts.Membership", _("Memberships"), "badge"),
                ("accounts.Invitation", _("Invitations"), "forward_to_inbox"),
                ("accounts.ApiKey", _("Keys"), "key"),
            ),
        ),
        "money": (
            _("Money"),
            (
                ("billing.Wallet", _("Wallets"), "account_balance_wallet"),
                ("billing.LedgerEntry", _("Ledger"), "menu_book"),
                ("billing.Payment", _("Payments"), "payments"),
                ("billing.StripeEvent", _("Events of Stripe"), "inbox"),
                ("generations.BilledDay", _("Upstreams' bills"), "receipt_long"),
                ("billing.CreditPack", _("Packs"), "sell"),
                ("billing.Voucher", _("Vouchers"), "redeem"),
                ("billing.Redemption", _("Redemptions"), "task_alt"),
            ),
        ),
        "generations": (
            _("Generations"),
            (
                ("generations.Generation", _("Orders"), "image_search"),
                ("generations.Attempt", _("Attempts"), "call_split"),
                ("generations.Image", _("Images"), "imagesmode"),
                ("generations.Incident", _("Incidents"), "emergency"),
                ("generations.Takedown", _("Taken down"), "visibility_off"),
                ("generations.BlockedPhrase", _("Blocked phrases"), "block"),
            ),
        ),
        "upstreams": (_("Upstreams"), (("generations.Upstream", _("Upstreams"), "dns"),)),
        "catalogue": (
            _("Catalogue"),
            (
                ("generations.ImageModel", _("Models"), "category"),
                ("generations.ModelPrice", _("Prices"), "price_change"),
                ("generations.Sample", _("Samples"), "gallery_thumbnail"),
            ),
        ),
        "system": (
            _("System"),
            (
                ("accounts.Shop", _("Shops"), "storefront"),
                ("accounts.AuditEvent", _("Audit log"), "history"),
                ("admin.LogEntry", _("Done at the desk"), "edit_note"),
                ("generations.Alarm", _("Alarms"), "notifications_active"),
                ("generations.GpuWorker", _("GPU workers"), "memory"),
                ("accounts.OperatorAlert", _("Alerts"), "notifications"),
                ("accounts.QueuedMail", _("Mail"), "mail"),
                ("webhooks.WebhookEndpoint", _("Webhook endpoints"), "webhook"),
                ("webhooks.WebhookDelivery", _("Webhook deliveries"), "send"),
            ),
        ),
    }
)

# Pages of lists that are no rows: group -> title, icon, name of the address, right.
REPORTS: Mapping[str, Sequence[tuple[Any, str, str, str]]] = MappingProxyType(
    {
        "money": (
            (_("Margin"), "trending_up", "generations_margin", "generations.view_billedday"),
            (_("Leakage"), "water_drop", "generations_leakage", "generations.view_billedday"),
        )
    }
)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """As Unfold wants it: what this operator may open."""
    return [
        {"title": title, "separator": title is not None, "items": found}
        for name, (title, models) in GROUPS.items()
        if (found := [*_pages(request, name), *_lists(request, models)])
    ]


def _pages(request: HttpRequest, group: str) -> Iterator[dict[str, Any]]:
    if group == "today":
        index = reverse("admin:index")
        yield {"title": _("Today"), "icon": "today", "link": index, "active": request.path == index}
    for page in pages:
        if page.group == group and page.is_for(request):
            yield {"title": page.title, "icon": page.icon, "link": reverse(f"admin:{page.name}")}
    for title, icon, name, permission in REPORTS.get(group, ()):
        if isinstance(request.user, User) and request.user.has_perm(permission):
            yield {"title": title, "icon": icon, "link": reverse(f"admin:{name}")}


def _lists(request: HttpRequest, models: Sequence[tuple[str, Any, str]]) -> Iterator[dict[str, Any]]:
    known = by_label()
    for label, title, icon in models:
        model = known.get(label)
        if model is not None and site.get_model_admin(model).has_view_permission(request):
            link = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            yield {"title": title, "icon": icon, "link": link}


def by_label() -> dict[str, type[Model]]:
    """All that is registered."""
    return {model._meta.label: model for model in site._registry}
