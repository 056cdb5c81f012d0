"""No page, form, list, action, search, export or deed of the desk shows or changes a row of another shop: every address
of the desk is walked by the staff of each of three shops with the rows of both others.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin import site
from django.db.models import Model
from django.test import Client
from django.urls import get_resolver

from accounts.desk.rows import EVERYBODYS, PLATFORM, OfShop
from accounts.desk.scope import CHOSEN
from accounts.models import ShopStaff
from tests import scale
from tests.config.desk_shops import Desk, addresses, rows_of, three_desks
from tests.operators import desk_of, operator
from tests.pages import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.everyday_on("sqlite")]

NOWHERE = 10**12  # a row that there never was
# Which ask for something else than a row of a list, with what is seen there.
APART = {
    "logout": "ends the session",
    "view_on_site": "no row has a page of its own",
    "rights": "the platform's alone",
}


@pytest.fixture
def desks() -> list[Desk]:
    return three_desks()


def others(desk: Desk, desks: list[Desk]) -> list[Desk]:
    return [one for one in desks if one is not desk]


def watched(desk: Desk, desks: list[Desk]) -> list[Desk]:
    """Both others in the proof; every day the next one, so that each is looked at, and from each."""
    return others(desk, desks) if scale.PROOF else [desks[(desks.index(desk) + 1) % len(desks)]]


def strangers_in(response: Any, desk: Desk, desks: list[Desk]) -> set[str]:
    """Whose names are on the page."""
    parts = response.streaming_content if response.streaming else [response.content]
    text = b"".join(parts).decode().lower()
    return {one.name for one in others(desk, desks) if one.name in text}


def models() -> Iterator[tuple[type[Model], OfShop]]:
    for model, admin in site._registry.items():
        assert isinstance(admin, OfShop), model
        yield model, admin


def changelist(model: type[Model]) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def test_every_list_says_whose_its_rows_are(desks: list[Desk]) -> None:
    for model, admin in models():
        if admin.shop_path in (PLATFORM, EVERYBODYS):
            continue
        assert admin.shop_path, f"{model} names no shop_path"
        for desk in desks:
            found = rows_of(model, desk.shop)
            assert found.exists(), f"{model}: desk_rows.everything() makes none"
            for other in others(desk, desks):
                assert not set(found.values_list("pk")) & set(rows_of(model, other.shop).values_list("pk"))


def test_every_address_that_takes_a_row_is_as_if_anothers_had_never_been(desks: list[Desk]) -> None:
    assert get_resolver().url_patterns
    looked_at = 0
    for desk in desks:
        client = desk.browser(desk.staff())
        for address in addresses():
            if address.model is None or rows_of(address.model, desk.shop).first() is None:
                continue
            known = (
                client.get(address.of(NOWHERE)).status_code,
                client.post(address.of(NOWHERE)).status_code,
            )
            if address.name:  # the oldest form of a row's address leads to the newer one
                assert set(known) <= {403, 404, 405}, address
            for other in watched(desk, desks):
                path = address.of(rows_of(address.model, other.shop).latest("pk").pk)
                assert (client.get(path).status_code, client.post(path).status_code) == known, path
                looked_at += 1
    assert looked_at > 300


def test_own_rows_open(desks: list[Desk]) -> None:
    desk = desks[1]
    client = desk.browser(desk.staff())
    for model, admin in models():
        row = rows_of(model, desk.shop).first()
        if row is None or admin.shop_path == EVERYBODYS:
            continue
        response = client.get(f"{changelist(model)}{row.pk}/change/")
        assert response.status_code == 200, model
        assert not strangers_in(response, desk, desks), model
        listed = client.get(changelist(model))
        shown = {one.pk for one in listed.context["cl"].result_list}
        assert shown == set(rows_of(model, desk.shop).values_list("pk", flat=True)), model


def test_no_page_without_a_row_names_anything_of_another_shop(desks: list[Desk]) -> None:
    looked_at = 0
    for desk in desks:
        client = desk.browser(desk.staff())
        for address in addresses():
            if address.model is not None or address.name in APART or "<" in address.path:
                continue
            if "(?P" in address.path or not address.name:
                continue
            for query in ("", "?file=1", "?by=task", "?by=customer&file=1", "?by=upstream"):
                if query and address.name not in ("generations_margin", "generations_leakage"):
                    continue
                response = client.get(address.path + query, follow=True)
                assert response.status_code in {200, 403, 404, 405}, address
                assert not strangers_in(response, desk, desks), address.path + query
                looked_at += response.status_code == 200
    assert looked_at > 150


def test_searches_and_filters_find_nothing_of_another_shop(desks: list[Desk]) -> None:
    for desk in desks:
        client = desk.browser(desk.staff())
        request = client.get("/admin/find/").wsgi_request
        for other in watched(desk, desks):
            terms = list(terms_of(other))
            for number, (model, admin) in enumerate(models()):
                if not admin.get_search_fields(request):
                    continue
                for term in terms if scale.PROOF else [terms[number % len(terms)]]:
                    response = client.get(changelist(model), {"q": term}, follow=True)
                    shown = response.context["cl"].result_list
                    foreign = set(rows_of(model, other.shop).values_list("pk", flat=True))
                    assert not {one.pk for one in shown} & foreign, (model, term)
                    assert "organization__id__exact" not in response.request["QUERY_STRING"], (model, term)
            for term in terms:
                response = client.post("/admin/find/", {"term": term})
                assert response.status_code == 200, term  # one hit would lead to it
                assert response.context["hits"] == [], term
        for other in watched(desk, desks):
            for model, admin in models():
                for name, value in filters_of(other).items():
                    if name not in getattr(admin, "narrow", ()) and not name.startswith("upstream"):
                        continue
                    response = client.get(changelist(model), {name: value}, follow=True)
                    assert not strangers_in(response, desk, desks), (model, name)


def terms_of(desk: Desk) -> Iterator[str]:
    """What somebody might know of another shop, in the words that search fields take."""
    from accounts.models import ApiKey, Invitation, Membership, Organization
    from billing.models import LedgerEntry
    from generations.models import Generation, Image
    from webhooks.models import WebhookDelivery, WebhookEndpoint

    organization = Organization.objects.get(shop=desk.shop)
    member = Membership.objects.get(organization=organization).user
    generation = Generation.objects.filter(organization=organization).latest("pk")
    yield organization.slug
    yield generation.task_id
    yield member.email
    yield member.actor
    yield organization.name[:5]
    yield ApiKey.objects.get(organization=organization).prefix
    yield Image.objects.get(generation__organization=organization).public_id
    yield LedgerEntry.objects.filter(wallet__organization=organization).latest("pk").reference
    yield Invitation.objects.get(organization=organization).public_id
    yield WebhookEndpoint.objects.get(organization=organization).public_id
    yield WebhookDelivery.objects.get(organization=organization).public_id
    yield f"evt_{desk.name}"
    yield f"{desk.name.upper()}-2026"


def filters_of(desk: Desk) -> dict[str, Any]:
    from accounts.models import Organization
    from billing.models import Voucher, Wallet
    from generations.models import Upstream

    organization = Organization.objects.get(shop=desk.shop)
    return {
        "organization__id__exact": organization.pk,
        "wallet__id__exact": Wallet.objects.get(organization=organization).pk,
        "voucher__id__exact": Voucher.objects.get(shop=desk.shop).pk,
        "upstream__id__exact": Upstream.objects.get(shop=desk.shop).pk,
    }


def everything_of(desks: list[Desk]) -> dict[str, list[Any]]:
    return {
        f"{model._meta.label} of {desk.name}": list(rows_of(model, desk.shop).values())
        for model, _admin in models()
        for desk in desks
    }


def test_actions_leave_rows_of_another_shop_as_they_are(desks: list[Desk]) -> None:
    for desk in desks:
        client = desk.browser(desk.staff())
        before = everything_of(others(desk, desks))
        for model, admin in models():
            request = client.get(changelist(model)).wsgi_request
            for action in admin.get_actions(request):
                chosen = [rows_of(model, other.shop).latest("pk").pk for other in others(desk, desks)]
                sent = {"action": action, "_selected_action": chosen, "post": "yes"}
                response = client.post(changelist(model), sent, follow=True)
                assert not strangers_in(response, desk, desks), (model, action)
        assert everything_of(others(desk, desks)) == before


def test_forms_offer_and_take_nothing_of_another_shop(desks: list[Desk]) -> None:
    for desk in desks:
        client = desk.browser(desk.staff())
        request = client.get("/admin/find/").wsgi_request
        for model, admin in models():
            if not admin.has_add_permission(request):
                continue
            form = client.get(f"{changelist(model)}add/").context["adminform"].form
            for name, field in form.fields.items():
                offered = getattr(field, "queryset", None)
                if offered is None or not isinstance(site._registry.get(offered.model), OfShop):
                    continue
                for other in others(desk, desks):
                    foreign = rows_of(offered.model, other.shop)
                    assert not offered.filter(pk__in=foreign.values("pk")).exists(), (model, name)


def test_nothing_is_completed_by_itself(desks: list[Desk]) -> None:
    """Django's own answers for whatever model it is asked for; no form here needs it."""
    asked = {"app_label": "accounts", "model_name": "membership", "field_name": "user"}
    for desk in desks:
        assert desk.browser(desk.staff()).get("/admin/autocomplete/", asked).status_code == 404
    assert desk_of(operator()).get("/admin/autocomplete/", asked).status_code == 404
    assert all(not admin.autocomplete_fields for _model, admin in models())


