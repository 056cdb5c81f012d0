"""Who works at a shop's desk: what each role may do there, how roles are given, and that they end at once."""

from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import get_resolver
from django.utils import timezone
from pytest_django import Settings

from accounts import shops, staff
from accounts.desk import scope
from accounts.models import (
    AuditEvent,
    Membership,
    Organization,
    QueuedMail,
    Role,
    Shop,
    ShopStaff,
    StaffRole,
    User,
)
from accounts.organizations import person
from billing.models import CreditPack, Payment
from generations.models import Generation, ImageModel, ModelPrice, Upstream
from tests.config.desk_rows import everything
from tests.config.desk_shops import SECOND, Desk, a_desk
from tests.operators import clerk, desk_of, do, operator
from tests.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Desk:
    """Of a shop that is not the platform's."""
    found = a_desk(SECOND, "second.example", currency="eur")
    everything(found.name, found.shop)
    return found


def a_member(desk: Desk, email: str) -> User:
    user = person(email)
    User.objects.filter(pk=user.pk).update(email_confirmed_at=timezone.now())
    organization = Organization.objects.get(shop=desk.shop)
    Membership.objects.get_or_create(organization=organization, user=user, defaults={"role": Role.VIEWER})
    return user


def test_the_table_of_roles_names_permissions_that_there_are() -> None:
    known = {
        f"{app}.{name}" for app, name in Permission.objects.values_list("content_type__app_label", "codename")
    }
    for role in StaffRole:
        assert staff.PERMISSIONS[role] <= known, staff.PERMISSIONS[role] - known
    assert staff.PERMISSIONS[StaffRole.OPERATOR] >= staff.SUPPORT | staff.FINANCE


def test_no_role_holds_what_reaches_beyond_a_shop() -> None:
    beyond = {"accounts.help_user", "billing.view_bookscheck", "billing.change_bookscheck"}
    for permissions in staff.PERMISSIONS.values():
        assert not permissions & beyond
        assert not {
            one for one in permissions if one.partition(".")[2].startswith(("add_shop", "delete_shop"))
        }
        assert "generations.change_imagemodel" not in permissions


@pytest.mark.parametrize(
    ("role", "opens", "refuses"),
    [
        (
            StaffRole.SUPPORT,
            {"accounts/organization", "generations/generation", "billing/wallet", "accounts/apikey"},
            {
                "billing/payment",
                "billing/ledgerentry",
                "billing/creditpack",
                "generations/billedday",
                "generations/upstream",
                "generations/modelprice",
                "accounts/shop",
                "admin/logentry",
            },
        ),
        (
            StaffRole.FINANCE,
            {"billing/payment", "billing/ledgerentry", "generations/billedday", "billing/voucher"},
            {
                "generations/generation",
                "generations/image",
                "accounts/user",
                "accounts/apikey",
                "generations/upstream",
                "webhooks/webhookdelivery",
            },
        ),
        (StaffRole.OPERATOR, {"generations/upstream", "accounts/shop", "admin/logentry"}, set()),
    ],
)
def test_a_role_opens_its_lists_and_no_other(
    desk: Desk, role: StaffRole, opens: set[str], refuses: set[str]
) -> None:
    client = desk.browser(desk.staff(role))
    assert client.get("/admin/").status_code == 200
    for path in opens:
        assert client.get(f"/admin/{path}/").status_code == 200, path
    for path in refuses:
        assert client.get(f"/admin/{path}/").status_code == 403, path
        assert f"/admin/{path}/" not in client.get("/admin/").content.decode(), path
    for path in ("books", "health", "shown"):
        assert client.get(f"/admin/{path}/").status_code == 404, path
    is_operator = role == StaffRole.OPERATOR
    assert client.get("/admin/staff/").status_code == (200 if is_operator else 403)


