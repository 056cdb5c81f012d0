"""The desk is arranged by what an operator does: everything has its place, and opens only to who may see it."""

import re

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.urls import get_resolver

from accounts.desk.base import ReadOnlyAdmin
from accounts.desk.pages import pages
from accounts.models import User
from config.desk import menu
from tests.config.desk_rows import everything
from tests.operators import clerk, desk_of, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db


def changelist(model: object) -> str:
    opts = model._meta  # type: ignore[attr-defined]
    return f"/admin/{opts.app_label}/{opts.model_name}/"


def test_every_list_has_one_place_in_the_menu() -> None:
    assert get_resolver().url_patterns  # what furnishes the desk
    listed = [label for _title, models in menu.GROUPS.values() for label, _words, _icon in models]
    assert sorted(listed) == sorted(menu.by_label())


def test_every_page_has_a_group_that_there_is() -> None:
    assert {page.group for page in pages} - {""} <= set(menu.GROUPS)


def test_every_list_row_and_page_opens() -> None:
    everything()
    desk = desk_of(operator())
    for model in site._registry:
        response = desk.get(changelist(model))
        assert response.status_code == 200, model
        assert "Customers" in text_of(response)
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            assert desk.get(f"{changelist(model)}{row.pk}/change/").status_code == 200, model
    for path in ("/admin/", "/admin/find/", "/admin/books/", "/admin/health/"):
        assert desk.get(path).status_code == 200, path


def test_no_list_counts_and_none_can_be_sorted_into_reading_all() -> None:
    everything()
    desk = desk_of(operator())
    for model in site._registry:
        if isinstance(site.get_model_admin(model), ReadOnlyAdmin):
            for query in (
                "?o=1.2",
                "?all=",
                "?p=9999",
                "?_facets=True",
                "?before=1",
                "?before=x",
                "?before=" + "9" * 30,
            ):
                assert desk.get(changelist(model) + query, follow=True).status_code == 200, (model, query)


def test_what_the_product_alone_writes_is_read_only_by_address_also_for_whom_may_do_everything() -> None:
    everything()
    desk = desk_of(operator())
    looked_at = 0
    for model in site._registry:
        row = model._default_manager.order_by("pk").first()
        admin = site.get_model_admin(model)
        request = desk.get("/admin/").wsgi_request
        may_something = isinstance(admin, ReadOnlyAdmin) and (
            admin.has_add_permission(request) or admin.has_delete_permission(request)
        )
        if not isinstance(admin, ReadOnlyAdmin) or may_something:
            continue
        assert row is not None, f"{model}: desk_rows.everything() makes none"
        looked_at += 1
        before = list(model._default_manager.order_by("pk").values())
        for path in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
            response = desk.post(changelist(model) + path, {"post": "yes", "_save": "Save", "reason": "x"})
            assert response.status_code == 403, (model, path)
        desk.post(changelist(model), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
        assert list(model._default_manager.order_by("pk").values()) == before, model
    assert looked_at >= 18


def test_operator_without_rights_opens_nothing_by_its_address() -> None:
    everything()
    desk = desk_of(clerk())
    for model in site._registry:
        row = model._default_manager.order_by("pk").first()
        paths = ["", "add/", *([f"{row.pk}/change/", f"{row.pk}/history/"] if row else [])]
        for path in paths:
            for answer in (desk.get(changelist(model) + path), desk.post(changelist(model) + path)):
                assert answer.status_code in {403, 405}, (model, path, answer.status_code)
    for page in pages:
        if page.permission is not None:
            assert desk.get(f"/admin/{page.path}").status_code == 403
            assert desk.post(f"/admin/{page.path}").status_code == 403


def test_today_and_menu_show_what_an_operator_may_see() -> None:
    everything()
    nothing = text_of(desk_of(clerk()).get("/admin/"))
    assert "What you may see is in the menu" in nothing
    assert not {"Revenue", "Ledger", "Oldest order", "Upstreams"} & set(nothing.split("  "))
    some = text_of(desk_of(clerk("view_upstream", "view_generation")).get("/admin/"))
    assert "Oldest order in the queue" in some
    assert "Revenue" not in some
    assert "Wallets" not in some


def test_today_draws_the_last_thirty_days() -> None:
    everything()
    page = desk_of(operator()).get("/admin/").content.decode()
    charts = dict(re.findall(r'<svg viewBox="[^"]*" role="img" aria-label="([^"]*)"[^>]*>(.*?)</svg>', page))
    assert set(charts) >= {"Revenue", "Upstream cost", "Images", "Failed orders"}
    for name, drawn in charts.items():
        assert drawn.count("<rect ") == 30, name
    heights = [int(height) for height in re.findall(r' height="(\d+)"', charts["Images"])]
    assert set(heights[:-1]) == {0}
    assert heights[-1] > 0, "One image, of today"


def test_books_are_checked_again_only_by_who_may() -> None:
    desk = desk_of(clerk("view_bookscheck"))
    assert desk.get("/admin/books/").status_code == 200
    assert desk.post("/admin/books/").status_code == 403
    assert (
        desk_of(clerk_again("view_bookscheck", "change_bookscheck")).post("/admin/books/").status_code == 302
    )


def clerk_again(*permissions: str) -> User:
    User.objects.filter(email="clerk@shop.example").update(email="earlier@shop.example")
    return clerk(*permissions)


def works_there(person: User) -> bool:
    return User.objects.get(pk=person.pk).is_staff


def test_rights_are_given_and_taken_by_who_may_do_everything() -> None:
    boss, person = operator(), clerk()
    User.objects.filter(pk=person.pk).update(is_staff=False)
    path = f"/admin/rights/{person.pk}/"
    desk = desk_of(boss)
    page = desk.get(path)
    assert "Organizations" in text_of(page)
    wanted = [
        pk
        for _title, rows in page.context["groups"]
        for row in rows
        if row.title == "Upstreams"
        for pk, _ in row.choices
    ]
    assert desk.post(path, {"is_staff": "on", "permissions": wanted}).status_code == 200  # no reason
    assert (
        desk.post(path, {"is_staff": "on", "permissions": wanted, "reason": "helps out"}).status_code == 302
    )
    assert works_there(person)
    assert desk_of(person).get("/admin/generations/upstream/").status_code == 200
    assert desk_of(person).get("/admin/billing/wallet/").status_code == 403
    assert desk_of(person).get(path).status_code == 403
    assert desk_of(person).post(path, {"is_staff": "on", "reason": "me"}).status_code == 403
    assert "helps out" in LogEntry.objects.latest("pk").change_message
    assert desk.post(path, {"reason": "left us"}).status_code == 302
    assert not works_there(person)
    assert not person.user_permissions.exists()
    assert "may do everything" in text_of(desk.get(f"/admin/rights/{boss.pk}/"))
    desk.post(f"/admin/rights/{boss.pk}/", {"reason": "oops"})
    assert works_there(boss)


def test_health_page_examines_and_shows_no_secret() -> None:
    desk = desk_of(operator())
    from config.desk.health import SHOWN

    assert not [
        name
        for name in SHOWN
        if "SECRET" in name or "KEY" in name or (name.endswith("_URL") and name != "PUBLIC_URL")
    ]
    page = text_of(desk.post("/admin/health/"))
    assert "What was found" in page
    assert "database" in page
