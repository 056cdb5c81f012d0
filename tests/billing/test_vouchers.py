"""A voucher brings its credits as often as it may, to those it is for, and says why not."""

import pytest
from django.db import transaction

from accounts import shops
from accounts.errors import OrganizationSuspended, RateLimited, ShopSuspended
from accounts.models import Organization, Shop, User
from accounts.organizations import create_organization, person
from billing.errors import (
    UnknownVoucher,
    VoucherAlreadyUsed,
    VoucherAlreadyUsedTogether,
    VoucherExpired,
    VoucherNotYetValid,
    VoucherRefused,
    VoucherUsedUp,
)
from billing.models import LedgerEntry, Redemption, Voucher
from billing.vouchers import ORGANIZATION_RATE, PERSON_RATE, clean_code, new_code, redeem
from tests.billing.gifts import a_person, a_voucher, owner_of
from tests.makers import ago, an_organization, books_are_right, wallet_of
from tests.several import a_shop

pytestmark = pytest.mark.django_db
DAY_S = 86_400


@pytest.fixture
def organization(db: None) -> Organization:
    return an_organization()


@pytest.fixture
def owner(organization: Organization) -> User:
    return owner_of(organization)


def test_it_brings_its_credits_once(organization: Organization, owner: User) -> None:
    voucher = a_voucher()
    assert redeem(organization, owner, "SPRING-2026") == 100
    redemption = Redemption.objects.get()
    assert (redemption.voucher, redemption.organization, redemption.user) == (
        voucher,
        organization,
        owner.uuid,
    )
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.reference, entry.actor) == (
        "grant",
        f"voucher:{redemption.pk}",
        f"user:{owner.uuid}",
    )
    with pytest.raises(VoucherAlreadyUsed):
        redeem(organization, owner, "SPRING-2026")
    voucher.refresh_from_db()
    assert voucher.redeemed == 1
    assert wallet_of(organization)[0] == 100
    assert books_are_right()


def test_it_brings_nothing_while_the_organization_or_its_shop_is_suspended() -> None:
    shop = a_shop("Plates").shop
    owner = person("erin@studio.example")
    organization = create_organization(shop, "Erin's", owner)
    Voucher.objects.create(shop=shop, code="SPRING-2026", credits=100)
    for field, row in (("suspended_at", shop), ("closing_at", shop), ("suspended_at", organization)):
        type(row)._default_manager.filter(pk=row.pk).update(**{field: ago(1)})
        shops.forget()
        organization.refresh_from_db()
        with pytest.raises((ShopSuspended, OrganizationSuspended)):
            redeem(organization, owner, "SPRING-2026")
        type(row)._default_manager.filter(pk=row.pk).update(**{field: None})
    shops.forget()
    organization.refresh_from_db()
    assert wallet_of(organization)[0] == Voucher.objects.get().redeemed == 0
    assert redeem(organization, owner, "SPRING-2026") == 100


@pytest.mark.parametrize("typed", ["spring-2026", " Spring-2026\n", "SPRING - 2026", "s p r i n g-2 0 2 6"])
def test_case_and_spaces_make_no_difference(organization: Organization, owner: User, typed: str) -> None:
    a_voucher()
    assert redeem(organization, owner, typed) == 100


@pytest.mark.parametrize(
    "typed", ["", "   ", "SPRING", "SPRİNG-2026", "SPRING-2026\x00", "A" * 5000, "%", "' OR 1=1"]
)
def test_what_is_no_code_is_unknown(organization: Organization, owner: User, typed: str) -> None:
    a_voucher()
    with pytest.raises(UnknownVoucher):
        redeem(organization, owner, typed)


def test_unknown_and_switched_off_and_another_shop_s_read_the_same(
    organization: Organization, owner: User
) -> None:
    a_voucher("GONE", active=False)
    elsewhere = Shop.objects.create(slug="elsewhere")
    Voucher.objects.create(shop=elsewhere, code="THEIRS", credits=5)
    said = set()
    for code in ("GONE", "THEIRS", "NEVER"):
        with pytest.raises(UnknownVoucher) as refused:
            redeem(organization, owner, code)
        said.add((refused.value.type, refused.value.status, str(refused.value.message)))
    assert len(said) == 1