def test_each_role_is_refused_the_deeds_of_others(desk: Desk) -> None:
    organization = Organization.objects.get(shop=desk.shop)
    payment = Payment.objects.get(shop=desk.shop)
    failed = Generation.objects.filter(organization=organization).latest("pk")
    deeds: dict[str, set[StaffRole]] = {
        f"/admin/accounts/organization/{organization.pk}/grant-credits/": {StaffRole.FINANCE},
        f"/admin/accounts/organization/{organization.pk}/take-credits/": {StaffRole.FINANCE},
        f"/admin/accounts/organization/{organization.pk}/suspend/": set(),
        f"/admin/accounts/organization/{organization.pk}/look-in/": {StaffRole.SUPPORT},
        f"/admin/generations/generation/{failed.pk}/retry/": {StaffRole.SUPPORT},
        f"/admin/generations/generation/{failed.pk}/credit/": {StaffRole.FINANCE},
        f"/admin/billing/payment/{payment.pk}/refund/": {StaffRole.FINANCE},
        f"/admin/billing/payment/{payment.pk}/settle/": {StaffRole.FINANCE},
        f"/admin/billing/payment/{payment.pk}/owe/": {StaffRole.FINANCE},
        "/admin/generations/billedday/margin/": {StaffRole.FINANCE},
        "/admin/generations/billedday/leakage/?file=1": {StaffRole.FINANCE},
        "/admin/generations/billedday/bill/": {StaffRole.FINANCE},
        "/admin/generations/upstream/add/": set(),
        "/admin/billing/creditpack/add/": set(),
    }
    for role in StaffRole:
        client = desk.browser(desk.staff(role))
        for path, allowed in deeds.items():
            may = role in allowed or role == StaffRole.OPERATOR
            assert client.get(path).status_code == (200 if may else 403), (role, path)


def test_people_are_helped_and_given_rights_by_the_platform_alone(desk: Desk) -> None:
    member = a_member(desk, "somebody@desk.example")
    client = desk.browser(desk.staff())
    assert client.get(f"/admin/accounts/user/{member.pk}/change/").status_code == 200
    for path in ("shut-out", "let-in", "reset-second-factor"):
        assert do(client, member, path).status_code == 403
        assert f"{path}/" not in client.get(f"/admin/accounts/user/{member.pk}/change/").content.decode()
    assert client.get(f"/admin/rights/{member.pk}/").status_code == 404
    assert client.get(f"/admin/accounts/user/{member.pk}/history/").status_code == 404
    assert User.objects.get(pk=member.pk).is_active


def test_a_person_of_two_shops_is_shown_with_this_ones_organizations_alone(desk: Desk) -> None:
    here = everything("annabella")
    Membership.objects.create(
        organization=Organization.objects.get(shop=desk.shop), user=here.customer.user, role=Role.VIEWER
    )
    page = desk.browser(desk.staff()).get(f"/admin/accounts/user/{here.customer.user.pk}/change/")
    assert here.customer.user.email in text_of(page)
    assert "Annabella's Studio" not in text_of(page)
    assert "last login" not in text_of(page).lower()
    everywhere = desk_of(operator()).get(f"/admin/accounts/user/{here.customer.user.pk}/change/")
    assert "Annabella's Studio" in text_of(everywhere)


def test_the_catalogue_is_the_platforms_and_prices_are_each_shops(desk: Desk) -> None:
    client, model = desk.browser(desk.staff()), ImageModel.objects.first()
    assert model
    path = f"/admin/generations/imagemodel/{model.pk}/change/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"name": "Mine", "active": ""}).status_code == 403
    sent = {"model": model.pk, "credits": 77, "valid_from_0": "2099-01-01", "valid_from_1": "00:00:00"}
    assert client.post("/admin/generations/modelprice/add/", sent).status_code == 302
    assert ModelPrice.objects.get(credits=77).shop == desk.shop


def test_what_is_added_is_of_the_shop_whose_desk_it_is(desk: Desk) -> None:
    sent = {"name": "Tiny", "credits": 10, "bonus": 0, "price_minor": 500, "currency": "eur", "position": 1}
    assert desk.browser(desk.staff()).post("/admin/billing/creditpack/add/", sent).status_code == 302
    assert CreditPack.objects.get(name="Tiny").shop == desk.shop
    boss = desk_of(operator())
    page = text_of(boss.get("/admin/billing/creditpack/add/"))
    assert "This is added to Tintype" in page.replace("  ", " ")
    boss.post("/admin/shown/", {"shop": desk.shop.pk})
    page = text_of(boss.get("/admin/billing/creditpack/add/"))
    assert f"This is added to Shop of {desk.name}" in page.replace("  ", " ")
    assert boss.post("/admin/billing/creditpack/add/", sent | {"name": "By the platform"}).status_code == 302
    assert CreditPack.objects.get(name="By the platform").shop == desk.shop


