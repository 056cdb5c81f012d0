"""An operator in a member's place: told on every page, for a time, in the audit log, changing nothing whatever."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from accounts import standing_in
from accounts.models import AuditEvent, Membership, Organization, StandIn, User
from config.standing_in import DOCS, SHOWN
from generations.models import Generation
from tests.cast import Person, new_key
from tests.makers import ago
from tests.operators import clerk, desk_of, do, operator
from tests.pages import browser_of, ordered, text_of
from tests.routes import METHODS, routes, rows

pytestmark = pytest.mark.django_db
BANNER = "You look in as alice@studio.example of Alice's Studio"
END = "/look-in/end/"


def begin(desk: Client, person: Person, **fields: Any) -> Any:
    return do(desk, person.organization, "look-in", member=str(person.user.uuid), **fields)


@pytest.fixture
def inside(alice: Person) -> Client:
    """The desk of an operator who looks in as alice."""
    desk = desk_of(operator())
    assert begin(desk, alice).redirect_chain == [("/home/", 302)]
    return desk


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_the_operator_sees_what_the_member_sees_and_is_told_so(inside: Client, alice: Person) -> None:
    task = ordered(browser_of(alice))
    key, _secret = new_key(alice)
    for path, seen in (
        ("/home/", "Alice's Studio"),
        ("/gallery/", task.task_id),
        (f"/gallery/{task.task_id}/", task.prompt),
        (f"/playground/{task.task_id}/", task.prompt),
        ("/credits/", "1,485"),
        ("/keys/", key.prefix),
        ("/usage/", "Alice's Studio"),
        ("/team/", "alice@studio.example"),
        ("/audit/", "Began to look in as a member"),
        ("/docs/", "Docs"),
    ):
        response = inside.get(path)
        assert response.status_code == 200, path
        assert seen in text_of(response) or seen in response.content.decode(), path
        assert BANNER in text_of(response), path
        assert f'action="{END}"' in response.content.decode()
    for path in ("/nothing/", "/account/", "/credits/automatic/"):
        assert BANNER in text_of(inside.get(path)), path


def test_members_read_that_an_operator_looked_in_but_not_who_and_why(alice: Person) -> None:
    begin(desk_of(operator()), alice, reason="says that images are missing")
    words = text_of(browser_of(alice).get("/audit/"))
    assert "an operator" in words
    assert "Began to look in as a member" in words
    assert "says that images are missing" not in words
    event = AuditEvent.objects.select_related("origin").get()
    assert event.actor == f"staff:{operator().uuid}"
    assert (event.subject, event.details) == (alice.user.actor, {"minutes": 30})
    assert event.origin.note == "says that images are missing"


def test_nothing_is_changed_by_any_address_and_any_method(inside: Client, alice: Person) -> None:
    """Of all that there is: only what an explicit list names opens, and only to be looked at."""
    task = ordered(browser_of(alice))
    key, _secret = new_key(alice)
    values: dict[str, Any] = {
        "task_id": task.task_id,
        "key_id": key.public_id,
        "person": alice.user.uuid,
    }
    before, opened = rows(), set()
    for route in routes():
        if route.pattern.startswith(
            ("api/", "v1/", "hooks/", "i/", "accent/", "webhooks/stripe", "webhooks/github")
        ):
            continue  # which know no session
        if route.pattern in ("healthz", "readyz", END.strip("/") + "/"):
            continue
        path = (
            "/sign-in/"
            if route.pattern.startswith("^")
            else route.path(dict.fromkeys(route.arguments, "1") | values)
        )
        for method in METHODS:
            answer: Any = inside.generic(
                method, path, f"for={alice.organization.slug}", "application/x-www-form-urlencoded"
            )
            if method == "GET" and answer.status_code in (200, 302):
                opened.add(route.pattern)
            else:
                assert answer.status_code in (403, 404), (method, path, answer.status_code)
                assert BANNER in text_of(answer), (method, path)
    after = rows()
    assert {name for name in after if after[name] != before[name]} == set()
    assert {pattern for pattern in opened if not pattern.startswith("docs/")} == {
        "",
        "home/",
        "playground/",
        "playground/<str:task_id>/",
        "playground/<str:task_id>/progress",
        "gallery/",
        "gallery/<str:task_id>/",
        "usage/",
        "credits/",
        "keys/",
        "team/",
        "audit/",
    }


def test_what_is_named_exists(inside: Client) -> None:
    from django.urls import get_resolver

    names = {str(name) for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert names >= SHOWN
    assert any(name.startswith(DOCS) for name in names)


def test_were_a_form_let_through_its_service_would_refuse(
    inside: Client, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is not all that stands between an operator and a customer's things."""
    monkeypatch.setattr("config.standing_in.is_open", lambda _request: True)
    slug = alice.organization.slug
    before = rows()
    for path, fields in (
        ("/playground/", {"prompt": "a hill", "aspect_ratio": "1:1", "order_token": "x"}),
        ("/keys/new/", {"name": "theirs", "mode": "live"}),
        ("/credits/buy/", {"pack": "1"}),
        ("/credits/voucher/", {"code": "GIFT"}),
        ("/settings/", {"name": "Mine"}),
        ("/team/invite/", {"email": "x@y.example", "role": "owner"}),
        ("/settings/delete/", {"name": alice.organization.name}),
    ):
        assert inside.post(path, {"for": slug, **fields}).status_code in (302, 400, 403), path
    after = rows()
    assert {name for name in after if after[name] != before[name]} == set()


