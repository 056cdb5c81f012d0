"""Vouchers at the operator's desk."""

from typing import Any

import pytest
from django.test import Client

from accounts.desk import scope
from accounts.shops import first_shop
from billing import vouchers
from billing.models import Redemption, Voucher
from tests.billing.gifts import a_voucher, owner_of
from tests.makers import an_organization
from tests.operators import clerk, desk_of, operator
from tests.pages import text_of
from tests.several import a_shop

pytestmark = pytest.mark.django_db
LIST = "/admin/billing/voucher/"
FIELDS = {
    "code": "spring 2026",
    "credits": "100",
    "starts_at_0": "",
    "starts_at_1": "",
    "expires_at_0": "2030-01-01",
    "expires_at_1": "00:00",
    "total_limit": "5",
    "per_organization_limit": "1",
    "per_person_limit": "1",
    "active": "on",
    "note": "for the fair",
}


@pytest.fixture
def desk() -> Client:
    return desk_of(operator())


def used(voucher: Voucher) -> None:
    organization = an_organization()
    vouchers.redeem(organization, owner_of(organization), voucher.code)


def add(desk: Client, **changes: str) -> Any:
    return desk.post(f"{LIST}add/", FIELDS | changes)


def change(desk: Client, voucher: Voucher, **changes: str) -> Any:
    return desk.post(f"{LIST}{voucher.pk}/change/", FIELDS | changes)


def test_one_is_made_as_it_will_be_typed(desk: Client) -> None:
    assert add(desk).status_code == 302
    voucher = Voucher.objects.get()
    assert (voucher.code, voucher.credits, voucher.total_limit) == ("SPRING2026", 100, 5)
    assert (voucher.note, voucher.active, voucher.redeemed) == ("for the fair", True, 0)
    page = text_of(desk.get(LIST))
    assert "SPRING2026" in page
    assert "0 of 5" in page


def test_a_code_is_offered_that_nobody_guesses(desk: Client) -> None:
    offered = [desk.get(f"{LIST}add/").context["adminform"].form.initial["code"] for _ in range(2)]
    assert offered[0] != offered[1]
    assert all(vouchers.clean_code(code) == code for code in offered)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"code": "abc"}, "A code has 4 to 40 letters"),
        ({"code": "ÄÖÜÄ"}, "A code has 4 to 40 letters"),
        ({"code": "TAKEN"}, "There is a voucher with this code already."),
        ({"code": "ta ken"}, "There is a voucher with this code already."),
        ({"credits": "0"}, "greater than or equal to 1"),
        ({"credits": "1000000001"}, "less than or equal to 1000000000"),
        ({"total_limit": "0"}, "greater than or equal to 1"),
        ({"per_person_limit": "0"}, "greater than or equal to 1"),
        ({"per_organization_limit": ""}, "This field is required."),
        ({"starts_at_0": "2031-01-01", "starts_at_1": "00:00"}, "It would end before it begins."),
    ],
)
def test_what_cannot_be_is_refused_in_words(desk: Client, changes: dict[str, str], words: str) -> None:
    a_voucher("TAKEN")
    response = add(desk, **changes)
    assert response.status_code == 200
    assert words in text_of(response)
    assert Voucher.objects.count() == 1


def test_its_limits_change_and_its_code_credits_and_count_do_not(desk: Client) -> None:
    voucher = a_voucher(total_limit=5)
    used(voucher)
    assert change(desk, voucher, code="OTHER", credits="7", total_limit="").status_code == 302
    voucher.refresh_from_db()
    assert (voucher.code, voucher.credits, voucher.redeemed) == ("SPRING-2026", 100, 1)
    assert (voucher.total_limit, voucher.active) == (None, True)


def test_a_form_that_was_open_while_somebody_redeemed_uncounts_nothing(desk: Client) -> None:
    voucher = a_voucher(total_limit=5)
    desk.get(f"{LIST}{voucher.pk}/change/")
    used(voucher)
    assert change(desk, voucher).status_code == 302
    voucher.refresh_from_db()
    assert voucher.redeemed == 1


def test_no_limit_is_set_below_what_was_used(desk: Client) -> None:
    voucher = a_voucher(total_limit=5)
    used(voucher)
    used(voucher)
    response = change(desk, voucher, total_limit="1")
    assert "It was used 2 times already; switch it off instead." in text_of(response)
    voucher.refresh_from_db()
    assert voucher.total_limit == 5


def test_what_brought_credits_stays_and_says_to_whom(desk: Client) -> None:
    voucher, unused = a_voucher(), a_voucher("UNUSED")
    used(voucher)
    page = desk.get(f"{LIST}{voucher.pk}/change/").content.decode()
    link = f"/admin/billing/redemption/?voucher__id__exact={voucher.pk}"
    assert link in page
    organization = Redemption.objects.get().organization
    assert organization.name in text_of(desk.get(link))
    assert desk.post(f"{LIST}{voucher.pk}/delete/", {"post": "yes"}).status_code == 403
    assert desk.post(f"{LIST}{unused.pk}/delete/", {"post": "yes"}).status_code == 302
    desk.post(LIST, {"action": "delete_selected", "_selected_action": voucher.pk, "post": "yes"})
    assert [row.code for row in Voucher.objects.all()] == [voucher.code]


def test_redemptions_cannot_be_edited(desk: Client) -> None:
    used(a_voucher())
    place = f"/admin/billing/redemption/{Redemption.objects.get().pk}"
    assert desk.get(f"{place}/change/").status_code == 200
    assert desk.post(f"{place}/change/", {"credits": "5"}).status_code == 403
    assert desk.post(f"{place}/delete/", {"post": "yes"}).status_code == 403


def test_staff_that_may_only_look_makes_and_changes_none() -> None:
    voucher = a_voucher()
    looked = desk_of(clerk("view_voucher"))
    assert looked.get(f"{LIST}{voucher.pk}/change/").status_code == 200
    assert change(looked, voucher, note="x").status_code == 403
    assert add(looked).status_code == 403


def test_each_shop_has_codes_of_its_own(desk: Client) -> None:
    """The same word may bring something else at another, and nothing at a third."""
    assert add(desk).status_code == 302
    shop = a_shop().shop
    session = desk.session
    session[scope.CHOSEN] = shop.pk
    session.save()
    assert add(desk, credits="7").status_code == 302
    assert "There is a voucher with this code already." in text_of(add(desk))
    brought = dict(Voucher.objects.values_list("shop__slug", "credits"))
    assert brought == {first_shop().slug: 100, shop.slug: 7}
