"""A session belongs to the shop that it was begun at: at every other its cookie is nobody's, and does it no harm."""

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import shops, tasks
from accounts.models import AuditEvent
from accounts.signing.store import SHOP, SessionStore
from tests.accounts.signing.steps import sign_in, switch_on
from tests.cast import Person, found
from tests.makers import ago
from tests.pages import browser_of, text_of
from tests.passwords import PASSWORD
from tests.several import Place, an_owner, browser_at, carried, the_platform

pytestmark = pytest.mark.django_db
PAGE = "/account/sessions/"


@pytest.fixture
def nora(north: Place, south: Place) -> Person:
    """One person, with an organization in each of three shops; it is the one of North that is given."""
    found("nora@studio.example", "Nora here")
    an_owner(south, "nora@studio.example", "Nora in the south")
    return an_owner(north, "nora@studio.example", "Nora in the north")


def at(place: Place, person: Person) -> Client:
    """Where they have just signed in with their password."""
    client = browser_at(place)
    assert sign_in(client, person.user.email)["Location"] == "/home/"
    return client


def test_one_person_signs_in_at_each_shop_and_sees_what_is_theirs_there(
    nora: Person, north: Place, south: Place
) -> None:
    for place, name in (
        (the_platform(), "Nora here"),
        (north, "Nora in the north"),
        (south, "Nora in the south"),
    ):
        page = text_of(at(place, nora).get("/home/"))
        assert name in page
        assert page.count("Nora") == page.count(name)


def test_carried_cookie_opens_nothing_and_the_session_goes_on(
    nora: Person, north: Place, south: Place
) -> None:
    client = at(north, nora)
    for other in (south, the_platform()):
        stray = carried(client, other)
        answer = stray.get("/home/")
        assert answer["Location"].startswith("/sign-in/")
        assert answer.cookies["sessionid"]["max-age"] == 0, "The browser forgets it for that host alone"
        assert "Nora" not in text_of(carried(client, other).get("/"))
    assert "Nora in the north" in text_of(client.get("/home/"))


def test_nothing_that_is_done_with_a_carried_cookie_ends_the_session(
    nora: Person, north: Place, south: Place
) -> None:
    client = at(north, nora)
    carried(client, south).post("/sign-out/")
    sign_in(carried(client, south), nora.user.email, "wrong wrong wrong")
    sign_in(carried(client, south), nora.user.email)
    carried(client, south).post("/sign-up/", {"email": "new@studio.example", "password1": PASSWORD})
    assert "Nora in the north" in text_of(client.get("/home/"))


def test_sign_in_with_a_carried_cookie_begins_a_session_of_its_own(
    nora: Person, north: Place, south: Place
) -> None:
    """Neither is one planted that somebody else knows, nor are two shops' sessions one."""
    client = at(north, nora)
    planted = client.cookies["sessionid"].value
    stray = carried(client, south)
    assert sign_in(stray, nora.user.email)["Location"] == "/home/"
    assert stray.cookies["sessionid"].value != planted
    assert "Nora in the south" in text_of(stray.get("/home/"))
    assert "Nora in the north" in text_of(client.get("/home/"))
    stray.post("/sign-out/")
    assert "Nora in the north" in text_of(client.get("/home/"))


def test_what_was_begun_before_signing_in_goes_no_further_than_its_shop(
    nora: Person, north: Place, south: Place
) -> None:
    """As with a second factor that is still to be shown."""
    switch_on(at(north, nora))
    client = browser_at(north)
    assert sign_in(client, nora.user.email)["Location"].startswith("/sign-in/second-factor/")
    assert client.get("/sign-in/second-factor/").status_code == 200
    answer = carried(client, south).get("/sign-in/second-factor/")
    assert answer.status_code == 302
    assert client.get("/sign-in/second-factor/").status_code == 200


def test_store_itself_ends_and_writes_nothing_of_another_shop(north: Place, south: Place) -> None:
    def store(place: Place, key: str | None = None) -> SessionStore:
        made = SessionStore(key)
        made.shop_id, made.first_id = place.shop.pk, shops.first_id()
        return made

    mine = store(north)
    mine["secret"] = "of the north"
    mine.save()
    key = mine.session_key
    for deed in ("flush", "save", "cycle_key", "create", "clear"):  # without having looked at it before
        getattr(store(south, key), deed)()
    stray = store(south, key)
    assert stray.get("secret") is None
    stray["mine"] = 1
    stray.save()
    assert stray.session_key not in (None, key)
    assert dict(store(north, key).items()) == {"secret": "of the north", SHOP: north.shop.pk}
    assert store(the_platform(), key).get("secret") is None


def test_sessions_from_before_there_were_several_are_the_first_shops(nora: Person, north: Place) -> None:
    client = browser_of(nora)  # as the store wrote them then
    session = Session.objects.get(session_key=client.cookies["sessionid"].value)
    assert SHOP not in session.get_decoded()
    assert carried(client, north).get("/home/").status_code == 302
    assert "Nora here" in text_of(client.get("/home/"))


def test_all_ones_sessions_are_listed_and_can_be_ended_from_any_shop(
    nora: Person, north: Place, south: Place
) -> None:
    """One account: whoever has lost a telephone ends what is open on it, wherever."""
    here, there, first = at(north, nora), at(south, nora), at(the_platform(), nora)
    words = text_of(here.get(PAGE))
    assert (words.count("This browser"), words.count("Another browser")) == (1, 2)
    assert here.post(PAGE)["Location"] == PAGE
    assert there.get("/home/").status_code == first.get("/home/").status_code == 302
    assert here.get("/home/").status_code == 200
    assert UserSession.objects.filter(user=nora.user).count() == 1


def test_password_that_is_changed_at_one_shop_ends_the_sessions_at_all(
    nora: Person, north: Place, south: Place
) -> None:
    here, there = at(north, nora), at(south, nora)
    other = "seven quiet harbours at dawn"
    sent = {"oldpassword": PASSWORD, "password1": other, "password2": other}
    assert here.post("/account/password/", sent).status_code == 302
    assert there.get("/home/").status_code == 302
    assert here.get("/home/").status_code == 200


def test_a_sign_in_is_told_to_the_organizations_of_its_shop_alone(
    nora: Person, north: Place, south: Place
) -> None:
    """Their people need not know where else somebody is a customer; what concerns the account, they do."""
    at(north, nora)
    events = AuditEvent.objects.filter(action="signed_in", subject=nora.user.actor)
    assert list(events.values_list("shop", flat=True)) == [north.shop.pk]
    sent = {"oldpassword": PASSWORD, "password1": "seven quiet harbours at dawn"}
    sent["password2"] = sent["password1"]
    at(south, nora).post("/account/password/", sent)
    assert AuditEvent.objects.filter(action="password_changed").count() == 3


def test_ended_sessions_of_every_shop_are_cleared_away(nora: Person, north: Place, south: Place) -> None:
    at(north, nora)
    at(south, nora)
    at(the_platform(), nora)
    ended = Session.objects.filter(pk__in=Session.objects.values_list("pk")[:2])
    ended.update(expire_date=ago(1))
    tasks.clear_sessions()
    assert (Session.objects.count(), UserSession.objects.count()) == (1, 1)