def test_it_is_valid_from_then_until_then(organization: Organization, owner: User) -> None:
    voucher = a_voucher(starts_at=ago(-DAY_S), expires_at=ago(-2 * DAY_S))
    with pytest.raises(VoucherNotYetValid, match="valid from"):
        redeem(organization, owner, voucher.code)
    Voucher.objects.update(starts_at=ago(2 * DAY_S), expires_at=ago(DAY_S))
    with pytest.raises(VoucherExpired, match="has expired on"):
        redeem(organization, owner, voucher.code)
    Voucher.objects.update(starts_at=ago(2 * DAY_S), expires_at=ago(-DAY_S))
    assert redeem(organization, owner, voucher.code) == 100


def test_in_all_it_is_used_as_often_as_it_may(organization: Organization, owner: User) -> None:
    voucher = a_voucher(total_limit=1)
    other = an_organization()
    redeem(other, owner_of(other), voucher.code)
    with pytest.raises(VoucherUsedUp):
        redeem(organization, owner, voucher.code)
    with pytest.raises(VoucherAlreadyUsed):
        redeem(other, owner_of(other), voucher.code)
    assert wallet_of(organization)[0] == 0
    voucher.refresh_from_db()
    assert voucher.redeemed == 1


def test_a_teammate_uses_what_is_once_per_organization_no_more(
    organization: Organization, owner: User
) -> None:
    voucher = a_voucher()
    redeem(organization, owner, voucher.code)
    with pytest.raises(VoucherAlreadyUsedTogether):
        redeem(organization, a_person(), voucher.code)


def test_a_person_uses_what_is_once_per_person_in_one_organization_alone(
    organization: Organization, owner: User
) -> None:
    voucher = a_voucher()
    redeem(organization, owner, voucher.code)
    with pytest.raises(VoucherAlreadyUsed):
        redeem(an_organization(), owner, voucher.code)


def test_several_times_each_where_it_says_so(organization: Organization, owner: User) -> None:
    voucher = a_voucher(per_organization_limit=3, per_person_limit=2)
    teammate = a_person()
    assert [redeem(organization, who, voucher.code) for who in (owner, owner, teammate)] == [100] * 3
    with pytest.raises(VoucherAlreadyUsed):
        redeem(organization, owner, voucher.code)
    with pytest.raises(VoucherAlreadyUsedTogether):
        redeem(organization, teammate, voucher.code)
    numbers = Redemption.objects.order_by("pk").values_list("organization_number", "person_number")
    assert list(numbers) == [(1, 1), (2, 2), (3, 1)]
    assert books_are_right()


def test_a_refusal_leaves_nothing_behind(organization: Organization, owner: User) -> None:
    voucher = a_voucher()
    redeem(organization, owner, voucher.code)
    with transaction.atomic(), pytest.raises(VoucherRefused):
        redeem(organization, a_person(), voucher.code)
    voucher.refresh_from_db()
    assert (voucher.redeemed, Redemption.objects.count(), LedgerEntry.objects.count()) == (1, 1, 1)


def test_a_person_may_try_a_few_codes_and_then_has_to_wait(organization: Organization, owner: User) -> None:
    a_voucher()
    for number in range(PERSON_RATE.burst):
        with pytest.raises(UnknownVoucher):
            redeem(an_organization(), owner, f"GUESS-{number}")
    with pytest.raises(RateLimited) as refused:
        redeem(organization, owner, "SPRING-2026")
    assert refused.value.retry_after in range(50, 61)


def test_an_organization_may_try_a_few_codes_whoever_types_them(
    organization: Organization, owner: User
) -> None:
    for number in range(ORGANIZATION_RATE.burst):
        with pytest.raises(UnknownVoucher):
            redeem(organization, a_person(), f"GUESS-{number}")
    with pytest.raises(RateLimited) as refused:
        redeem(organization, owner, "SPRING-2026")
    assert refused.value.limit_source == "organization"


def test_a_new_code_is_one_and_is_not_guessed() -> None:
    codes = {new_code() for _ in range(100)}
    assert len(codes) == 100
    assert all(clean_code(code) == code for code in codes)
