"""Every page and endpoint of an organization, as its owner, a teammate in each role, and keys of each scope meet it.
What strangers get: tests/test_isolation.py, where a new address has to be named; here it counts among those that begin
alike.
"""

from typing import Any

import pytest
from django.db import transaction

from accounts.models import ApiKey, Role
from accounts.roles import Right, roles_with
from tests.accounts.client import send
from tests.belongings import Belongings, belongings_of
from tests.cast import Person, access_of_user, join, new_key
from tests.pages import browser_of
from tests.routes import METHODS, Route, changed, routes, rows
from tests.test_isolation import QUERIES, is_api, is_public

pytestmark = pytest.mark.django_db

# By what an address begins with, the longest of which counts; with $ it is the whole. To look, and to send.
Needed = tuple[Right, Right]
NEEDED: dict[str, Needed] = {
    "home/": (Right.READ, Right.READ),
    "usage/": (Right.READ, Right.READ),
    "gallery/": (Right.READ, Right.GENERATE),
    "gallery/<str:task_id>/delete": (Right.GENERATE, Right.GENERATE),
    "playground/": (Right.READ, Right.GENERATE),
    "credits/": (Right.MONEY, Right.MONEY),
    "credits/$": (Right.READ, Right.READ),
    "keys/": (Right.KEYS, Right.KEYS),
    "keys/$": (Right.READ, Right.READ),
    "webhooks/": (Right.WEBHOOKS, Right.WEBHOOKS),
    "team/": (Right.MEMBERS, Right.MEMBERS),
    "team/$": (Right.READ, Right.READ),
    "team/leave/": (Right.READ, Right.READ),
    "audit/": (Right.AUDIT, Right.AUDIT),
    "settings/": (Right.SETTINGS, Right.SETTINGS),
    "settings/delete/": (Right.OWNERSHIP, Right.OWNERSHIP),
}
# About a person, whatever their role.
OF_THE_PERSON = ("account/", "organizations/", "look-in/")
MANAGED = ("api/v1/keys", "api/v1/webhook-")


def needed_for(pattern: str) -> Needed:
    fits = [key for key in NEEDED if pattern + "$" == key or pattern.startswith(key)]
    return NEEDED[max(fits, key=len)]


def scope_for(pattern: str, method: str) -> str:
    if pattern.startswith(MANAGED):
        return "admin"
    return "generate" if method == "POST" and pattern != "api/v1/estimate" else "read"


def of_members(route: Route) -> bool:
    return not (is_public(route) or is_api(route) or route.pattern.startswith(OF_THE_PERSON))


@pytest.fixture
def hers(alice: Person) -> Belongings:
    """Where an address names a person it is a teammate: what is done to owners is in tests/accounts/team/."""
    belongings = belongings_of(alice, access_of_user(alice.user), "alice")
    belongings.values["person"] = join("vera@studio.example", alice.organization, Role.VIEWER).user.uuid
    return belongings


def asked_and_undone(browser: Any, method: str, path: str, query: str) -> Any:
    """What is done is undone, so that the next one finds the same."""
    ask = browser.post if method == "POST" else browser.get
    before = transaction.savepoint()  # no transaction around it: Stripe is asked outside of any
    answer = ask(path, QUERY_STRING=query)
    if answer.streaming:
        b"".join(answer.streaming_content)  # to its end, where its file is closed
    transaction.savepoint_rollback(before)
    return answer


@pytest.mark.parametrize("role", Role)
def test_each_page_opens_to_the_roles_that_the_table_says(
    alice: Person, hers: Belongings, role: Role
) -> None:
    person = alice if role == Role.OWNER else join("dora@studio.example", alice.organization, role)
    browser, before, refused, let_in = browser_of(person), rows(), 0, 0
    for route in filter(of_members, routes()):
        path = route.path(hers.values)
        query = QUERIES[route.pattern](hers) if route.pattern in QUERIES else ""
        for method, right in zip(("GET", "POST"), needed_for(route.pattern), strict=True):
            answer = asked_and_undone(browser, method, path, query)
            asked = (role, method, path, answer.status_code)
            assert answer.status_code < 500 or answer.status_code == 503, asked
            if answer.status_code == 405:
                continue
            assert (answer.status_code == 403) == (role not in roles_with(right)), asked
            refused, let_in = refused + (answer.status_code == 403), let_in + (answer.status_code != 403)
    assert changed(before, rows()) == []
    assert let_in >= 10
    assert (refused == 0) == (role == Role.OWNER)


@pytest.mark.parametrize("scope", ["read", "generate", "admin"])
def test_each_endpoint_opens_to_keys_of_the_scope_that_it_needs(
    alice: Person, hers: Belongings, scope: str
) -> None:
    _row, secret = new_key(alice, scopes=[scope])
    # Who replaces a key holds it afterwards, so only one that may no more can be replaced.
    ApiKey.objects.filter(public_id=hers.values["key_id"]).update(scopes=["admin"])
    before, seen = rows(), set[int]()
    for route in filter(is_api, routes()):
        if route.pattern == "api/schema":
            continue
        path = route.path({**hers.values, "model": "z-image-turbo"})
        query = QUERIES[route.pattern](hers) if route.pattern in QUERIES else ""
        for method in METHODS:
            before_it = transaction.savepoint()
            answer = send(method, path, key=secret, body={}, QUERY_STRING=query)
            transaction.savepoint_rollback(before_it)
            asked = (method, path, answer.status_code)
            if answer.status_code != 405:
                assert answer.status_code < 429, asked
                assert (answer.status_code == 403) == (scope != scope_for(route.pattern, method)), asked
            seen.add(answer.status_code)
    assert changed(before, rows()) == []
    assert seen >= {200, 403, 405} if scope != "generate" else seen >= {400, 403, 405}
