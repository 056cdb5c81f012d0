"""Whatever is sent, nothing breaks."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from tests.accounts.client import send
from tests.cast import Person, new_key
from tests.config.keys.steps import FIELDS, KEYS, change, form_id, make, rotate
from tests.pages import browser_of
from tests.scale import count

text = st.text(max_size=30)
numbers = st.one_of(st.integers().map(str), st.floats().map(str), text)
times = st.one_of(
    st.datetimes().map(lambda time: time.isoformat()[:16]),
    st.datetimes(timezones=st.timezones()).map(lambda time: time.isoformat()),
    text,
)
networks = st.one_of(
    st.ip_addresses().map(str),
    st.tuples(st.ip_addresses(), st.integers(-1, 130)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    text,
)
forms = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(FIELDS, numbers),
        "name": text,
        "livemode": st.sampled_from(["live", "test", "x"]),
        "scopes": st.lists(st.sampled_from(["generate", "read", "admin", "x", ""]), max_size=4),
        "expires_at": times,
        "allowed_addresses": st.lists(networks, max_size=4).map(" ".join),
    },
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), times, networks),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)),
    max_leaves=6,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys((*FIELDS, "spend_caps", "overlap_seconds", "x"), values),
        "name": text,
        "scopes": st.lists(st.sampled_from(["generate", "read", "admin"]), max_size=3),
        "spend_caps": st.dictionaries(st.sampled_from(["day", "month", "lifetime", "x"]), values, max_size=3),
    },
)
FINE = {200, 302, 400, 403, 404, 409}
many = hypothesis_settings(
    max_examples=count(12, 300), suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def setting(alice: Person, settings: Settings) -> tuple[Any, Any, str, str]:
    """A browser, a key, the secret of one that manages, and the id of a form."""
    settings.RATE_LIMIT_READ_BURST = settings.RATE_LIMIT_ORGANIZATION_READ_BURST = 100_000
    client = browser_of(alice)
    key, _secret = new_key(alice, name="ci")
    _row, manager = new_key(alice, scopes=["generate", "read", "admin"])
    return client, key, manager, form_id(client)


@many
@given(form=forms, overlap=st.one_of(st.sampled_from([0, 3600]), numbers))
def test_no_form_breaks_a_page(
    setting: tuple[Any, Any, str, str], form: dict[str, Any], overlap: Any
) -> None:
    client, key, _manager, token = setting
    assert make(client, **({"form_id": token} | form)).status_code in FINE
    assert change(client, key, **form).status_code in FINE
    assert rotate(client, key, overlap).status_code in FINE


@many
@given(body=bodies)
def test_no_body_breaks_the_api(setting: tuple[Any, Any, str, str], body: dict[str, Any]) -> None:
    _client, key, manager, _token = setting
    for method, path in (
        ("POST", KEYS),
        ("PATCH", f"{KEYS}/{key.public_id}"),
        ("POST", f"{KEYS}/{key.public_id}/rotate"),
    ):
        response = send(method, path, key=manager, body=body)
        assert response.status_code in FINE, response.content
