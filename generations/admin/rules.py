"""What a shop does not make, and what was taken down."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.desk.base import DeskAdmin, ReadOnlyAdmin, RowForm
from accounts.desk.lists import Stretch
from generations import content
from generations.models import BlockedPhrase, Takedown


class PhraseForm(RowForm):
    class Meta:
        model = BlockedPhrase
        fields = ("phrase",)
        help_texts = {
            "phrase": gettext_lazy(
                "Prompts that hold these words are refused before anything is charged. Upper and lower case, spaces and"
                " invisible signs make no difference; a word counts only as a whole."
            )
        }

    def clean_phrase(self) -> str:
        phrase = " ".join(str(self.cleaned_data["phrase"]).split())
        wanted = content.normalized(phrase)
        if not wanted:
            raise ValidationError(_("Nothing that could be read is in this phrase."))
        others = BlockedPhrase.objects.filter(shop=self.shop_of_row()).exclude(pk=self.instance.pk)
        if any(content.normalized(known) == wanted for known in others.values_list("phrase", flat=True)):
            raise ValidationError(_("This phrase is blocked already."))
        return phrase

    def save(self, commit: bool = True) -> BlockedPhrase:
        if self.instance.pk is None:
            self.instance.shop = self.shop_of_new()
        saved: BlockedPhrase = super().save(commit)
        return saved


@admin.register(BlockedPhrase)
class BlockedPhraseAdmin(DeskAdmin):
    shop_path = "shop"
    form = PhraseForm
    list_display = ("phrase", "created_at")
    search_fields = ("phrase",)
    ordering = ("phrase",)

    def save_model(self, request: HttpRequest, obj: BlockedPhrase, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        content.forget()

    def delete_model(self, request: HttpRequest, obj: BlockedPhrase) -> None:
        super().delete_model(request, obj)
        content.forget()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[BlockedPhrase]) -> None:
        super().delete_queryset(request, queryset)
        content.forget()


@admin.register(Takedown)
class TakedownAdmin(ReadOnlyAdmin):
    shop_path = "image__generation__organization__shop"
    list_display = ("image", "actor", "created_at", "file_removed_at")
    list_select_related = ("image",)
    list_filter = (Stretch,)
