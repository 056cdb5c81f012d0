"""Whose rows a page of the desk shows, changes and offers to choose from: those of the shop that desk_scope names."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib.admin import ListFilter, RelatedFieldListFilter, display
from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts import shops
from accounts.desk import said
from accounts.desk.scope import is_platform, scope_of, shop_of_desk
from accounts.models import DoneFor, Shop

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    DeskModelAdmin = ModelAdmin[Any]
else:
    from unfold.admin import ModelAdmin as DeskModelAdmin

# In place of a path: there is no such list for a shop's staff; they look, and the platform changes.
PLATFORM: Final = "the platform's alone"
EVERYBODYS: Final = "everybody's"
MOST_CHOICES: Final = 200
# How filters of a column, or of the row that it leads to, ask.
_OF_FILTERS: Final = ("", "__exact", "__id__exact", "__isnull", "__isempty")


class OfShop(DeskModelAdmin):
    """`shop_path`: how a query gets from a row to its shop, such as "organization__shop"; or PLATFORM, or EVERYBODYS.
    Each list has to say it: of one that does not, a shop's staff sees nothing. `is_noted_for_shops`: whether a shop's
    operators read what was done to its rows.
    """

    shop_path: ClassVar[str] = ""
    is_noted_for_shops: ClassVar[bool] = True

    # --- Rows -------------------------------------------------------------------------------------

    def in_scope(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of `rows` that are to be seen at this desk."""
        shop_id = scope_of(request)
        if shop_id is None or self.shop_path == EVERYBODYS:
            return rows
        if self.shop_path == PLATFORM:
            return rows if is_platform(request) else rows.none()
        return self.rows_of(rows, shop_id) if self.shop_path else rows.none()

    def rows_of(self, rows: QuerySet[Any], shop_id: int) -> QuerySet[Any]:
        return rows.filter(**{self.shop_path: shop_id})

    @property
    def is_of_one_shop(self) -> bool:
        return self.is_noted_for_shops and self.shop_path not in ("", PLATFORM, EVERYBODYS)

    def is_narrowed(self, request: HttpRequest) -> bool:
        """Whether what is seen at this desk is not all there is."""
        return self.shop_path != EVERYBODYS and scope_of(request) is not None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.in_scope(request, super().get_queryset(request))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """What the list offers as filters. Django's own would compare any column of the row, and so tell, sign by sign,
        what no page shows: the words of a mail with a link in it, the digest of a key, a sealed credential.
        """
        return any(lookup in self._asked_by(one) for one in self.get_list_filter(request))

    @staticmethod
    def _asked_by(one: Any) -> frozenset[str]:
        """`one`: of list_filter."""
        if isinstance(one, type) and issubclass(one, ListFilter):
            return frozenset({getattr(one, "parameter_name", "")})
        name = one if isinstance(one, str) else one[0]
        return frozenset(f"{name}{end}" for end in _OF_FILTERS)

    def has_desk(self, model: type[Model]) -> "OfShop | None":
        found = self.admin_site._registry.get(model)
        return found if isinstance(found, OfShop) else None

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """What may be chosen is of the shop that the row is of."""
        desk = self.has_desk(db_field.remote_field.model)
        if desk is not None and "queryset" not in options and desk.shop_path not in (PLATFORM, EVERYBODYS):
            rows = db_field.remote_field.model._default_manager.all()
            options["queryset"] = desk.rows_of(rows, shop_of_desk(request).pk)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_form(
        self, request: HttpRequest, obj: Any | None = None, change: bool = False, **options: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **options)
        if obj is None and issubclass(form, OfDesk):
            form.desk_shop = shop_of_desk(request)  # the class was made for this request
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        row = self.get_object(request, object_id) if object_id else None
        context = self.beside(request, row) | (extra_context or {})
        return super().changeform_view(request, object_id, form_url, context)

    def beside(self, request: HttpRequest, row: Any | None) -> dict[str, Any]:
        """What the page of a row shows beside its form; None: of one that is to be added. Who sees several shops reads
        which one it is of.
        """
        if not (self.is_of_one_shop and there_are_several(request)):
            return {}
        if row is None:
            return {"added_to": shop_of_desk(request)}
        shop_id = self._shop_id_of(row)
        return {"row_of": shops.by_id(shop_id) if shop_id is not None else None}

    def get_list_display(self, request: HttpRequest) -> Any:
        """Whose a row is, where rows of several shops are seen."""
        shown = super().get_list_display(request)
        return (*shown, "of_shop") if self.names_shops(request) else shown

    def names_shops(self, request: HttpRequest) -> bool:
        has_one = any(field.name == "shop" for field in self.opts.concrete_fields)
        return has_one and scope_of(request) is None and there_are_several(request)

    @display(description=_("shop"))
    def of_shop(self, row: Any) -> str:
        return "-" if row.shop_id is None else shops.by_id(row.shop_id).name

    # --- Who may ----------------------------------------------------------------------------------

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_there = self.shop_path != PLATFORM or is_platform(request)
        return is_there and bool(super().has_view_permission(request, obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._changes(request) and bool(super().has_add_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._changes(request) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._changes(request) and bool(super().has_delete_permission(request, obj))

    def _changes(self, request: HttpRequest) -> bool:
        return self.shop_path not in (PLATFORM, EVERYBODYS) or is_platform(request)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """It names people of the platform; a shop's staff has "Done at the desk", which does not."""
        if not is_platform(request):
            raise Http404
        page: HttpResponse = super().history_view(request, object_id, extra_context)
        for entry in (getattr(page, "context_data", None) or {}).get("action_list", ()):
            words = said.of_entry(entry)
            entry.get_change_message = partial(str, words)  # which is what the template asks for
        return page

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        """Another shop's row is as one that there never was."""
        raise Http404

    # --- What was done ----------------------------------------------------------------------------

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return self._noted([super().log_addition(request, obj, message)], [obj])

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return self._noted([super().log_change(request, obj, message)], [obj])

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        rows: Any = list(queryset)  # read once: they are gone afterwards
        return self._noted(super().log_deletions(request, rows), rows)

    def _noted(self, entries: "list[LogEntry]", rows: Iterable[Any]) -> Any:
        pairs = [(entry, self._shop_id_of(row)) for entry, row in zip(entries, rows, strict=True)]
        DoneFor.objects.bulk_create(
            [DoneFor(entry=entry, shop_id=shop_id) for entry, shop_id in pairs if shop_id is not None]
        )
        return entries[0] if len(entries) == 1 else entries

    def _shop_id_of(self, row: Any) -> int | None:
        """None: the platform's own business."""
        desk = self.has_desk(type(row))
        if desk is None or not desk.is_of_one_shop:
            return None
        of_it = type(row)._default_manager.filter(pk=row.pk)
        found: int | None = of_it.values_list(desk.shop_path, flat=True).first()
        return found


def there_are_several(request: HttpRequest) -> bool:
    """Shops, among which the platform's staff at this desk may choose; asked once a request."""
    if not is_platform(request):
        return False
    found: bool | None = getattr(request, "desk_has_several", None)
    if found is None:
        found = Shop.objects.values("pk")[:2].count() > 1
        setattr(request, "desk_has_several", found)  # noqa: B010 - requests declare no such member
    return found


class OfDesk:
    """A form whose new rows are of a shop: `desk_shop`, set by the list that it belongs to."""

    desk_shop: ClassVar[Shop | None] = None

    @classmethod
    def shop_of_new(cls) -> Shop:
        return cls.desk_shop or shops.first_shop()

    def shop_of_row(self) -> Shop:
        """Also of one that is there already."""
        row: Any = self.instance  # type: ignore[attr-defined]  # of the form beside it
        return self.shop_of_new() if row.pk is None else row.shop


class Chosen(RelatedFieldListFilter):
    """A filter that offers what is to be seen at this desk."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        ordering = self.field_admin_ordering(field, request, model_admin)
        model = field.remote_field.model
        desk = model_admin.admin_site._registry.get(model)
        if not isinstance(desk, OfShop):
            return []
        seen = desk.in_scope(request, model._default_manager.order_by(*ordering))
        found = [(row.pk, str(row)) for row in seen[: MOST_CHOICES + 1]]
        # Of all shops they may be too many to choose from: then those of one are offered.
        return found if len(found) <= MOST_CHOICES else []
