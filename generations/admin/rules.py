"""What a shop does not make or show: blocked phrases, and images that are taken down."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.clock import read_db_now
from accounts.models import User
from accounts.organizations import first_shop
from generations import content, takedown
from generations.admin.records import ReadOnly
from generations.models import BlockedPhrase, Image
from generations.storage import THUMBNAIL_EXTENSION, link_expiry, signed_path

LINK = '<a class="underline whitespace-nowrap" href="{}">{}</a>'


class BlockedPhraseForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's own has no parameter when it runs
    class Meta:
        model = BlockedPhrase
        fields = ("phrase",)
        help_texts = {
            "phrase": gettext_lazy(
                "Orders whose prompt holds these words are refused, however they are written."
            )
        }

    def clean_phrase(self) -> str:
        phrase: str = self.cleaned_data["phrase"]
        if not content.normalized(phrase):
            raise ValidationError(_("There is nothing to be seen in it."))
        shop = self.instance.shop if self.instance.pk else first_shop()
        if BlockedPhrase.objects.filter(shop=shop, phrase=phrase).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("This phrase is blocked already."))
        return phrase


@admin.register(BlockedPhrase)
class BlockedPhraseAdmin(ModelAdmin):  # type: ignore[misc]  # the library has no types
    form = BlockedPhraseForm
    list_display = ("phrase", "created_at")
    search_fields = ("phrase",)
    ordering = ("phrase",)

    def save_model(self, request: HttpRequest, obj: BlockedPhrase, form: Any, change: bool) -> None:
        if not change:
            obj.shop = first_shop()
        super().save_model(request, obj, form, change)


class TakedownForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=2000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


@admin.register(Image)
class ImageAdmin(ReadOnly):
    list_display = ("public_id", "task", "preview", "created_at", "state")
    list_select_related = ("generation", "takedown")
    search_fields = ("public_id", "=generation__task_id")
    search_help_text = gettext_lazy("Image or task: img_… or task_…")
    ordering = ("-pk",)
    fields = (
        "public_id",
        "task",
        "preview",
        "width",
        "height",
        "content_type",
        "byte_size",
        "sha256",
        "created_at",
        "state",
    )
    readonly_fields = ("task", "preview", "state")

    @admin.display(description=gettext_lazy("Task"))
    def task(self, image: Image) -> str:
        return image.generation.task_id

    @admin.display(description=gettext_lazy("Image"))
    def preview(self, image: Image) -> str:
        now = read_db_now()
        if not image.is_kept(now):
            return ""
        source = signed_path(image.public_id, THUMBNAIL_EXTENSION, link_expiry(now))
        return format_html(
            '<img src="{}" width="96" height="96" loading="lazy" alt="{}">', source, image.public_id
        )

    @admin.display(description="")
    def state(self, image: Image) -> str:
        if hasattr(image, "takedown"):
            return _("Taken down by %(actor)s: %(reason)s") % {
                "actor": image.takedown.actor,
                "reason": image.takedown.reason,
            }
        if image.deleted_at is not None:
            return _("Deleted after its time")
        return format_html(
            LINK,
            reverse("admin:take_down", args=[image.pk]),
            _("Take down"),
        )

    def get_urls(self) -> list[URLPattern]:
        own = [path("<int:pk>/take-down/", self.admin_site.admin_view(self.take_down_view), name="take_down")]
        urls: list[URLPattern] = own + super().get_urls()
        return urls

    def take_down_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For whoever may delete images: for good, and with a reason."""
        image = get_object_or_404(Image.objects.select_related("generation"), pk=pk)
        user = request.user
        if not isinstance(user, User) or not user.has_perm("generations.delete_image"):
            raise PermissionDenied
        form = TakedownForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            takedown.take_down(image, actor=f"staff:{user.uuid}", reason=form.cleaned_data["reason"])
            messages.success(request, _("%(image)s is taken down.") % {"image": image.public_id})
            return redirect("admin:generations_image_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Take down %(image)s") % {"image": image.public_id},
            "opts": self.opts,
            "original": image,
            "form": form,
            "preview": self.preview(image),
        }
        return render(request, "admin/take_down.html", context)