def test_one_button_ends_it_and_the_operator_is_back(inside: Client, alice: Person) -> None:
    response = inside.post(END)
    assert response["Location"] == f"/admin/accounts/organization/{alice.organization.pk}/change/"
    assert inside.get(response["Location"]).status_code == 200
    assert "alice@studio.example" not in text_of(inside.get("/home/", follow=True))
    assert actions() == ["stand_in_begun", "stand_in_ended"]
    assert AuditEvent.objects.latest("pk").details == {"by": "operator"}
    assert inside.post(END).status_code == 404
    assert browser_of(alice).post(END).status_code == 404
    assert inside.get(END).status_code == 405


def test_meanwhile_the_desk_is_the_operators_own(inside: Client, alice: Person) -> None:
    page = text_of(inside.get("/admin/accounts/organization/"))
    assert BANNER in page
    assert alice.organization.name in page


def test_it_ends_by_itself_and_so_it_is_written_down(inside: Client, alice: Person) -> None:
    StandIn.objects.update(until=ago(1))
    response = inside.get("/home/", follow=True)
    assert response.redirect_chain[0][0] == f"/admin/accounts/organization/{alice.organization.pk}/change/"
    assert "The time for looking in as a member is over." in text_of(response)
    assert AuditEvent.objects.latest("pk").details == {"by": "time"}
    assert standing_in.end_expired() == 0


def test_who_never_comes_back_is_ended_by_a_sweep(inside: Client) -> None:
    assert standing_in.end_expired() == 0
    StandIn.objects.update(until=ago(1))
    assert (standing_in.end_expired(), standing_in.end_expired()) == (1, 0)
    assert actions() == ["stand_in_begun", "stand_in_ended"]
    StandIn.objects.update(until=ago(86_401))
    standing_in.end_expired()
    assert not StandIn.objects.exists()


@pytest.mark.parametrize(
    "changed", ["operator left", "permission lost", "member promoted", "member left", "deleted"]
)
def test_it_ends_at_once_when_either_may_not_any_more(alice: Person, changed: str) -> None:
    user = clerk("stand_in", "view_organization")
    desk = desk_of(user)
    begin(desk, alice)
    assert BANNER in text_of(desk.get("/home/"))
    if changed == "operator left":
        User.objects.filter(pk=user.pk).update(is_staff=False)
    elif changed == "permission lost":
        user.user_permissions.set(Permission.objects.filter(codename="view_organization"))
    elif changed == "member promoted":
        User.objects.filter(pk=alice.user.pk).update(is_staff=True)
    elif changed == "member left":
        Membership.objects.all().delete()
    else:
        Organization.objects.update(closing_at=ago(2), closed_at=ago(1))
    assert desk.get("/home/").status_code == 302
    assert BANNER not in text_of(desk.get("/home/", follow=True))
    assert actions()[-1] == "stand_in_ended"


