"""What holds for every page of the project, found by introspection: headers, and forms that nothing breaks."""

import re
from typing import Any

import pytest
import redis
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import Role
from config.programs import SIGNED_PREFIXES
from tests import scale
from tests.belongings import Belongings, belongings_of
from tests.cast import Person, access_of_user, join
from tests.forgetting import forget
from tests.operators import desk_of, operator
from tests.page_forms import PageForm, forms_of
from tests.pages import browser_of
from tests.routes import routes
from tests.test_isolation import by_id, is_api

pytestmark = pytest.mark.django_db

SIGNED = tuple(prefix.lstrip("/") for prefix in SIGNED_PREFIXES)
NOT_PAGES = ("api/", "v1/", "i/", "hooks/", *SIGNED, "healthz", "readyz", "accent/")
DESK_LISTS = ("generations/generation", "billing/wallet", "accounts/organization")
NASTY = [
    "\x00",
    chr(0x202E),
    "<script>alert(1)</script>",
    "'; DROP TABLE x --",
    "😀" * 100,
    "a" * 5000,
    "-1",
    "9" * 30,
]


def pages() -> list[str]:
    """Those that need nothing in their address."""
    found = [route for route in routes() if not route.arguments and not route.pattern.startswith(NOT_PAGES)]
    return [f"/{route.pattern}" for route in found]


def pages_of(hers: Belongings) -> list[str]:
    """Of what an organization has."""
    return [route.path(hers.values) for route in routes() if by_id(route) and not is_api(route)]


@pytest.fixture
def hers(alice: Person) -> Belongings:
    """What an address names of people is a teammate, so that whoever looks may do something there."""
    belongings = belongings_of(alice, access_of_user(alice.user), "alice")
    belongings.values["person"] = join("vera@studio.example", alice.organization, Role.VIEWER).user.uuid
    Authenticator.objects.all().delete()  # a passkey without a key, which no page of passkeys survives
    return belongings


def read_to_its_end(answer: Any) -> Any:
    """Where the file of one that streams is closed."""
    if answer.streaming:
        b"".join(answer.streaming_content)
    return answer


@pytest.fixture
def https(settings: Settings) -> None:
    """As with a PUBLIC_URL of https."""
    settings.SECURE_HSTS_SECONDS = 31_536_000


def test_pages_bear_the_headers_that_protect_them(alice: Person, hers: Belongings, https: None) -> None:
    for person, paths in ((None, pages()), (alice, pages() + pages_of(hers))):
        client = browser_of(person)
        for path in paths:
            answer = read_to_its_end(client.get(path, secure=True))
            assert answer.status_code < 500 or answer.status_code == 503, path  # there is no till here
            assert answer["Strict-Transport-Security"] == "max-age=31536000", path
            policy = answer["Content-Security-Policy"]
            assert {"default-src 'none'", "frame-ancestors 'none'"} <= {
                part.strip() for part in policy.split(";")
            }
            assert not re.search(r"unsafe|\*", policy), path
            assert answer["X-Content-Type-Options"] == "nosniff", path
            assert answer["X-Frame-Options"] == "DENY", path
            assert answer["Referrer-Policy"] == "same-origin", path
            assert not {"server", "x-powered-by"} & {name.lower() for name in answer.headers}, path


def test_desk_bears_them_as_well(https: None) -> None:
    """Its policy is another one: tests/config/test_desk.py."""
    client = desk_of(operator())
    for path in ("/admin/", "/admin/find/", *(f"/admin/{name}/" for name in DESK_LISTS)):
        answer = client.get(path, secure=True)
        assert answer.status_code == 200, path
        assert answer["Strict-Transport-Security"] == "max-age=31536000", path
        assert answer["X-Content-Type-Options"] == "nosniff", path
        assert answer["X-Frame-Options"] == "DENY", path
        assert answer["Referrer-Policy"] == "same-origin", path
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"], path


def test_pages_hold_no_script_or_style_of_their_own(alice: Person) -> None:
    for person in (None, alice):
        client = browser_of(person)
        for path in pages():
            answer: Any = client.get(path)
            if answer.streaming:
                continue
            text = answer.content.decode()
            assert not re.search(r"<style|style=|<script(?![^>]*(\ssrc=|type=\"application/json\"))", text), (
                path
            )
            assert not re.search(r"\son[a-z]+=", text), path
            assert not re.search(r"(src|href|action)=\"(https?:)?//(?!localhost)", text), path


def all_forms(client: Client, paths: list[str]) -> list[tuple[str, PageForm]]:
    """Each once, however many pages it stands on."""
    found: dict[tuple[object, ...], tuple[str, PageForm]] = {}
    for path in paths:
        answer = read_to_its_end(client.get(path))
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            for form in forms_of(answer.content.decode()):
                action = form.action or path
                if action.startswith("/") and "sign-out" not in action:
                    found.setdefault((action, form.method, *form.fields), (action, form))
    return list(found.values())


def test_pages_have_forms(alice: Person, hers: Belongings) -> None:
    assert len(all_forms(browser_of(), pages())) >= 1
    assert len(all_forms(browser_of(alice), pages())) >= 4
    ids = {str(value) for value in hers.values.values() if len(str(value)) > 9}
    named = {
        one for action, _form in all_forms(browser_of(alice), pages_of(hers)) for one in ids if one in action
    }
    assert len(named) >= 4, "Those of one thing: a task, a key, a member, an endpoint"


values = st.one_of(st.text(max_size=400), st.sampled_from(NASTY), st.integers().map(str))


@settings(
    max_examples=scale.count(2, 12),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_forms_survive_whatever_is_typed(
    alice: Person, hers: Belongings, valkey: redis.Redis | None, data: st.DataObject
) -> None:
    before = transaction.savepoint()  # each example finds the same forms
    forget(valkey)
    type_anything(browser_of(), pages(), data)
    type_anything(browser_of(alice), pages() + pages_of(hers), data)
    transaction.savepoint_rollback(before)


def type_anything(client: Client, paths: list[str], data: st.DataObject) -> None:
    for action, form in all_forms(client, paths):
        sent: dict[str, Any] = {}
        for name, value in form.fields.items():
            options = [st.just(value), values]
            if form.choices.get(name):
                options.append(st.sampled_from(form.choices[name]))
            sent[name] = data.draw(st.one_of(options), label=f"{action} {name}")
        answer = read_to_its_end(
            client.post(action, sent) if form.method == "post" else client.get(action, sent)
        )
        assert answer.status_code < 500 or answer.status_code == 503, (action, sent, answer.status_code)
