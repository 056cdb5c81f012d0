"""The operators' desk is entered through the shop's own door, by operators alone."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from generations.models import Upstream
from tests.cast import Person
from tests.makers import an_upstream

pytestmark = pytest.mark.django_db
PATHS = (
    "/admin/",
    "/admin/generations/upstream/",
    "/admin/generations/upstream/add/",
    "/admin/generations/upstream/1/try/",
    "/admin/generations/image/1/take-down/",
    "/admin/generations/attempt/",
    "/admin/generations/blockedphrase/",
)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("path", PATHS)
def test_strangers_are_led_to_the_shops_own_sign_in(path: str) -> None:
    answer = Client().get(path, follow=True)
    assert answer.redirect_chain[-1][0] == f"/sign-in/?next={path}"
    assert "password" in answer.content.decode()


@pytest.mark.parametrize("path", PATHS)
def test_customers_are_turned_away(alice: Person, path: str) -> None:
    answer = signed_in(alice.user).get(path, follow=True)
    assert answer.status_code == 403
    assert "Traceback" not in answer.content.decode()


def test_staff_see_and_do_what_they_may_and_no_more(db: None) -> None:
    staff = User.objects.create_user("staff@shop.example", "long enough to be one", is_staff=True)
    upstream = an_upstream()
    client = signed_in(staff)
    assert client.get("/admin/generations/upstream/").status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_upstream"))
    client = signed_in(User.objects.get(pk=staff.pk))
    assert client.get("/admin/generations/upstream/").status_code == 200
    assert client.get(f"/admin/generations/upstream/{upstream.pk}/try/").status_code == 403
    client.post("/admin/generations/upstream/", {"action": "disable", "_selected_action": [upstream.pk]})
    assert Upstream.objects.get().enabled


def test_who_was_put_out_is_out(desk: Client, operator: User) -> None:
    assert desk.get("/admin/").status_code == 200
    User.objects.filter(pk=operator.pk).update(is_staff=False)
    assert desk.get("/admin/", follow=True).status_code == 403


def test_signing_out_leads_back_to_the_door(desk: Client) -> None:
    assert desk.post("/admin/logout/").headers["Location"] == "/sign-in/"
    assert desk.get("/admin/").status_code == 302


def test_only_the_desk_may_run_what_its_pages_hold(desk: Client) -> None:
    assert "'unsafe-eval'" in desk.get("/admin/").headers["Content-Security-Policy"]
    for path in ("/", "/sign-in/", "/playground/", "/administration/"):
        assert "unsafe" not in desk.get(path).headers["Content-Security-Policy"]
    policy = desk.get("/admin/").headers["Content-Security-Policy"]
    assert "http" not in policy, "Nothing comes from elsewhere"


@pytest.mark.parametrize("name", ["attempt", "image", "operatoralert"])
def test_records_can_be_read_and_not_written(desk: Client, name: str) -> None:
    assert desk.get(f"/admin/generations/{name}/").status_code == 200
    assert desk.get(f"/admin/generations/{name}/add/").status_code == 403