def test_never_in_the_place_of_an_operator_or_of_somebody_who_cannot_sign_in(
    alice: Person, bob: Person
) -> None:
    desk = desk_of(operator())
    for fields in ({"is_staff": True}, {"is_superuser": True}, {"is_active": False}):
        User.objects.filter(pk=bob.user.pk).update(**fields)
        assert begin(desk, bob).status_code == 200  # the form, once more
        assert "Select a valid choice" in text_of(begin(desk, bob))
        User.objects.filter(pk=bob.user.pk).update(is_staff=False, is_superuser=False, is_active=True)
    assert not StandIn.objects.exists()
    assert actions() == []


def test_form_that_is_sent_twice_begins_once_and_does_not_begin_again_later(alice: Person) -> None:
    desk, once = desk_of(operator()), uuid.uuid4()
    for _ in range(2):
        assert begin(desk, alice, once=once).redirect_chain == [("/home/", 302)]
    assert StandIn.objects.count() == 1
    desk.post(END)
    assert "Nothing was changed." in text_of(begin(desk, alice, once=once))
    assert BANNER not in text_of(desk.get("/home/", follow=True))


def test_another_place_ends_the_first(inside: Client, charlie: Person) -> None:
    begin(inside, charlie)
    assert "You look in as charlie@elsewhere.example" in text_of(inside.get("/home/"))
    assert actions() == ["stand_in_begun", "stand_in_ended", "stand_in_begun"]


def test_another_browser_of_the_operator_is_in_nobodys_place(inside: Client) -> None:
    other = desk_of(operator())
    assert BANNER not in text_of(other.get("/home/", follow=True))
    assert BANNER in text_of(inside.get("/home/"))


def test_somebody_elses_mark_in_a_session_opens_nothing(inside: Client, charlie: Person) -> None:
    token = inside.session[standing_in.IN_SESSION]
    thief = browser_of(charlie)
    session = thief.session
    session[standing_in.IN_SESSION] = token
    session.save()
    for path in ("/home/", "/home/"):
        assert BANNER not in text_of(thief.get(path))
    session = thief.session
    session[standing_in.IN_SESSION] = "nonsense"
    session.save()
    assert thief.get("/home/").status_code == 302


def test_the_second_factor_comes_first(alice: Person, settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = True
    path = f"/admin/accounts/organization/{alice.organization.pk}/look-in/"
    desk = desk_of(operator())
    sent = {"once": str(uuid.uuid4()), "reason": "x", "member": str(alice.user.uuid)}
    assert desk.post(path, sent)["Location"] == "/account/second-factor/"
    assert not StandIn.objects.exists()


def test_terms_are_not_accepted_in_somebodys_place(inside: Client, alice: Person) -> None:
    shop = alice.organization.shop
    shop.terms_version, shop.terms_url = "1", "https://shop.example/terms"
    shop.save()
    assert browser_of(alice).get("/home/").status_code == 302
    assert inside.get("/home/").status_code == 200


def test_one_of_several_organizations_is_looked_at(inside: Client, alice: Person, charlie: Person) -> None:
    Membership.objects.create(organization=charlie.organization, user=alice.user, role="owner")
    task = ordered(browser_of(charlie))
    session = inside.session
    session["organization"] = charlie.organization.slug
    session.save()
    assert inside.get(f"/gallery/{task.task_id}/").status_code == 404
    assert BANNER in text_of(inside.get("/home/"))
    assert Generation.objects.exists()