def test_a_desk_opens_at_its_own_host_alone(desks: list[Desk]) -> None:
    for desk in desks:
        user = desk.staff()
        assert desk.browser(user).get("/admin/").status_code == 200
        for other in others(desk, desks):
            stranger = other.browser(user)
            for path in ("/admin/", "/admin/accounts/organization/", "/admin/find/", "/admin/staff/"):
                assert stranger.get(path).status_code == 404, (desk.name, other.name, path)
    boss = operator()
    assert desks[0].browser(boss).get("/admin/").status_code == 200
    assert desks[1].browser(boss).get("/admin/").status_code == 404


def test_a_session_carried_to_another_shop_opens_nothing(desks: list[Desk]) -> None:
    user = desks[1].staff()
    ShopStaff.objects.create(shop=desks[2].shop, user=user, role="operator")
    here = desks[1].browser(user)
    there = Client(headers={"host": desks[2].host})
    there.cookies = here.cookies
    assert there.get("/admin/").status_code == 302


def test_the_platforms_staff_sees_all_or_the_one_they_chose(desks: list[Desk]) -> None:
    boss = desk_of(operator())
    for model, admin in models():
        listed = boss.get(changelist(model))
        if admin.shop_path == EVERYBODYS:
            continue
        shown = {one.pk for one in listed.context["cl"].result_list}
        for desk in desks:
            assert set(rows_of(model, desk.shop).values_list("pk", flat=True)) <= shown, model
    chosen = desks[1]
    assert boss.post("/admin/shown/", {"shop": chosen.shop.pk, "next": "/admin/billing/payment/"})[
        "Location"
    ] == ("/admin/billing/payment/")
    assert boss.session[CHOSEN] == chosen.shop.pk
    for model, admin in models():
        if admin.shop_path in (EVERYBODYS, PLATFORM):
            continue
        listed = boss.get(changelist(model))
        shown = {one.pk for one in listed.context["cl"].result_list}
        assert shown == set(rows_of(model, chosen.shop).values_list("pk", flat=True)), model
    assert f"Only Shop of {chosen.name} is shown" in text_of(boss.get("/admin/")).replace("  ", " ")
    boss.post("/admin/shown/", {"shop": ""})
    assert CHOSEN not in boss.session