def test_nobody_learns_of_shops_where_there_is_one() -> None:
    page = text_of(desk_of(operator()).get("/admin/billing/creditpack/add/"))
    assert "All shops are shown" not in page
    assert "This is added to" not in page


def test_a_shop_is_found_among_many_and_kept_in_the_session(desk: Desk) -> None:
    boss = desk_of(operator())
    assert "All shops are shown" in text_of(boss.get("/admin/"))
    found = boss.get("/admin/shown/", {"q": "second.exam", "next": "/admin/billing/payment/?q=x"})
    assert [one.pk for one in found.context["found"]] == [desk.shop.pk]
    assert found.context["next"] == "/admin/"  # a list with its filters is another shop's
    for text in ("0", "99999", "x", "-1", "9" * 30):
        assert boss.post("/admin/shown/", {"shop": text}).status_code == 404
    for path in ("https://elsewhere.example/", "//elsewhere.example/admin/", "/credits/", "/admin/../x"):
        chosen = boss.post("/admin/shown/", {"shop": desk.shop.pk, "next": path})
        assert chosen["Location"] == "/admin/", path
    assert boss.get("/admin/shown/").status_code == 200
    assert boss.session[scope.CHOSEN] == desk.shop.pk
    assert desk.browser(desk.staff()).post("/admin/shown/", {"shop": "1"}).status_code == 404


def test_a_chosen_shop_that_is_gone_is_chosen_no_longer_and_what_was_sent_is_not_done(desk: Desk) -> None:
    boss, gone = desk_of(operator()), 987_654
    for method, path in (
        ("get", "/admin/"),
        ("get", "/admin/billing/creditpack/add/"),
        ("get", "/admin/generations/imagemodel/"),
        ("get", "/admin/generations/margin/"),
        ("post", "/admin/billing/creditpack/add/"),
        ("post", "/admin/staff/"),
    ):
        session = boss.session
        session[scope.CHOSEN] = gone
        session.save()
        sent = {
            "name": "Tiny",
            "credits": 10,
            "bonus": 0,
            "price_minor": 500,
            "currency": "usd",
            "position": 1,
        }
        answer = getattr(boss, method)(path, sent if method == "post" else {}, follow=True)
        assert answer.redirect_chain == [("/admin/", 302)], path
        assert "is not there any more, so all are shown" in text_of(answer)
        assert "All shops are shown" in text_of(answer)
        assert scope.CHOSEN not in boss.session
    assert not CreditPack.objects.filter(name="Tiny").exists()


def test_a_closed_shop_can_be_looked_at_and_is_called_closed(desk: Desk) -> None:
    boss = desk_of(operator())
    boss.post("/admin/shown/", {"shop": desk.shop.pk})
    assert "closed for good" not in text_of(boss.get("/admin/"))
    now = timezone.now()
    Shop.objects.filter(pk=desk.shop.pk).update(closing_at=now, closed_at=now)
    shops.forget()
    for path in ("/admin/", "/admin/billing/ledgerentry/", "/admin/billing/creditpack/add/"):
        page = boss.get(path)
        assert page.status_code == 200
        assert "It is closed for good" in text_of(page), path


def test_operators_read_what_the_platform_did_to_their_shop_and_not_who(desk: Desk) -> None:
    boss, member = operator(), a_member(desk, "somebody@desk.example")
    upstream = Upstream.objects.get(shop=desk.shop)
    platform = desk_of(boss)
    platform.post("/admin/generations/upstream/", {"action": "disable", "_selected_action": upstream.pk})
    rights = {"is_staff": "on", "permissions": [], "reason": "helps the platform"}
    assert platform.post(f"/admin/rights/{member.pk}/", rights).status_code == 302
    page = text_of(desk.browser(desk.staff()).get("/admin/admin/logentry/"))
    assert "Disabled." in page
    assert "somebody of the platform" in page
    assert boss.email not in page
    assert "helps the platform" not in page
    page = text_of(platform.get("/admin/admin/logentry/"))
    assert boss.email in page
    assert "helps the platform" in page


