"""Wallets and the ledger, to be looked at: nothing but billing/ledger.py writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import customers, figures
from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.lists import BY_ORGANIZATION, Stretch
from accounts.models import Organization
from accounts.newest_first import BY_TENANT, OF_ALL
from billing.currencies import value_shown
from billing.models import EntryKind, EntryNote, LedgerEntry, Wallet
from billing.reads import KIND_WORDS

BY_WALLET = "wallet__id__exact"


def in_words(available: int, held: int, owed: int) -> str:
    words = ngettext("%(count)s credit", "%(count)s credits", available) % {"count": figures.count(available)}
    if held:
        words += ", " + _("%(count)s held") % {"count": figures.count(held)}
    return words + (", " + _("%(count)s owed") % {"count": figures.count(owed)} if owed else "")


def balances(organization_ids: Sequence[int]) -> Mapping[int, str]:
    wallets = Wallet.objects.filter(organization__in=organization_ids)
    rows = wallets.values_list("organization_id", "available", "held", "owed")
    return {organization: in_words(*amounts) for organization, *amounts in rows}


def ledger_path(organization: Organization) -> str:
    wallet = Wallet.objects.filter(organization=organization).values_list("pk", flat=True).first()
    return f"{reverse('admin:billing_ledgerentry_changelist')}?{BY_WALLET}={wallet or 0}"


def payments_path(organization: Organization) -> str:
    return f"{reverse('admin:billing_payment_changelist')}?{BY_ORGANIZATION}={organization.pk}"


customers.facts.append(customers.Fact("credits", gettext_lazy("credits"), balances))
customers.rows.append(customers.Rows(gettext_lazy("Ledger"), "billing.view_ledgerentry", ledger_path))
customers.rows.append(customers.Rows(gettext_lazy("Payments"), "billing.view_payment", payments_path))


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    shop_path = "organization__shop"
    list_display = ("organization", "available", "held", "owed", "value", "open_tasks")
    list_select_related = ("organization__shop",)
    narrow = {BY_ORGANIZATION: OF_ALL}
    search_by = {"": "organization__slug"}
    search_help_text = gettext_lazy("An organization's short name")
    fields = (
        "organization",
        ("available", "held"),
        "owed",
        ("value", "open_tasks"),
        "open_limit",
        "entries",
    )
    readonly_fields = ("value", "entries")

    @admin.display(description=gettext_lazy("paid for"))
    def value(self, wallet: Wallet) -> str:
        return value_shown(wallet.value_micros, wallet.organization.shop.currency)

    @admin.display(description=gettext_lazy("ledger"))
    def entries(self, wallet: Wallet) -> str:
        path = reverse("admin:billing_ledgerentry_changelist")
        return format_html(
            '<a class="underline" href="{}?{}={}">{}</a>', path, BY_WALLET, wallet.pk, _("Its entries")
        )


class KindFilter(admin.SimpleListFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.value, str(KIND_WORDS[kind])) for kind in EntryKind]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    shop_path = "wallet__organization__shop"
    list_display = ("created_at", "of", "kind_shown", "available", "held", "owed", "value", "cause", "actor")
    list_select_related = ("wallet__organization__shop",)
    list_filter = (KindFilter, Stretch)
    narrow = {BY_WALLET: BY_TENANT}
    search_by = {"task_": "reference", "": "reference"}
    search_help_text = gettext_lazy("What an entry is for, such as generation:task_…, or the id of a task")
    fields = (
        ("of", "kind_shown"),
        "created_at",
        ("available", "held"),
        "owed",
        ("value", "available_after"),
        ("cause", "actor"),
        "noted",
    )
    readonly_fields = ("of", "kind_shown", "value", "cause", "noted")

    def narrowed_to(self, request: HttpRequest, name: str, value: str) -> str:
        return self.named(request, Wallet, value, "organization__name")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        reference = f"generation:{term}" if term.startswith("task_") else term
        return (queryset.filter(reference=reference) if term else queryset), False

    @admin.display(description=gettext_lazy("organization"))
    def of(self, entry: LedgerEntry) -> str:
        organization = entry.wallet.organization
        path = reverse("admin:accounts_organization_change", args=[organization.pk])
        return format_html('<a class="underline" href="{}">{}</a>', path, organization.name)

    @admin.display(description=gettext_lazy("kind"))
    def kind_shown(self, entry: LedgerEntry) -> str:
        return str(KIND_WORDS[entry.kind])

    @admin.display(description=gettext_lazy("value"))
    def value(self, entry: LedgerEntry) -> str:
        currency = entry.wallet.organization.shop.currency
        return value_shown(entry.value_micros, currency) if entry.value_micros else "-"

    @admin.display(description=gettext_lazy("for"))
    def cause(self, entry: LedgerEntry) -> str:
        """The desk's search field knows where each reference leads."""
        return entry.reference

    @admin.display(description=gettext_lazy("note"))
    def noted(self, entry: LedgerEntry) -> str:
        found = EntryNote.objects.filter(entry=entry).values_list("text", flat=True).first()
        return found or "-"
