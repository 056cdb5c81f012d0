"""Whatever is posted, nothing breaks, and only an accepted order moves a credit."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts import throttling
from billing.reads import balance
from generations.models import Generation
from tests import scale
from tests.accounts.client import FOX, content, generate, send
from tests.cast import Person, new_key
from tests.generations.patience import Patient

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["prompt", "aspect_ratio", "size", "seed", "output_format", "model", ""])
near_misses = st.dictionaries(names, values).map(lambda fields: json.dumps(FOX | fields).encode())
bodies = st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode()) | near_misses
header_text = st.text(
    st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=40
)
headers = st.dictionaries(
    st.sampled_from(["Accept", "Idempotency-Key", "X-Request-Id", "X-Forwarded-For", "Accept-Language"]),
    header_text,
)


@pytest.fixture
def key(alice: Person, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(throttling, "_limiter", Patient())
    return new_key(alice)[1]


@settings(max_examples=scale.count(30, 3000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies, sent=headers, content_type=st.sampled_from(["application/json"] * 4 + ["", "text/plain"]))
@example(body=b'{"prompt":"a","aspect_ratio":"1:1","seed":1e400}', sent={}, content_type="application/json")
def test_no_order_breaks_anything_and_only_accepted_ones_cost(
    alice: Person, key: str, body: bytes, sent: dict[str, str], content_type: str
) -> None:
    before, count = balance(alice.organization.pk), Generation.objects.count()
    response = generate(key, body, headers=sent, content_type=content_type)
    after = balance(alice.organization.pk)
    assert response.status_code in {200, 400, 402, 415, 422, 429}
    answer = content(response)
    assert answer.get("code", answer.get("status")) == response.status_code
    made = Generation.objects.count() - count
    assert (before.available - after.available, after.held - before.held) == (15 * made, 15 * made)
    assert made == 0 or response.status_code == 200


@settings(max_examples=scale.count(15, 1000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.binary(max_size=100) | st.text(max_size=50).map(lambda text: f"task_id={text}".encode()),
    sent=headers,
)
def test_no_question_breaks_anything(key: str, query: bytes, sent: dict[str, str]) -> None:
    response = send("GET", "/api/status", key=key, headers=sent, QUERY_STRING=query.decode("latin-1"))
    assert response.status_code in {400, 404}


@settings(max_examples=scale.count(15, 1000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=header_text)
def test_no_authorization_header_breaks_anything(db: None, value: str) -> None:
    responses: list[Any] = [
        send("POST", "/api/generate", body=FOX, headers={"Authorization": text})
        for text in (value, f"Bearer {value}", f"Bearer tt_live_{value}")
    ]
    assert [response.status_code for response in responses] == [401] * 3