def test_today_shows_one_shop_or_each_currency_apart(desk: Desk) -> None:
    everything("annabella")
    boss = desk_of(operator())
    page = text_of(boss.get("/admin/"))
    assert "Today, UTC · EUR" in page
    assert "Today, UTC · USD" in page
    boss.post("/admin/shown/", {"shop": desk.shop.pk})
    for client in (boss, desk.browser(desk.staff())):
        page = text_of(client.get("/admin/"))
        assert "Today, UTC" in page
        assert "· EUR" not in page
        assert "$" not in page
        assert "Upstream of bertoldina" in page
        assert "annabella" not in page.lower()
    assert "The books" in text_of(boss.get("/admin/"))
    assert "The books" not in text_of(desk.browser(desk.staff()).get("/admin/"))


# --- Giving and taking ----------------------------------------------------------------------------


def write(client: Any, email: str, role: str, reason: str = "as agreed on Monday") -> Any:
    return client.post("/admin/staff/", {"email": email, "role": role, "reason": reason}, follow=True)


def test_an_operator_gives_changes_and_ends_roles_and_the_shops_log_says_why(desk: Desk) -> None:
    user = a_member(desk, "helper@desk.example")
    client = desk.browser(desk.staff())
    assert "works at the desk" in text_of(write(client, " Helper@Desk.example", "support"))
    theirs = desk.browser(user)
    assert theirs.get("/admin/accounts/organization/").status_code == 200
    assert theirs.get("/admin/billing/payment/").status_code == 403
    write(client, user.email, "finance")
    assert theirs.get("/admin/billing/payment/").status_code == 200
    assert theirs.get("/admin/accounts/user/").status_code == 403
    assert "They have this role already." in text_of(write(client, user.email, "finance"))
    write(client, user.email, "")
    assert theirs.get("/admin/").status_code == 404
    assert "They have no role here." in text_of(write(client, user.email, ""))
    log = [one.change_message for one in LogEntry.objects.filter(done_for__shop=desk.shop).order_by("pk")[1:]]
    assert log == [
        f"{desk.name}: support: as agreed on Monday",
        f"{desk.name}: finance: as agreed on Monday",
        f"{desk.name}: no role: as agreed on Monday",
    ]
    assert "as agreed on Monday" in text_of(client.get("/admin/admin/logentry/"))
    mails = QueuedMail.objects.filter(template="staff")
    assert [(one.shop, one.to) for one in mails] == [(desk.shop, user.email)] * 3
    assert "http://second.example" in mails.earliest("pk").body


def test_they_are_told_in_their_own_language_and_not_in_that_of_who_did_it(desk: Desk) -> None:
    user = a_member(desk, "helper@desk.example")
    user.reads("de")
    client = desk.browser(desk.staff())
    for role in ("support", ""):
        assert "works at the desk" in text_of(write(client, user.email, role)) or not role
    assert list(
        QueuedMail.objects.filter(template="staff").order_by("pk").values_list("subject", "body")
    ) == [
        (
            f"Ihre Arbeit am Betreiberpult von {desk.shop.name}",
            f"Sie arbeiten jetzt am Betreiberpult von {desk.shop.name} als Support: "
            f"{shops.address_of(desk.shop.pk)}/admin/\n",
        ),
        (
            f"Ihre Arbeit am Betreiberpult von {desk.shop.name}",
            f"Sie arbeiten nicht mehr am Betreiberpult von {desk.shop.name}.\n",
        ),
    ]


def test_a_role_needs_a_reason_and_somebody_who_belongs_to_the_shop(desk: Desk) -> None:
    client = desk.browser(desk.staff())
    elsewhere = everything("annabella").customer.user  # a customer of another shop
    User.objects.filter(pk=elsewhere.pk).update(email_confirmed_at=timezone.now())
    unconfirmed = a_member(desk, "unconfirmed@desk.example")
    User.objects.filter(pk=unconfirmed.pk).update(email_confirmed_at=None)
    answers = {
        text_of(write(client, email, "support")).count("Nobody who belongs to this shop")
        for email in (elsewhere.email, "nobody@desk.example", unconfirmed.email, "x" * 200)
    }
    assert answers == {1}
    helper = a_member(desk, "helper@desk.example")
    write(client, helper.email, "support", reason="")
    write(client, helper.email, "owner")
    assert ShopStaff.objects.filter(shop=desk.shop).count() == 1
    assert "This is you" in text_of(write(client, desk.staff().email, "support"))


