"""No address of the project leads to another organization: each is walked with the ids of alice's by charlie, who is a
stranger, and by somebody who is not signed in. What her teammates may: tests/test_every_role.py.

A new address has to be named here, or these tests fail.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.http import HttpResponse
from django.test import Client

from accounts.models import ApiKey, Role
from generations.models import Generation
from tests.accounts.client import send
from tests.belongings import Belongings, belongings_of
from tests.cast import Person, access_of_user, join, new_key
from tests.pages import browser_of
from tests.routes import METHODS, Route, changed, routes, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def hers(alice: Person) -> Belongings:
    return belongings_of(alice, access_of_user(alice.user), "alice")


# --- What each address is -----------------------------------------------------------------------

# The same for everybody, or known by a secret of its own; with what it holds instead of a tenant's ids.
PUBLIC = {
    "api/schema": "what the API is",
    "healthz": "the process",
    "readyz": "the parts",
    "metrics": "there for whom settings name alone",
    "domains/ask": "whether a name is a shop's, for the proxy alone",
    "": "the landing page",
    "accent/<str:colour>.css": "a colour",
    "accent/<str:colour>.svg": "a colour",
    "pricing/": "what the shop sells",
    "card/<str:name>.jpeg": "the shop's name",
    "logo/<str:name>.png": "the shop's logo",
    "samples/<str:name>.webp": "what its operator shows to everybody",
    "favicon.ico": "a picture",
    "robots.txt": "which pages are for anybody",
    "sitemap.xml": "which pages are for anybody",
    "look/": "the visitor's own cookies",
    "styleguide/": "of developers",
    "sign-out/": "ends the own session",
    "invitations/<str:token>/": "known by the secret in its mail",
    "mails/": "a demo's, on its own machine",
    "mails/<str:name>/": "a demo's, on its own machine",
    "webhooks/github-secret-scanning": "signed by GitHub",
    "terms/": "the shop's terms",
    "webhooks/stripe": "signed by Stripe",
    "hooks/upstream/<str:task_id>/<int:number>": "signed by an upstream",
    "i/<str:name>": "signed by the shop",
    "v1/models/<str:model>": "what the shop sells, the same for every key",
}
# How people sign up, in and back in: nothing of an organization yet, and nobody is known. By what they begin with.
SIGNING = ("sign-in/", "sign-up/", "account/forgotten/", "^account/forgotten/", "^account/confirm/")
# Of the own organization alone, which the session or the key names.
OWN = {
    "api/generate",
    "api/v1/balance",
    "api/v1/estimate",
    "api/v1/generations",
    "api/v1/keys",
    "api/v1/webhook-endpoints",
    "api/v1/webhook-deliveries",
    "api/v1/webhook-deliveries/replay-failed",
    "api/v1/ledger",
    "api/v1/models",
    "api/v1/usage",
    "account/",
    "account/address/",
    "account/password/",
    "account/password/first/",
    "account/again/",
    "account/again/code/",
    "account/again/passkey/",
    "account/sessions/",
    "account/second-factor/",
    "account/second-factor/app/",
    "account/second-factor/app/off/",
    "account/second-factor/codes/",
    "account/second-factor/codes/new/",
    "account/second-factor/codes/file/",
    "account/passkeys/",
    "account/passkeys/new/",
    "account/elsewhere/",
    "account/export/",
    "account/delete/",
    "organizations/new/",
    "organizations/switch/",
    "look-in/end/",
    "settings/",
    "settings/export/",
    "settings/retention/",
    "settings/delete/",
    "settings/delete/undo/",
    "audit/",
    "audit/log.csv",
    "team/",
    "team/leave/",
    "team/invite/",
    "keys/",
    "keys/new/",
    "webhooks/",
    "webhooks/new/",
    "webhooks/secret/",
    "webhooks/secret/rotate/",
    "webhooks/deliveries/",
    "webhooks/deliveries/again/",
    "gallery/",
    "home/",
    "playground/",
    "usage/",
    "usage/file",
    "credits/",
    "credits/buy/",
    "credits/look/",
    "credits/portal/",
    "credits/automatic/",
    "credits/automatic/on/",
    "credits/automatic/off/",
    "credits/voucher/",
    "credits/low/",
    "v1/images/generations",
    "v1/models",
}
# Ids in the query.
QUERIES: dict[str, Callable[[Belongings], str]] = {
    "api/status": lambda hers: f"task_id={hers.values['task_id']}",
    "credits/return/": lambda hers: f"session_id={hers.session_id}",
}

REFUSED = {404, 405, 409}  # to another shop's: tests/test_shops_are_strangers.py


def is_public(route: Route) -> bool:
    return route.pattern in PUBLIC or route.pattern.startswith((*SIGNING, "docs/"))


def by_id(route: Route) -> bool:
    return not is_public(route) and (bool(route.arguments) or route.pattern in QUERIES)


def kinds_of(route: Route) -> list[str]:
    kinds = {"public": is_public(route), "own": route.pattern in OWN, "by id": by_id(route)}
    return [kind for kind, is_one in kinds.items() if is_one]


def test_every_address_is_known_here() -> None:
    unknown = [route.pattern for route in routes() if len(kinds_of(route)) != 1]
    assert unknown == []


def test_nothing_is_named_here_that_is_gone() -> None:
    known = {route.pattern for route in routes()}
    assert (set(PUBLIC) | OWN | set(QUERIES)) - known == set()


# --- The walk -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    query: str = ""
    answer: HttpResponse = field(compare=False, default_factory=HttpResponse)


def is_api(route: Route) -> bool:
    return route.pattern.startswith(("api/", "v1/"))


def walk(
    person: Person, hers: Belongings, chosen: Callable[[Route], bool], methods: tuple[str, ...]
) -> Iterator[Asked]:
    browser = browser_of(person)
    _row, secret = new_key(person, scopes=("generate", "read", "admin"))
    for route in routes():
        if not chosen(route):
            continue
        path = route.path(hers.values)
        query = QUERIES[route.pattern](hers) if route.pattern in QUERIES else ""
        for method in methods:
            yield Asked(
                method, path, query, ask(browser, secret if is_api(route) else "", method, path, query)
            )


def text_of_answer(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(content.decode())


def ask(browser: Client, secret: str, method: str, path: str, query: str) -> HttpResponse:
    if secret:
        return send(method, path, key=secret, body={}, QUERY_STRING=query)
    # A form of their own organization, or it would be refused before anything is looked for.
    ask_it: Any = browser.post if method == "POST" else partial(browser.generic, method)
    answer: Any = ask_it(path, QUERY_STRING=query)
    return answer  # type: ignore[no-any-return]


def test_ids_of_another_organization_lead_nowhere(hers: Belongings, charlie: Person) -> None:
    EmailAddress.objects.create(user=charlie.user, email=charlie.user.email, primary=True, verified=True)
    asked = 0
    before = rows()
    strange: list[object] = []
    for found in walk(charlie, hers, by_id, METHODS):
        asked += 1
        if found.answer.status_code not in {404, 405}:
            strange.append((found, found.answer.status_code))
        text = text_of_answer(found.answer)
        own_words = {found.path.strip("/"), found.query}
        leaked = {marker for marker in hers.markers if marker in text and marker not in " ".join(own_words)}
        assert leaked == set(), found
    assert strange == []
    assert asked >= 5 * len([route for route in routes() if by_id(route)])
    after = rows()
    after["accounts.ApiKey"] = before["accounts.ApiKey"]  # charlie's own, made for the walk
    after["billing.KeyUsage"] = before["billing.KeyUsage"]
    assert after == before


def test_own_pages_show_nothing_of_another_organization(hers: Belongings, charlie: Person) -> None:
    for found in walk(charlie, hers, lambda route: route.pattern in OWN, ("GET",)):
        text = text_of_answer(found.answer)
        assert {marker for marker in hers.markers if marker in text} == set(), found
        assert found.answer.status_code < 500, found


def test_what_alice_asks_for_is_found(hers: Belongings, alice: Person) -> None:
    """The walk would notice: for her the same addresses lead somewhere."""
    walked = walk(alice, hers, by_id, ("GET",))
    found = {one.path: one.answer.status_code for one in walked if one.answer.status_code != 405}
    reached = {path for path, status in found.items() if status != 404}
    assert f"/playground/{hers.values['task_id']}/" in reached
    assert f"/gallery/{hers.values['task_id']}/" in reached
    assert "/api/status" in reached or ApiKey.objects.exists()
    assert len(reached) >= len(found) / 2, found


def test_nobody_who_is_not_signed_in_gets_anywhere(hers: Belongings) -> None:
    browser = browser_of()
    before = rows()
    for route in routes():
        if is_public(route):
            continue
        for method in METHODS:
            path = route.path(hers.values)
            query = QUERIES[route.pattern](hers) if route.pattern in QUERIES else ""
            answer = ask(browser, "", method, path, query)
            assert answer.status_code in {302, 401, 403, 404, 405}, (method, path, answer.status_code)
            if answer.status_code == 302:
                assert answer["Location"].startswith("/sign-in/"), (method, path)
    assert changed(before, rows()) == []


def test_desk_is_closed_to_customers(hers: Belongings, alice: Person) -> None:
    for person in (None, alice, join("bill@studio.example", alice.organization, Role.ADMIN)):
        browser = browser_of(person)
        for path in ("/admin/", "/admin/accounts/organization/", "/admin/billing/payment/"):
            answer = browser.get(path)
            assert answer.status_code in {302, 403, 404}, (person, path)
    assert Generation.objects.exists()
