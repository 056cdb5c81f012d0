"""Upstreams: set up, tried, switched on and off."""

import asyncio
import base64
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from accounts.clock import db_now
from accounts.connections import let_go
from accounts.desk import scope
from accounts.desk.base import FORM_METHODS, DeskAdmin
from generations import circuit, routing, trial, wholesale
from generations.admin.connect_form import ConnectForm, may_connect
from generations.admin.upstream_form import CIRCLE, UpstreamForm, secret_state
from generations.models import Attempt, Upstream
from generations.providers import UPSTREAMS
from generations.request import ASPECT_RATIOS, MAX_PROMPT
from generations.upstream_checks import amount
from generations.upstream_states import state_of

PROMPT = gettext_lazy("A lighthouse at dusk, heavy sea, the lamp just lit")


class TrialForm(forms.Form):
    """`clean()["size"]` is (width, height)."""

    prompt = forms.CharField(
        label=gettext_lazy("Prompt"),
        max_length=MAX_PROMPT,
        initial=PROMPT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    size = forms.ChoiceField(label=gettext_lazy("Size"), widget=UnfoldAdminSelectWidget)

    def __init__(self, upstream: Upstream, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = [
            f"{width}x{height}" for width, height in ASPECT_RATIOS.values() if upstream.makes(width, height)
        ]
        least = f"{upstream.min_side}x{upstream.min_side}"
        found = list(dict.fromkeys([*usual, *(upstream.sizes or [least])]))
        self.fields["size"].choices = [(size, size.replace("x", " × ")) for size in found]  # type: ignore[attr-defined]

    @property
    def sides(self) -> tuple[int, int]:
        width, _x, height = str(self.cleaned_data["size"]).partition("x")
        return int(width), int(height)


@admin.register(Upstream)
class UpstreamAdmin(DeskAdmin):
    shop_path = "shop"
    form = UpstreamForm
    list_display = ("name", "provider_title", "state_shown", "priority", "weight", "cost_shown", "enabled")
    list_select_related = ("state", "shop")
    ordering = ("priority", "name")
    actions = ("close_circuits", "enable", "disable")
    change_form_before_template = "generations/admin/upstream_state.html"
    list_before_template = "generations/admin/upstreams_before.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upstream]:
        """With `read_at`: when that was, by the database's clock, which need not be asked for each row again."""
        rows: QuerySet[Upstream] = super().get_queryset(request)
        return rows.annotate(read_at=db_now())

    def get_fieldsets(self, request: HttpRequest, obj: Upstream | None = None) -> Any:
        may_enter = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if not may_enter:  # what is only looked at has no place for secrets
            shown = ("name", "provider", "base_url", "credential_state", "model_names", "sizes", "min_side")
            more = ("max_side", "priority", "weight", "concurrency", "polls_per_second", "cost_shown")
            return [(None, {"fields": (*shown, *more, "resends", "uses_webhooks", "enabled")})]
        return [
            (None, {"fields": ("name", "provider", "base_url", "new_credential", "model_names", "enabled")}),
            (_("What it makes"), {"fields": ("size_list", ("min_side", "max_side"))}),
            (_("Its share"), {"fields": (("priority", "weight"), ("concurrency", "polls_per_second"))}),
            (_("What it costs you"), {"fields": (("cost", "cost_unit"),)}),
            (_("How it answers"), {"fields": ("resends", "uses_webhooks", "new_webhook_secret")}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Upstream | None = None) -> Any:
        return ("credential_state", "cost_shown")

    @method_decorator(sensitive_post_parameters("new_credential", "new_webhook_secret"))
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)

    def beside(self, request: HttpRequest, row: Upstream | None) -> dict[str, Any]:
        context = super().beside(request, row)
        if row:
            context |= {"state_words": self.state_shown(row), "state_detail": row.state.detail}
        if row and row.wholesale:
            facts = {"seller": row.wholesale.shop.name, "organization": row.wholesale.name}
            said = (_("It buys from %(seller)s as %(organization)s.") % facts, wholesale.cost_by_hand(row))
            context["wholesale_words"] = " ".join(filter(None, said))
            context["wholesale_advice"] = wholesale.advice_for(row.pk)
        if row and self.has_change_permission(request, row):
            context["try_path"] = reverse("admin:generations_upstream_try", args=[row.pk])
        return context

    def get_form(
        self, request: HttpRequest, obj: Upstream | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)  # a class of its own, for this request
        form.by_platform = scope.is_platform(request)
        return form

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context: dict[str, Any] = {}
        if may_connect(request):
            context["connect_path"] = reverse("admin:generations_upstream_connect")
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Upstream, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        routing.forget()

    # --- Deleting -------------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> Any:
        return {
            name: found for name, found in super().get_actions(request).items() if name != "delete_selected"
        }

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Asked before Django gathers what hangs off the row: that may be millions of attempts.
        row = self.get_object(request, object_id)
        if row is not None and Attempt.objects.filter(upstream_id=row.pk).exists():
            words = _("It has made orders, which name it for ever: it cannot be deleted, only disabled.")
            self.message_user(request, words, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:generations_upstream_change", args=[object_id]))
        return super().delete_view(request, object_id, extra_context)

    # --- What is shown --------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("provider"), ordering="provider")
    def provider_title(self, row: Upstream) -> str:
        adapter = UPSTREAMS.get(row.provider)
        return adapter.title if adapter else _("unknown: %(name)s") % {"name": row.provider}

    @admin.display(description=gettext_lazy("state"))
    def state_shown(self, row: Upstream) -> str:
        return state_of(row, getattr(row, "read_at", None))

    @admin.display(description=gettext_lazy("cost"))
    def cost_shown(self, row: Upstream) -> str:
        return f"{amount(row.cost_micros):f} {row.shop.currency.upper()} / {row.get_cost_unit_display()}"

    @admin.display(description=gettext_lazy("credential"))
    def credential_state(self, row: Upstream) -> str:
        return secret_state(row.sealed_credential)

    # --- What is done ---------------------------------------------------------------------------

    @admin.action(description=gettext_lazy("Close the circuit now"), permissions=["change"])
    def close_circuits(self, request: HttpRequest, rows: QuerySet[Upstream]) -> None:
        closed = [row for row in rows if circuit.close(row.pk)]
        for row in closed:
            self.log_change(request, row, "Closed its circuit.")
        routing.forget()
        words = ngettext("%(count)d circuit was closed.", "%(count)d circuits were closed.", len(closed))
        self.message_user(request, words % {"count": len(closed)}, messages.SUCCESS)

    @admin.action(description=gettext_lazy("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, rows: QuerySet[Upstream]) -> None:
        self._switch(request, rows, True)

    @admin.action(
        description=gettext_lazy("Disable: no new orders; those it has are finished"), permissions=["change"]
    )
    def disable(self, request: HttpRequest, rows: QuerySet[Upstream]) -> None:
        self._switch(request, rows, False)

    def _switch(self, request: HttpRequest, rows: QuerySet[Upstream], enabled: bool) -> None:
        changed = []
        for row in rows.select_related("wholesale"):
            other = Upstream.objects.filter(pk=row.pk, enabled=not enabled)
            if enabled and other.exists() and wholesale.closes_circle(row):
                self.message_user(request, f"{row.name}: {CIRCLE}", messages.ERROR)
            elif other.update(enabled=enabled):
                changed.append(row)
                self.log_change(request, row, "Enabled." if enabled else "Disabled.")
        routing.forget()
        words = ngettext("%(count)d upstream was changed.", "%(count)d upstreams were changed.", len(changed))
        self.message_user(request, words % {"count": len(changed)}, messages.SUCCESS)

    # --- Trying it ------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_view)
        own = [
            path("<int:upstream_id>/try/", view, name="generations_upstream_try"),
            path(
                "connect/", self.admin_site.admin_view(self.connect_view), name="generations_upstream_connect"
            ),
        ]
        return [*own, *super().get_urls()]

    def connect_view(self, request: HttpRequest) -> HttpResponse:
        """GET asks which shop buys as which customer of another one; POST sets it up."""
        if request.method not in FORM_METHODS:
            return HttpResponseNotAllowed(FORM_METHODS)
        if not may_connect(request):
            raise PermissionDenied
        form = ConnectForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            made = form.connect(request)
            if made is not None:
                self.log_change(request, made, "Connected.")
                routing.forget()
                words = _("%(shop)s buys from %(seller)s now.") % {
                    "shop": made.shop.name,
                    "seller": form.cleaned_data["organization"].shop.name,
                }
                self.message_user(request, words, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:generations_upstream_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Let a shop buy from another one"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "generations/admin/connect.html", context)

    def try_view(self, request: HttpRequest, upstream_id: int) -> HttpResponse:
        """GET shows the form; POST makes one image, which takes trial.TOTAL_S at most."""
        if request.method not in FORM_METHODS:
            return HttpResponseNotAllowed(FORM_METHODS)
        row = self.get_queryset(request).select_related("shop", "state").filter(pk=upstream_id).first()
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        form = TrialForm(row, request.POST or None)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Try %(name)s") % {"name": row.name},
            "opts": self.opts,
            "upstream": row,
            "form": form,
            "total_s": int(trial.TOTAL_S),
        }
        if request.method == "POST" and form.is_valid():
            self.log_change(request, row, "Tried it.")
            let_go()  # nobody keeps a connection while an upstream works
            found = asyncio.run(trial.try_out(row, form.cleaned_data["prompt"], *form.sides))
            cost = f"{amount(found.cost_micros):f} {row.shop.currency.upper()}"
            context |= {"trial": found, "cost": cost, "image_data": _data_address(found)}
        return TemplateResponse(request, "generations/admin/try.html", context)


def _data_address(found: trial.Trial) -> str:
    """The image as an address of its own: it is kept nowhere."""
    if found.image is None:
        return ""
    return f"data:{found.image.content_type};base64,{base64.b64encode(found.image.data).decode()}"
