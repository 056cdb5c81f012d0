"""Who gets to the operator's desk, and what browsers may do there."""

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from tests.accounts.test_sign_in import sign_in
from tests.cast import Person
from tests.makers import an_upstream
from tests.operators import clerk, desk_of, operator
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD

pytestmark = pytest.mark.django_db
PLACES = [
    "/admin/",
    "/admin/generations/upstream/",
    "/admin/generations/upstream/add/",
    "/admin/generations/attempt/",
    "/admin/generations/image/",
    "/admin/generations/blockedphrase/",
    "/admin/generations/takedown/",
    "/admin/accounts/organization/",
    "/admin/accounts/shop/",
    "/admin/billing/creditpack/",
    "/admin/billing/creditpack/add/",
    "/admin/billing/payment/",
    "/admin/billing/stripeevent/",
    "/admin/billing/voucher/",
    "/admin/billing/voucher/add/",
    "/admin/billing/redemption/",
    "/admin/accounts/operatoralert/",
    "/admin/accounts/queuedmail/",
    "/admin/generations/alarm/",
]


@pytest.mark.parametrize("place", PLACES)
def test_operator_gets_in(place: str) -> None:
    response = desk_of(operator()).get(place)
    assert response.status_code == 200
    assert "Tintype" in text_of(response)


@pytest.mark.parametrize("place", [*PLACES, "/admin/nothing/", "/admin/login/", "/admin/jsi18n/"])
def test_strangers_are_sent_to_the_shops_own_sign_in(place: str) -> None:
    response = browser_of().get(place)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in/?next=/admin/")


@pytest.mark.parametrize("place", [*PLACES, "/admin/nothing/", "/admin/login/"])
def test_customers_find_nothing(alice: Person, place: str) -> None:
    client = browser_of(alice)
    for response in (client.get(place), client.post(place, {"username": "a", "password": "b"})):
        assert response.status_code == 404
        assert "There is nothing here" in text_of(response)


def test_staff_that_was_shut_out_is_a_stranger() -> None:
    user = operator()
    client = desk_of(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302


def test_staff_without_a_permission_gets_403_in_the_shops_clothes() -> None:
    client = desk_of(clerk())
    assert client.get("/admin/").status_code == 200
    for place in PLACES[1:]:
        response = client.get(place)
        assert response.status_code == 403
        assert "Your role does not allow this" in text_of(response)
        assert "ask whoever gave you your rights at the desk" in text_of(response)


def test_operator_signs_in_where_everybody_does_and_out_again(alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    client = browser_of()
    assert (
        client.post("/admin/login/", {"username": alice.user.email, "password": PASSWORD}).status_code == 302
    )
    assert "_auth_user_id" not in client.session
    assert sign_in(client, next="/admin/").headers["Location"] == "/admin/"
    assert client.get("/admin/login/").headers["Location"] == "/admin/"
    assert client.get("/admin").headers["Location"] == "/admin/"
    assert client.get("/admin/password_change/").headers["Location"] == "/account/password/"
    assert client.post("/admin/logout/").headers["Location"] == "/sign-in/"
    assert client.get("/admin/").status_code == 302


def test_the_desk_has_a_policy_of_its_own_and_everything_else_the_strict_one() -> None:
    client = desk_of(operator())
    desk = client.get("/admin/").headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in desk
    assert "style-src 'self' 'unsafe-inline'" in desk
    assert "default-src 'none'" in desk
    assert "http" not in desk
    for response in (
        client.get("/sign-in/"),
        browser_of().get("/"),
        client.get("/nothing"),
        client.get("/administer"),
    ):
        assert "unsafe" not in response.headers["Content-Security-Policy"]


def test_forms_need_their_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator())
    row = an_upstream()
    sent = {"action": "disable", "_selected_action": row.pk}
    assert client.post("/admin/generations/upstream/", sent).status_code == 403
    row.refresh_from_db()
    assert row.enabled


def test_createsuperuser_makes_an_operator_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, email="Boss@Shop.example", verbosity=0)
    client = browser_of()
    assert sign_in(client, "boss@shop.example", next="/admin/").headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_what_was_done_is_in_the_history() -> None:
    row = an_upstream()
    client = desk_of(operator())
    client.post("/admin/generations/upstream/", {"action": "disable", "_selected_action": row.pk})
    row.refresh_from_db()
    assert not row.enabled
    assert [entry.change_message for entry in LogEntry.objects.all()] == ["Disabled."]
    assert "Disabled." in text_of(client.get(f"/admin/generations/upstream/{row.pk}/history/"))
