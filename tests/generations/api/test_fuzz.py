"""Whatever is posted to version 1, nothing breaks, and a refusal leaves no hold."""

import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts import throttling
from billing.reads import balance
from generations.models import Generation
from tests import scale
from tests.accounts.client import FOX, content, send
from tests.cast import Person, new_key
from tests.generations.api.asking import GENERATIONS, V1
from tests.generations.patience import Patient

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["prompt", "aspect_ratio", "size", "seed", "output_format", "model", "n", "metadata", "webhook_url"]
)
addresses = st.text(max_size=30).map(lambda text: f"https://{text}")
near_misses = st.dictionaries(names, values, max_size=2) | st.fixed_dictionaries(
    {}, optional={"n": st.integers(-1, 6), "metadata": values, "webhook_url": addresses}
)
bodies = near_misses.map(lambda fields: json.dumps(FOX | fields).encode()) | st.binary(max_size=100)


@pytest.fixture
def key(alice: Person, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(throttling, "_limiter", Patient())
    return new_key(alice)[1]


@settings(max_examples=scale.count(30, 3000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies)
@example(body=b'{"prompt":"a","aspect_ratio":"1:1","metadata":{"a":1e400}}')
@example(body=b'{"prompt":"a","aspect_ratio":"1:1","webhook_url":"https://[::1%25lo]/"}')
@example(body=b'{"prompt":"a","aspect_ratio":"1:1","webhook_url":"https://xn--/"}')
def test_no_order_breaks_anything_and_only_accepted_ones_cost(alice: Person, key: str, body: bytes) -> None:
    before, count = balance(alice.organization.pk), Generation.objects.count()
    response = send("POST", GENERATIONS, key=key, body=body)
    after = balance(alice.organization.pk)
    assert response.status_code in {200, 400, 402, 429}
    made = Generation.objects.count() - count
    assert made == (response.status_code == 200)
    price = content(response)["price_credits"] if made else 0
    assert (before.available - after.available, after.held - before.held) == (price, price)


@settings(max_examples=scale.count(20, 1500), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["generations", "ledger", "usage", "models", "balance", "generations/x"]),
    query=st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(
            ["cursor", "limit", "status", "key", "kind", "created_after", "start", "end", "group_by"]
        ),
        st.text(st.sampled_from("0123456789-:TZ+,daykeymodel %AF\x00é"), max_size=24),
        max_size=2,
    ).map(lambda fields: "&".join(f"{name}={value}" for name, value in fields.items()).encode()),
)
@example(path="generations", query=b"created_after=9999-12-31T23:59:59-23:59")
@example(path="usage", query=b"start=0001-01-01&end=0001-01-01")
def test_no_question_breaks_anything(key: str, path: str, query: bytes) -> None:
    response = send("GET", f"{V1}/{path}", key=key, QUERY_STRING=query.decode("latin-1"))
    assert response.status_code in {200, 400, 404}
