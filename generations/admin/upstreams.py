"""Upstreams: set up, watched, tried."""

import asyncio
import base64
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action

from accounts.connections import let_go
from generations import circuit, trial
from generations.admin import money
from generations.admin.upstream_form import UpstreamForm
from generations.models import Upstream
from generations.providers import ADAPTERS
from generations.request import ASPECT_RATIOS

PROMPT = "a lighthouse at dusk"
LINK = '<a class="underline whitespace-nowrap" href="{}">{}</a>'


@admin.register(Upstream)
class UpstreamAdmin(ModelAdmin):  # type: ignore[misc]  # the library has no types
    form = UpstreamForm
    list_display = (
        "name",
        "provider_title",
        "enabled",
        "priority",
        "weight",
        "load",
        "circuit_state",
        "cost",
        "try_it",
    )
    list_filter = ("provider", "enabled")
    ordering = ("priority", "name")
    actions = ("enable", "disable", "close_circuit")
    actions_detail = ("try_this",)
    list_select_related = ("state",)
    fieldsets = (
        (None, {"fields": ("name", "provider", "base_url", "credential", "models", "enabled")}),
        (gettext_lazy("What it makes"), {"fields": ("size_list", ("min_side", "max_side"))}),
        (gettext_lazy("How much"), {"fields": (("priority", "weight"), ("concurrency", "polls_per_second"))}),
        (gettext_lazy("What it costs"), {"fields": (("cost", "cost_unit"),)}),
        (gettext_lazy("How it speaks"), {"fields": ("resends", "uses_webhooks", "webhook_secret")}),
    )

    # --- The list ---

    @admin.display(description=gettext_lazy("Provider"), ordering="provider")
    def provider_title(self, upstream: Upstream) -> str:
        adapter = ADAPTERS.get(upstream.provider)
        return adapter.title if adapter else upstream.provider

    @admin.display(description=gettext_lazy("At work"))
    def load(self, upstream: Upstream) -> str:
        return f"{upstream.state.in_flight} / {upstream.concurrency}"

    @admin.display(description=gettext_lazy("Circuit"))
    def circuit_state(self, upstream: Upstream) -> str:
        state = upstream.state
        if state.opened_at is None:
            return _("closed")
        account = state.reason == circuit.ACCOUNT
        return format_html(
            '<strong>{}</strong> <span title="{}">{}</span>',
            _("open: refuses our account") if account else _("open: failing"),
            state.detail,
            _("since %(since)s, tried again at %(until)s (UTC)")
            % {"since": f"{state.opened_at:%d %b %H:%M}", "until": f"{state.open_until:%H:%M:%S}"},
        )

    @admin.display(description=gettext_lazy("Cost"))
    def cost(self, upstream: Upstream) -> str:
        return f"{money.shown(upstream.cost_micros)} {upstream.get_cost_unit_display()}"

    @admin.display(description="")
    def try_it(self, upstream: Upstream) -> str:
        return format_html(
            LINK,
            reverse("admin:try_upstream", args=[upstream.pk]),
            _("Try it"),
        )

    # --- What may be done ---

    def has_delete_permission(self, request: HttpRequest, obj: Upstream | None = None) -> bool:
        """What it made and cost stays on record, so one that has worked can only be disabled."""
        may: bool = super().has_delete_permission(request, obj)
        return may and (obj is None or not obj.attempts.exists())

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(description=gettext_lazy("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, chosen: QuerySet[Upstream]) -> None:
        self._say(request, chosen.update(enabled=True))

    @admin.action(description=gettext_lazy("Disable: new orders go elsewhere"), permissions=["change"])
    def disable(self, request: HttpRequest, chosen: QuerySet[Upstream]) -> None:
        self._say(request, chosen.update(enabled=False))

    @admin.action(description=gettext_lazy("Close the circuit now"), permissions=["change"])
    def close_circuit(self, request: HttpRequest, chosen: QuerySet[Upstream]) -> None:
        self._say(request, sum(circuit.close(upstream.pk) for upstream in chosen))

    def _say(self, request: HttpRequest, count: int) -> None:
        text = ngettext("%(count)d upstream changed.", "%(count)d upstreams changed.", count)
        messages.success(request, text % {"count": count})

    # --- Try it ---

    @action(description=gettext_lazy("Try it"), permissions=["change"])  # type: ignore[untyped-decorator]  # see above
    def try_this(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:try_upstream", object_id)

    def get_urls(self) -> list[URLPattern]:
        own = [path("<int:pk>/try/", self.admin_site.admin_view(self.try_view), name="try_upstream")]
        urls: list[URLPattern] = own + super().get_urls()
        return urls

    def try_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Makes one image with the saved settings, outside of all orders and money, and shows what happened."""
        upstream = get_object_or_404(Upstream.objects.select_related("state"), pk=pk)
        if not self.has_change_permission(request, upstream):
            raise PermissionDenied
        prompt = request.POST.get("prompt", PROMPT).strip()[:1000] or PROMPT
        ratio = request.POST.get("ratio", "1:1")
        if ratio not in ASPECT_RATIOS:
            ratio = "1:1"
        done = None
        if request.method == "POST":
            let_go()  # it takes a while, and connections are few
            done = asyncio.run(trial.try_out(upstream, prompt, *ASPECT_RATIOS[ratio]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Try %(name)s") % {"name": upstream.name},
            "opts": self.opts,
            "original": upstream,
            "prompt": prompt,
            "ratio": ratio,
            "ratios": list(ASPECT_RATIOS),
            "trial": done,
            "cost": money.shown(done.cost_micros) if done else "",
            "image_data": base64.b64encode(done.image.data).decode() if done and done.image else "",
        }
        return render(request, "admin/try_upstream.html", context)
