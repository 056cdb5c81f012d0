"""Attempts to look at; images to take down."""

import base64
import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.clock import read_db_now
from accounts.desk.base import ReadOnlyAdmin, actor_of, reason_field
from accounts.desk.lists import Stretch
from accounts.desk.rows import Chosen
from accounts.models import User
from accounts.origin import origin_of
from generations import retention, samples, storage
from generations.admin.story import OUTCOMES, outcome_words
from generations.models import Attempt, Image, Sample, Takedown, Upstream
from generations.takedown import take_down
from generations.upstream_checks import amount


class OutcomeFilter(admin.SimpleListFilter):
    """Of the outcomes there can be: Django's own reads all rows to find those that there are."""

    title = gettext_lazy("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(outcome or "open", str(words)) for outcome, words in OUTCOMES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        wanted = self.value()
        if wanted is None:
            return queryset
        # By the index of those that are under way at an upstream; the house's own take seconds.
        is_open = {"outcome": "", "upstream__isnull": False}
        return queryset.filter(**is_open if wanted == "open" else {"outcome": wanted})


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    shop_path = "generation__organization__shop"
    list_display = ("key", "provider", "upstream", "outcome_shown", "cost", "submitted_at", "finished_at")
    list_select_related = ("generation", "upstream__shop")
    time_field = "submitted_at"
    search_by = {"task_": "generation__task_id", "": "upstream_task_id"}
    search_help_text = gettext_lazy("The id of a task, ours or the upstream's")
    list_filter = (("upstream", Chosen), OutcomeFilter, Stretch)
    few = frozenset({("outcome", "open")})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Attempt], search_term: str
    ) -> tuple[QuerySet[Attempt], bool]:
        """By one index or the other: "either of two columns" would read every row there ever was."""
        term = search_term.strip()
        if not term or term.startswith("task_"):
            return super().get_search_results(request, queryset, term.partition(":")[0])
        everywhere = list(Upstream.objects.values_list("pk", flat=True))
        return queryset.filter(upstream__in=everywhere, upstream_task_id=term), False

    fields = (
        ("key", "provider", "upstream"),
        ("outcome_shown", "detail"),
        ("upstream_task_id", "sends", "polls"),
        ("submitted_at", "accepted_at", "finished_at"),
        ("cost", "possible_cost"),
    )
    readonly_fields = ("key", "outcome_shown", "cost", "possible_cost")

    @admin.display(description=gettext_lazy("attempt"))
    def key(self, attempt: Attempt) -> str:
        return attempt.key

    @admin.display(description=gettext_lazy("outcome"), ordering="outcome")
    def outcome_shown(self, attempt: Attempt) -> str:
        return outcome_words(attempt)

    @admin.display(description=gettext_lazy("cost"))
    def cost(self, attempt: Attempt) -> str:
        return _money(attempt, attempt.cost_micros)

    @admin.display(description=gettext_lazy("cost if billed"))
    def possible_cost(self, attempt: Attempt) -> str:
        return _money(attempt, attempt.possible_cost_micros)


def _money(attempt: Attempt, micros: int) -> str:
    currency = attempt.upstream.shop.currency.upper() if attempt.upstream else ""
    return f"{amount(micros):f} {currency}".strip()


class TakedownForm(forms.Form):
    reason = reason_field(
        gettext_lazy("For operators alone; the customer reads that the image was removed."), max_length=2000
    )


