"""The desk is arranged by what an operator does: everything has its place, and opens only to who may see it."""

import pytest
from django.contrib.admin import site

from accounts.desk_pages import pages
from config.desk import menu
from tests.operators import clerk, desk_of, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db


def changelist(model: object) -> str:
    opts = model._meta  # type: ignore[attr-defined]
    return f"/admin/{opts.app_label}/{opts.model_name}/"


def test_every_list_has_one_place_in_the_menu() -> None:
    listed = [label for _title, models in menu.GROUPS.values() for label, _words, _icon in models]
    assert sorted(listed) == sorted(menu.by_label())


def test_every_page_has_a_group_that_there_is() -> None:
    assert {page.group for page in pages} - {""} <= set(menu.GROUPS)


def test_every_list_and_page_opens() -> None:
    desk = desk_of(operator())
    for model in site._registry:
        response = desk.get(changelist(model))
        assert response.status_code == 200, model
        assert "Customers" in text_of(response)
    for path in ("/admin/", "/admin/find/", "/admin/books/", "/admin/health/"):
        assert desk.get(path).status_code == 200, path
