"""What a shop's staff read in the audit log of who did something: not from where the platform's people did it."""

import pytest
from allauth.mfa.models import Authenticator

from accounts.audit import record
from accounts.models import AuditAction, AuditEvent, Organization, ShopStaff, StaffRole
from accounts.origin import Origin
from accounts.signing import second_factor
from tests.config.desk_rows import everything
from tests.config.desk_shops import SECOND, a_desk
from tests.operators import desk_of, do, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/auditevent/"
ADDRESS, AGENT = "198.51.100.77", "Rarebrowser 9"


@pytest.mark.parametrize(("by", "is_told"), [("platform", False), ("shop", True), ("member", True)])
def test_from_where_the_platforms_people_act_is_not_a_shops_to_know(by: str, is_told: bool) -> None:
    desk, boss = a_desk(SECOND, "second.example"), operator()
    member = everything(desk.name, desk.shop).customer.user
    staff = desk.staff()
    actor = {"platform": f"staff:{boss.uuid}", "shop": f"staff:{staff.uuid}", "member": member.actor}[by]
    record(
        Organization.objects.get(shop=desk.shop),
        AuditAction.SUSPENDED,
        actor=actor,
        origin=Origin(ADDRESS, AGENT),
        note="Too much of it",
    )
    page = f"{LIST}{AuditEvent.objects.latest('pk').pk}/change/"
    client = desk.browser(staff)
    assert (ADDRESS in text_of(client.get(LIST))) is is_told
    shown = text_of(client.get(page))
    assert (ADDRESS in shown, AGENT in shown, "Too much of it" in shown) == (is_told, is_told, True)
    assert ADDRESS in text_of(desk_of(boss).get(LIST))
    assert AGENT in text_of(desk_of(boss).get(page))


def test_why_the_platform_shut_an_account_out_is_not_told_to_each_of_its_shops() -> None:
    """It may be for what was done at another one."""
    desk, boss = a_desk(SECOND, "second.example"), operator()
    member = everything(desk.name, desk.shop).customer.user
    do(desk_of(boss), member, "shut-out", reason="spam at the Harbour")
    event = AuditEvent.objects.filter(action=AuditAction.PERSON_SHUT_OUT).latest("pk")
    page = f"{LIST}{event.pk}/change/"
    assert "Harbour" not in text_of(desk.browser(desk.staff()).get(page))
    assert "spam at the Harbour" in text_of(desk_of(boss).get(page))


def test_nor_why_second_factors_were_taken_away_by_a_command_or_by_somebody_of_both_desks() -> None:
    desk, boss = a_desk(SECOND, "second.example"), operator()
    member = everything(desk.name, desk.shop).customer.user
    ShopStaff.objects.create(shop=desk.shop, user=boss, role=StaffRole.SUPPORT)
    for actor in ("system", f"staff:{boss.uuid}"):
        Authenticator.objects.create(user=member, type=Authenticator.Type.TOTP, data={})
        assert second_factor.reset(member, reason="called from the Harbour", actor=actor)
        event = AuditEvent.objects.filter(action=AuditAction.SECOND_FACTOR_OFF).latest("pk")
        page = f"{LIST}{event.pk}/change/"
        assert "Harbour" not in text_of(desk.browser(desk.staff()).get(page)), actor
        assert "called from the Harbour" in text_of(desk_of(boss).get(page)), actor
