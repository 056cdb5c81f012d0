"""Three shops, each with an organization, its people, keys and one of everything: none is anything to another, at any
host, and what another has is answered as what never was.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from accounts import invitations, keys, shops
from accounts.models import DataExport, Invitation
from generations import lifecycle
from generations.models import Sample
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer
from generations.storage import THUMBNAIL_EXTENSION, signed_path
from tests import scale
from tests.accounts.client import GENERATE, data_of, generate, send, word_of
from tests.belongings import Belongings, belongings_of
from tests.cast import Person, new_key
from tests.makers import a_generation, an_upstream
from tests.pages import text_of
from tests.routes import METHODS, Route, changed, routes, rows
from tests.several import Place, a_shop, access_at, an_owner, browser_at, carried, the_platform
from tests.test_isolation import OWN, PUBLIC, QUERIES, REFUSED, by_id, is_api, text_of_answer

# Everyday the two methods that pages have, and one of the two others for each.
SOME_METHODS = METHODS if scale.PROOF else ("GET", "POST")
ALL_SCOPES = ("generate", "read", "admin")
FAR_AHEAD = 4_102_444_800  # Unix seconds


@dataclass(frozen=True, slots=True)
class Side:
    """A shop, with somebody who owns an organization there, and what that has. `secret`: a key with every scope."""

    place: Place
    person: Person
    has: Belongings
    secret: str


@pytest.fixture(scope="module")
def sides(kept_db: None, django_db_blocker: DjangoDbBlocker) -> list[Side]:
    with django_db_blocker.unblock():
        shops.forget()
        found = []
        for place, name in (
            (the_platform(), "middle"),
            (a_shop("North"), "north"),
            (a_shop("South"), "south"),
        ):
            person = an_owner(place, f"owner@{name}.example", f"{name.title()}'s Studio")
            EmailAddress.objects.create(
                user=person.user, email=person.user.email, primary=True, verified=True
            )
            has = belongings_of(person, access_at(place, person), name)
            _key, secret = new_key(person, scopes=ALL_SCOPES, name="walks")
            found.append(Side(place, person, has, secret))
        return found


@pytest.fixture(autouse=True)
def _without_limits(settings: Any) -> None:
    for name in dir(settings):
        if name.startswith("RATE_LIMIT_"):
            setattr(settings, name, 1_000_000)


def others(sides: list[Side], mine: Side) -> list[Side]:
    """Everyday the next one, in the proof both."""
    at = sides.index(mine)
    found = [sides[(at + step) % len(sides)] for step in (1, 2)]
    return found if scale.PROOF else found[:1]


# --- Asking -------------------------------------------------------------------------------------


def never(value: Any) -> Any:
    """An id of the same shape that nothing ever had."""
    if isinstance(value, uuid.UUID):
        return uuid.uuid4()
    if isinstance(value, int):
        return value + 1_000_000
    return re.sub(r"[0-9A-Za-z]{6}(?=$|\.)", "0a0a0a", str(value))


def made_up(has: Belongings) -> Belongings:
    values = {name: never(value) for name, value in has.values.items()} | {"number": 1}
    return Belongings(values, set(), never(has.session_id), "", has.image)


Seen = tuple[Any, ...]


def seen(answer: Any, has: Belongings) -> Seen:
    """All that tells one answer from another, but for what the asker sent themselves, and chance."""
    text = (
        text_of_answer(answer) if answer.get("Content-Type", "").startswith(("text/", "application/")) else ""
    )
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)
    headers = {
        name: value
        for name, value in answer.headers.items()
        if not name.startswith(("RateLimit", "Content-Length", "Set-Cookie", "Expires"))
    }
    found = repr((answer.status_code, text, sorted(headers.items())))
    for name, value in (*has.values.items(), ("session", has.session_id)):
        if name == "pk":
            found = found.replace(f"/passkeys/{value}/", "/passkeys/…/")
        elif name != "number":
            found = re.sub(rf"\b{re.escape(str(value))}\b", "…", found)
    return answer.status_code, found


def difference(one: Seen, other: Seen) -> str:
    """Where two answers that should be one begin to differ."""
    at = next((at for at, pair in enumerate(zip(one[1], other[1], strict=False)) if pair[0] != pair[1]), 0)
    return f"{one[1][max(0, at - 200) : at + 100]!r}\n{other[1][max(0, at - 200) : at + 100]!r}"


def ask_by_key(place: Place, secret: str, method: str, path: str, query: str) -> Any:
    return send(
        method,
        path,
        key=secret,
        body={},
        headers={"X-Request-Id": "walk"},
        QUERY_STRING=query,
        HTTP_HOST=place.host,
    )


def ask_by_browser(browser: Client, method: str, path: str, query: str) -> Any:
    if method == "POST":
        return browser.post(path, QUERY_STRING=query, HTTP_X_REQUEST_ID="walk")
    return browser.generic(method, path, QUERY_STRING=query, HTTP_X_REQUEST_ID="walk")


def address(route: Route, has: Belongings) -> tuple[str, str]:
    return route.path(has.values), QUERIES[route.pattern](has) if route.pattern in QUERIES else ""


def chosen(which: Callable[[Route], bool]) -> Iterator[Route]:
    return (route for route in routes() if which(route))


# --- The walk -----------------------------------------------------------------------------------


def test_ids_of_other_shops_are_answered_as_what_never_was(sides: list[Side]) -> None:
    before, asked = rows(), 0
    for mine in sides:
        browser = browser_at(mine.place, mine.person)
        for theirs in others(sides, mine):
            for route in chosen(by_id):
                for method in SOME_METHODS:
                    answers = []
                    for has in (theirs.has, made_up(theirs.has)):
                        path, query = address(route, has)
                        if is_api(route):
                            answer = ask_by_key(mine.place, mine.secret, method, path, query)
                        else:
                            answer = ask_by_browser(browser, method, path, query)
                        answers.append(seen(answer, has))
                        asked += 1
                    assert answers[0] == answers[1], difference(*answers)
                    assert answers[0][0] in REFUSED | {400}, (
                        mine.place.host,
                        method,
                        route.pattern,
                        answers[0],
                    )
                    leaked = {word for word in theirs.has.markers if word in answers[0][1]}
                    assert leaked == set(), (method, route.pattern)
    assert asked >= 2 * 3 * 30 * len(SOME_METHODS)
    assert changed(before, rows()) == []


def test_own_pages_show_nothing_of_other_shops(sides: list[Side]) -> None:
    for mine in sides:
        browser = browser_at(mine.place, mine.person)
        strange = set[str]().union(*(side.has.markers for side in sides if side is not mine))
        for route in chosen(lambda route: route.pattern in OWN and "passkey" not in route.pattern):
            path = address(route, mine.has)[0]
            if is_api(route):
                answer = ask_by_key(mine.place, mine.secret, "GET", path, "")
            else:
                answer = ask_by_browser(browser, "GET", path, "")
            assert answer.status_code < 500, (mine.place.host, path)
            text = text_of_answer(answer)
            assert {word for word in strange if word in text} == set(), (mine.place.host, path)


def test_key_is_none_at_any_other_host_whatever_it_asks_for(sides: list[Side]) -> None:
    """401, as for a key that somebody made up, to the byte."""
    before = rows()
    for mine in sides:
        for place in (side.place for side in sides if side is not mine):
            for route in chosen(lambda route: is_api(route) and (by_id(route) or route.pattern in OWN)):
                path, query = address(route, mine.has)
                for method in SOME_METHODS:
                    real = ask_by_key(place, mine.secret, method, path, query)
                    invented = ask_by_key(place, keys.mint(livemode=True), method, path, query)
                    assert seen(real, mine.has) == seen(invented, mine.has), (place.host, method, path)
                    assert real.status_code in (401, 405), (place.host, method, path)
    assert changed(before, rows()) == []


def test_key_works_at_home(sides: list[Side]) -> None:
    """The walk would notice."""
    for mine in sides:
        path, query = "/api/status", QUERIES["api/status"](mine.has)
        assert ask_by_key(mine.place, mine.secret, "GET", path, query).status_code == 200


def test_session_is_none_at_any_other_host_and_goes_on_at_its_own(sides: list[Side]) -> None:
    for mine in sides:
        browser = browser_at(mine.place, mine.person)
        for place in (side.place for side in sides if side is not mine):
            for route in chosen(lambda route: not is_api(route) and (by_id(route) or route.pattern in OWN)):
                path, query = address(route, mine.has)
                stray = ask_by_browser(carried(browser, place), "GET", path, query)
                nobody = ask_by_browser(browser_at(place), "GET", path, query)
                assert seen(stray, mine.has) == seen(nobody, mine.has), (place.host, path)
                assert stray.status_code in (302, 404, 405), (place.host, path, stray.status_code)
        assert mine.person.organization.name in text_of(browser.get("/home/"))


def test_whoever_is_signed_in_at_another_shop_too_is_there_as_somebody_of_that_shop(
    sides: list[Side],
) -> None:
    """The person is known; the organization that they have elsewhere is not."""
    for mine in sides:
        for theirs in others(sides, mine):
            browser = browser_at(theirs.place, mine.person)
            for route in chosen(lambda route: not is_api(route) and by_id(route)):
                path, query = address(route, mine.has)
                if "/passkeys/" in path:
                    continue  # of the account, and not of an organization
                answer = ask_by_browser(browser, "GET", path, query)
                assert answer.status_code in (403, 404, 405), (theirs.place.host, path, answer.status_code)
                assert mine.person.organization.name not in text_of_answer(answer)
            answer = browser.post("/organizations/switch/", {"organization": mine.person.organization.slug})
            assert answer.status_code == 404


# --- What opens by a secret alone ---------------------------------------------------------------


def elsewhere(sides: Iterable[Side], mine: Side) -> Iterator[Place]:
    return (side.place for side in sides if side is not mine)


def test_invitation_is_unknown_at_any_other_host(sides: list[Side]) -> None:
    for mine in sides:
        path = mine.has.invitation
        assert mine.person.organization.name in text_of(browser_at(mine.place).get(path))
        for place in elsewhere(sides, mine):
            answers = [
                browser_at(place).get(one, HTTP_X_REQUEST_ID="walk") for one in (path, f"{path[:-7]}abcdef/")
            ]
            real, invented = (seen(answer, mine.has) for answer in answers)
            assert real[0] == invented[0] == 404
            assert real[1].replace(path, "") == invented[1].replace(f"{path[:-7]}abcdef/", "")
            assert mine.person.organization.name not in real[1]


def test_invitation_is_accepted_at_its_own_shop_alone(sides: list[Side]) -> None:
    mine, other = sides[1], sides[2]
    invitations.invite(access_at(mine.place, mine.person), other.person.user.email, "viewer")
    invitation = Invitation.objects.latest("pk")
    mail = other_mail(other.person.user.email)
    path = f"/invitations/{mail.partition('/invitations/')[2].split('/')[0]}/"
    assert f"{shops.address_of(mine.place.shop.pk)}{path}" in mail
    assert browser_at(other.place, other.person).post(path).status_code == 404
    invitation.refresh_from_db()
    assert invitation.accepted_at is None
    invitation.delete()


def other_mail(email: str) -> str:
    from accounts.models import QueuedMail

    return str(QueuedMail.objects.filter(to=email).latest("pk").body)


@pytest.mark.parametrize("extension", ["jpeg", THUMBNAIL_EXTENSION])
def test_image_opens_at_its_own_shop_alone(sides: list[Side], extension: str) -> None:
    for mine in sides:
        real = signed_path(mine.has.image.public_id, extension, FAR_AHEAD)
        invented = signed_path(never(mine.has.image.public_id), extension, FAR_AHEAD)
        assert Client().get(real, **mine.place.environ).status_code == 200
        for place in elsewhere(sides, mine):
            answers = [
                seen(Client().get(path, HTTP_X_REQUEST_ID="walk", **place.environ), mine.has)
                for path in (real, invented)
            ]
            assert answers[0] == answers[1]
            assert answers[0][0] == 404


def test_links_of_images_begin_with_the_shop_that_made_them(sides: list[Side]) -> None:
    for mine in sides:
        task = mine.has.image.generation.task_id
        answer = send(
            "GET", "/api/status", key=mine.secret, QUERY_STRING=f"task_id={task}", **mine.place.environ
        )
        [url] = data_of(answer)["response"]
        assert url.startswith(f"{shops.address_of(mine.place.shop.pk)}/i/")


def test_samples_and_logos_are_of_their_shop(sides: list[Side]) -> None:
    for mine in sides:
        name = f"sample{sides.index(mine)}"
        Sample.objects.get_or_create(
            shop=mine.place.shop, image=mine.has.image, defaults={"name": name, "data": b"RIFF"}
        )
        assert Client().get(f"/samples/{name}.webp", **mine.place.environ).status_code == 200
        for place in elsewhere(sides, mine):
            assert Client().get(f"/samples/{name}.webp", **place.environ).status_code == 404
    Sample.objects.all().delete()


def test_export_is_fetched_at_its_own_shop_alone(sides: list[Side]) -> None:
    for mine in sides:
        path = f"/settings/export/{mine.has.values['export_id']}/"
        assert DataExport.objects.filter(public_id=mine.has.values["export_id"]).exists()
        for place in elsewhere(sides, mine):
            assert browser_at(place, mine.person).get(path).status_code in (403, 404)


def test_news_of_an_upstream_are_heard_at_its_own_shop_alone(sides: list[Side]) -> None:
    mine, other = sides[1], sides[2]
    upstream = an_upstream("replicate", shop=mine.place.shop, webhook_secret="whsec_MfKQ", uses_webhooks=True)
    attempt = lifecycle.begin(a_generation(access_at(mine.place, mine.person)), upstream)
    assert attempt is not None
    assert lifecycle.accepted(attempt, Answer(OutcomeKind.WAIT, handle={"get": "x"}, task_id="up-1"), 60)
    path = f"/hooks/upstream/{attempt.key.replace(':', '/')}"
    assert word_of(send("POST", path, body={}, **mine.place.environ)) == (401, "unauthenticated")
    for side in (other, sides[0]):
        assert word_of(send("POST", path, body={}, **side.place.environ)) == (404, "not_found")


# --- What is the same everywhere ----------------------------------------------------------------


def test_one_idempotency_key_makes_an_order_in_each_shop(sides: list[Side]) -> None:
    tasks = set()
    for mine in sides:
        for _twice in range(2):
            answer = generate(mine.secret, headers={"Idempotency-Key": "one"}, **mine.place.environ)
            tasks.add(data_of(answer)["task_id"])
    assert len(tasks) == len(sides)


def test_leads_to_no_other_shop_after_signing_in(sides: list[Side]) -> None:
    north, south = sides[1], sides[2]
    for wanted in (
        f"http://{south.place.host}/home/",
        f"//{south.place.host}/home/",
        f"https:{south.place.host}",
        f"\\\\{south.place.host}",
    ):
        page = browser_at(north.place).get("/sign-in/", {"next": wanted}).content.decode()
        assert south.place.host not in re.sub(r'value="[^"]*"', "", page)
        answer = browser_at(north.place, north.person).get("/sign-in/", {"next": wanted})
        assert south.place.host not in answer.get("Location", "")


def test_forms_of_one_shop_are_not_taken_by_another(sides: list[Side]) -> None:
    north, south = sides[1], sides[2]
    strict = Client(enforce_csrf_checks=True, HTTP_HOST=north.place.host)
    strict.get("/sign-in/")
    token = strict.cookies["csrftoken"].value
    sent = {"email": "x@y.example", "password": "x", "csrfmiddlewaretoken": token}
    for place, status in ((north.place, 400), (south.place, 403)):
        stray = Client(enforce_csrf_checks=True, HTTP_HOST=place.host)
        stray.cookies["csrftoken"] = token  # as one that a shop beside it could set for both
        answer = stray.post("/sign-in/", sent, HTTP_ORIGIN=f"http://{north.place.host}")
        assert answer.status_code == status, place.host


def test_public_pages_name_their_own_shop_alone(sides: list[Side]) -> None:
    names = {"North", "South", "Tintype"}
    for mine in sides:
        own = mine.place.shop.name
        for path in ("/", "/pricing/", "/docs/", "/sign-in/", "/sign-up/", "/account/forgotten/", "/nowhere"):
            text = Client(raise_request_exception=False).get(path, **mine.place.environ).content.decode()
            assert own in text, (mine.place.host, path)
            assert not [name for name in names - {own, "Tintype"} if name in text], (mine.place.host, path)
    assert set(PUBLIC) >= {"", "pricing/"}


def test_orders_at_another_host_are_nobodys(sides: list[Side]) -> None:
    before = rows()
    for mine in sides:
        for place in elsewhere(sides, mine):
            answer = send(
                "POST",
                GENERATE,
                key=mine.secret,
                body={"prompt": "x", "aspect_ratio": "1:1"},
                **place.environ,
            )
            assert word_of(answer) == (401, "unauthenticated"), (mine.place.host, place.host)
            assert answer["WWW-Authenticate"].endswith('error="invalid_token"')
    assert changed(before, rows()) == []