def test_the_platform_names_whom_it_likes_for_the_shop_that_is_shown(desk: Desk) -> None:
    anybody = person("anybody@desk.example")
    User.objects.filter(pk=anybody.pk).update(email_confirmed_at=timezone.now())
    boss = desk_of(operator())
    boss.post("/admin/shown/", {"shop": desk.shop.pk})
    write(boss, anybody.email, "operator")
    assert ShopStaff.objects.get(user=anybody).shop == desk.shop
    assert desk_of(clerk("view_upstream")).get("/admin/staff/").status_code == 403


def test_somebody_of_the_platform_has_at_a_shops_desk_what_their_role_there_says(desk: Desk) -> None:
    user = clerk("view_upstream", "view_payment")
    assert desk.browser(user).get("/admin/").status_code == 404
    ShopStaff.objects.create(shop=desk.shop, user=user, role=StaffRole.SUPPORT)
    client = desk.browser(user)
    assert client.get("/admin/generations/generation/").status_code == 200
    assert client.get("/admin/generations/upstream/").status_code == 403
    assert desk_of(user).get("/admin/generations/upstream/").status_code == 200
    assert desk_of(user).get("/admin/generations/generation/").status_code == 403


def test_their_second_factor_is_asked_for_as_the_platforms_is(desk: Desk, settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = True
    client = desk.browser(desk.staff())
    assert client.get("/admin/")["Location"] == "/account/second-factor/"
    assert "operator's desk" in text_of(client.get("/account/second-factor/"))


def test_who_was_shut_out_or_erased_has_no_desk(desk: Desk) -> None:
    from accounts.privacy import erasing

    user = a_member(desk, "helper@desk.example")
    ShopStaff.objects.create(shop=desk.shop, user=user, role=StaffRole.OPERATOR)
    client = desk.browser(user)
    assert client.get("/admin/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302
    User.objects.filter(pk=user.pk).update(is_active=True)
    erasing.erase(user)
    assert not ShopStaff.objects.filter(user=user).exists()


# --- Looking in -----------------------------------------------------------------------------------


def test_a_shops_staff_looks_in_as_its_own_member_until_their_role_ends(desk: Desk) -> None:
    organization = Organization.objects.get(shop=desk.shop)
    member = Membership.objects.filter(organization=organization).earliest("pk").user
    user = desk.staff(StaffRole.SUPPORT)
    client = desk.browser(user)
    assert do(client, organization, "look-in", member=str(member.uuid)).redirect_chain == [("/home/", 302)]
    assert organization.name in text_of(client.get("/credits/"))
    ShopStaff.objects.filter(user=user).delete()
    assert "/admin/" in client.get("/credits/")["Location"]
    ended = AuditEvent.objects.filter(organization=organization, action="stand_in_ended")
    assert ended.count() == 1


def test_the_platforms_staff_looks_in_at_its_own_shop_and_nobody_in_place_of_staff(desk: Desk) -> None:
    organization = Organization.objects.get(shop=desk.shop)
    member = Membership.objects.filter(organization=organization).earliest("pk").user
    page = do(desk_of(operator()), organization, "look-in", member=str(member.uuid))
    assert "by the shop's own staff" in text_of(page)
    ShopStaff.objects.create(shop=desk.shop, user=member, role=StaffRole.FINANCE)
    page = desk.browser(desk.staff()).get(f"/admin/accounts/organization/{organization.pk}/look-in/")
    assert "It has no member who could sign in" in text_of(page)


def test_customers_of_a_shop_find_no_desk_there(desk: Desk) -> None:
    organization = Organization.objects.get(shop=desk.shop)
    client = desk.browser(Membership.objects.filter(organization=organization).earliest("pk").user)
    assert get_resolver().url_patterns
    for model in site._registry:
        assert client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/").status_code == 404
