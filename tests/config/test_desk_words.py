"""The desk's lists and forms have names in the reader's language, also what its library says of itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import unfold
from django.contrib.admin import site
from django.contrib.admin.utils import flatten
from django.core.exceptions import FieldDoesNotExist
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import override

from accounts.desk.deeds import deeds_of
from accounts.models import Organization
from config import columns
from tests.config.desk_rows import everything
from tests.operators import desk_of, do, operator
from tests.pages import text_of


def lists() -> Iterator[tuple[Any, Any]]:
    """Those of our own tables, each with its model."""
    assert reverse("admin:index")  # they are found with the addresses
    for model, admin in site._registry.items():
        if model._meta.app_label in columns.APPS:
            yield model, admin


def shown(model: Any, admin: Any) -> set[str]:
    """What stands over columns, beside fields and over filters."""
    entered = getattr(getattr(admin.form, "_meta", None), "fields", None)
    usual = entered or [field.name for field in model._meta.concrete_fields if field.editable]
    arranged = [part for _title, options in admin.fieldsets or () for part in options["fields"]]
    fields: list[str] = flatten(arranged or admin.fields or usual)
    filters = [one[0] if isinstance(one, tuple) else one for one in admin.list_filter]
    return {name for name in (*admin.list_display, *fields, *filters) if isinstance(name, str)}


def is_named(model: Any, admin: Any, name: str) -> bool:
    try:
        words = model._meta.get_field(name).verbose_name
    except (FieldDoesNotExist, AttributeError):  # a method, by whose name there may be rows that point here
        form = getattr(admin.form, "base_fields", {}).get(name)
        words = getattr(getattr(admin, name, None), "short_description", None) if form is None else form.label
    return isinstance(words, Promise)


def test_whatever_is_shown_has_a_name_to_translate() -> None:
    nameless = [
        f"{model._meta.label}.{name}"
        for model, admin in lists()
        for name in sorted(shown(model, admin) - {"id"})
        if not is_named(model, admin, name)
    ]
    assert nameless == []


def test_no_list_is_named_by_an_s_after_a_foreign_word() -> None:
    made_up = [
        model._meta.label
        for model, _admin in lists()
        if model._meta.label_lower not in columns.TABLES
        and "verbose_name_plural" not in model._meta.original_attrs
    ]
    assert made_up == []


def test_what_is_said_for_the_library_is_what_it_says() -> None:
    folder = Path(unfold.__file__).parent
    said = "\n".join(file.read_text() for end in ("html", "py") for file in folder.rglob(f"*.{end}"))
    gone = [word for word in columns.OF_THE_LIBRARY if f'"{word}"' not in said and f"'{word}'" not in said]
    assert gone == []


@pytest.mark.django_db
def test_a_list_in_german_has_a_german_name() -> None:
    everything()
    page = text_of(desk_of(operator()).get("/admin/billing/voucher/", headers={"Accept-Language": "de"}))
    assert "Gutscheine" in page
    assert "Gutscheins" not in page


@pytest.mark.django_db
def test_what_was_done_is_told_by_the_titles_of_deeds() -> None:
    customer = everything().customer
    desk = desk_of(operator())
    do(desk, customer.organization, "suspend")
    deed = next(deed for deed in deeds_of(Organization) if deed.name == "suspend")
    for language in ("en", "de"):
        with override(language):
            title = str(deed.title)
        assert title in text_of(desk.get("/admin/admin/logentry/", headers={"Accept-Language": language}))