@admin.register(Image)
class ImageAdmin(ReadOnlyAdmin):
    shop_path = "generation__organization__shop"
    list_display = ("public_id", "task", "organization", "created_at", "standing")
    list_select_related = ("generation__organization", "takedown")
    list_filter = (Stretch,)
    search_by = {"task_": "generation__task_id", "": "public_id"}
    search_help_text = gettext_lazy("The id of an image, as in its address, or of its task")
    fields = (
        ("public_id", "task", "organization"),
        "prompt",
        "picture",
        ("width", "height", "byte_size"),
        ("created_at", "standing"),
        "reason",
        "made_by",
    )
    readonly_fields = ("task", "organization", "prompt", "picture", "standing", "reason", "made_by")
    change_form_before_template = "generations/admin/image_actions.html"
    actions = ("show_them",)

    @admin.action(
        description=gettext_lazy("Show on the landing page, to everybody"), permissions=["take_down"]
    )
    def show_them(self, request: HttpRequest, images: QuerySet[Image]) -> None:
        for image in images.order_by("-pk")[: samples.MOST]:  # the newest is shown first
            self._show(request, image)

    def _show(self, request: HttpRequest, image: Image) -> None:
        user = request.user
        if not isinstance(user, User):
            raise PermissionDenied
        try:
            samples.pick(image, user)
        except samples.NotForShow as error:
            self.message_user(request, f"{image.public_id}: {error.message}", messages.ERROR)
        except OSError:
            words = _("%(image)s: the images' storage does not answer; please try again.")
            self.message_user(request, words % {"image": image.public_id}, messages.ERROR)
        else:
            self.log_change(request, image, "Shown on the landing page.")
            words = _("%(image)s is on the landing page now.")
            self.message_user(request, words % {"image": image.public_id}, messages.SUCCESS)

    @admin.display(description=gettext_lazy("task"))
    def task(self, image: Image) -> str:
        return image.generation.task_id

    @admin.display(description=gettext_lazy("organization"))
    def organization(self, image: Image) -> str:
        return image.generation.organization.name

    @admin.display(description=gettext_lazy("prompt"))
    def prompt(self, image: Image) -> str:
        return image.generation.prompt

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, image: Image) -> str:
        if _takedown_of(image) is not None:
            return _("taken down")
        return _("kept") if _is_kept(image, read_db_now()) else _("deleted")

    @admin.display(description=gettext_lazy("why it was taken down"))
    def reason(self, image: Image) -> str:
        found = _takedown_of(image)
        return found.reason if found else "-"

    @admin.display(description=gettext_lazy("how it was made"))
    def made_by(self, image: Image) -> str:
        return ", ".join(f"{name}: {value}" for name, value in image.provenance.items()) or "-"

    @admin.display(description=gettext_lazy("picture"))
    def picture(self, image: Image) -> str:
        if not _is_kept(image, read_db_now()):
            return "-"
        try:
            thumbnail = storage.thumbnail(image.storage_key)
        except OSError:  # it has just gone, or its storage is away
            return "-"
        alt = image.generation.prompt[:120]
        return format_html('<img class="plate" src="{}" alt="{}">', _in_page(thumbnail), alt)

    def has_take_down_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    def beside(self, request: HttpRequest, row: Image | None) -> dict[str, Any]:
        context = super().beside(request, row)
        if row is not None and self.has_take_down_permission(request) and _takedown_of(row) is None:
            context["take_down_path"] = reverse("admin:generations_image_take_down", args=[row.pk])
        return context

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.take_down_view)
        own = path("<int:image_id>/take-down/", view, name="generations_image_take_down")
        return [own, *super().get_urls()]

    def take_down_view(self, request: HttpRequest, image_id: int) -> HttpResponse:
        """GET asks for a reason, POST removes the image."""
        image = self.get_queryset(request).filter(pk=image_id).first()
        if image is None:
            raise Http404
        if not self.has_take_down_permission(request):
            raise PermissionDenied
        form = TakedownForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            take_down(
                image,
                actor=actor_of(request),
                reason=form.cleaned_data["reason"],
                origin=origin_of(request),
            )
            self.log_change(request, image, "Taken down.")
            self.message_user(request, _("The image is removed; its links answer 410."), messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:generations_image_change", args=[image_id]))
        title = _("Take down an image")
        return self.page(request, "generations/admin/take_down.html", title, image=image, form=form)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        return super().get_queryset(request).select_related("generation__organization", "takedown")


@admin.register(Sample)
class SampleAdmin(ReadOnlyAdmin):
    """What strangers see first. Added by an action of images; without any the sandbox's landscapes are shown."""

    shop_path = "shop"
    list_display = ("caption_shown", "image", "created_at")
    list_select_related = ("image",)
    fields = ("caption", "picture", "image", "created_at")
    readonly_fields = ("picture",)
    ordering = ("-pk",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "delete")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Sample]:
        return super().get_queryset(request).defer("data")

    @admin.display(description=gettext_lazy("caption"))
    def caption_shown(self, sample: Sample) -> str:
        return str(sample)

    @admin.display(description=gettext_lazy("picture"))
    def picture(self, sample: Sample) -> str:
        source = _in_page(bytes(sample.data))
        return format_html(
            '<img class="plate" src="{}" width="160" height="200" alt="{}">', source, sample.caption
        )


def _in_page(webp: bytes) -> str:
    """As an address in the page itself: at another host than its shop's, such as the platform's, it is not there."""
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"


def _is_kept(image: Image, now: datetime.datetime) -> bool:
    return image.is_kept(now, retention.days_of(image.generation.organization))


def _takedown_of(image: Image) -> Takedown | None:
    found: Takedown | None = getattr(image, "takedown", None)
    return found
