"""Whatever an upstream says, an adapter returns an answer that the product can keep."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from generations.providers import ADAPTERS
from generations.providers.base import OutcomeKind
from generations.providers.reading import own_address
from generations.providers.wire import MAX_DETAIL, Account, Adapter, Answer, ForgedWebhook, Response
from tests.generations.adapters.driving import job
from tests.scale import count

BASE = "https://upstream.example"
SECRET = "the-credential/ü"
ACCOUNT = Account(BASE, SECRET, "a/model", "https://shop.example/w/1", "whsec_c2VjcmV0LXNlY3JldA==")
# Good answers, of which the tests put something else into one place.
GENUINE: dict[str, list[Any]] = {
    "portal": [
        {"code": 200, "data": {"task_id": "1", "status": "IN_PROGRESS"}},
        {"code": 200, "data": {"task_id": "1", "status": "SUCCESS", "response": [f"{BASE}/1.png"]}},
        {"code": 200, "data": {"task_id": "1", "status": "SUCCESS", "images": [{"url": f"{BASE}/1.png"}]}},
        {"code": 200, "data": {"task_id": "1", "status": "FAILED", "error_message": "content_rejected"}},
    ],
    "fal": [
        {
            "status": "IN_QUEUE",
            "request_id": "1",
            "status_url": f"{BASE}/s",
            "response_url": f"{BASE}/r",
            "cancel_url": f"{BASE}/c",
        },
        {"status": "COMPLETED"},
        {"images": [{"url": f"{BASE}/1.png"}], "has_nsfw_concepts": [True]},
        {"detail": [{"type": "content_policy_violation", "msg": "no"}]},
    ],
    "replicate": [
        {
            "id": "1",
            "status": status,
            "output": f"{BASE}/1.png",
            "error": "NSFW",
            "urls": {"get": f"{BASE}/1", "cancel": f"{BASE}/c"},
        }
        for status in ("starting", "succeeded", "failed", "canceled")
    ]
    + [
        {
            "next": None,
            "results": [
                {
                    "id": "1",
                    "input": {"prompt": "x", "seed": 42},
                    "created_at": "2026-11-24T12:00:00Z",
                    "urls": {"get": f"{BASE}/1", "cancel": f"{BASE}/c"},
                }
            ],
        }
    ],
    "dashscope": [
        {"output": {"choices": [{"message": {"content": [{"image": f"{BASE}/1.png"}]}}]}},
        {"output": {"task_id": "1", "task_status": "SUCCEEDED", "results": [{"url": f"{BASE}/1.png"}]}},
        {"output": {"task_id": "1", "task_status": "FAILED", "code": "InternalError", "message": "no"}},
        {"code": "Throttling.RateQuota", "message": "no"},
    ],
    "wavespeed": [
        {
            "code": 200,
            "data": {
                "id": "1",
                "status": status,
                "urls": {"get": f"{BASE}/1"},
                "outputs": [f"{BASE}/1.png"],
                "has_nsfw_contents": [False],
                "error": "no",
            },
        }
        for status in ("created", "completed", "failed")
    ],
    "openai_compatible": [
        {"data": [{"b64_json": "iVBORw0KGgo=", "url": f"{BASE}/1.png"}]},
        {"error": {"code": "insufficient_quota", "type": "billing_error", "message": "out of memory"}},
    ],
}
HANDLES = {
    "portal": {"task_id": "1"},
    "fal": dict.fromkeys(("status_url", "response_url", "cancel_url"), f"{BASE}/x"),
    "replicate": {"get": f"{BASE}/x", "cancel": f"{BASE}/x"},
    "dashscope": {"task_id": "1"},
    "wavespeed": {"get": f"{BASE}/x"},
    "openai_compatible": {},
}
# What the formats look for, so that what is found behind a right name has a wrong type.
NAMES = re.findall(
    r"\S+",
    "code data task_id status response images url error_message error type message detail error_type request_id "
    "status_url response_url cancel_url has_nsfw_concepts payload id urls get cancel output input prompt seed "
    "created_at started_at webhook results next choices content image task_status has_nsfw_contents outputs b64_json",
)
WORDS = re.findall(
    r"\S+",
    "SUCCESS FAILED COMPLETED IN_QUEUE succeeded failed canceled aborted completed SUCCEEDED UNKNOWN OK "
    "content_rejected content_policy_violation Throttling.RateQuota insufficient_quota NSFW 200 402 -1 iVBORw0KGgo= "
    "2026-11-24T12:00:00Z 9999-99-99 x",
)
ADDRESSES = (
    f"{BASE}/a",
    f"{BASE}:443/a?b=c",
    "https://elsewhere.example/a",
    "https://upstream.example@evil.example/",
    "https://upstream.example\\@evil.example/",
    "https://[::1",
    "https://upstream.example:99999999999/",
    "//upstream.example/a",
    "http://upstream.example/a",
)
texts = st.one_of(st.sampled_from([*WORDS, *ADDRESSES, SECRET]), st.text(max_size=20), st.just("\ud800"))
numbers = st.one_of(
    st.sampled_from([0, 1, 42, 200, 401, 402, 404, 429, 500, 5004, 2**70, -1]),
    st.floats(),  # also NaN and the infinite, which JSON has not and Python's reader takes
    st.integers(),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=8)
    ),
    max_leaves=30,
)
bodies = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), values, max_size=10).map(lambda body: json.dumps(body).encode()),
    values.map(lambda body: json.dumps(body).encode()),
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"",
            b"[" * 100_000,
            b'{"data":' * 5_000 + b"1" + b"}" * 5_000,
            b'{"code": ' + b"9" * 5_000 + b"}",
            b'{"data": {"status": "SUCCESS", "response": "' + b"[" * 10_000 + b'"}}',
        ]
    ),
)
header_values = st.one_of(st.sampled_from([*WORDS, "", "nan", "1e999", "true", "false", "user"]), st.text())
headers = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-fal-retryable", "x-fal-request-timeout-type", "content-type"]),
    header_values,
)
statuses = st.sampled_from([200, 200, 200, 201, 202, 204, 302, 400, 401, 402, 404, 409, 422, 429, 500, 504])


@st.composite
def nearly_genuine(draw: st.DrawFn, name: str) -> bytes:
    """A good answer with something else in one or two places."""
    body = draw(st.sampled_from(GENUINE[name]))
    for _ in range(draw(st.integers(0, 2))):
        body = _with(draw, body)
    return json.dumps(body).encode()


def _with(draw: st.DrawFn, body: Any) -> Any:
    if isinstance(body, dict) and body and draw(st.integers(0, 4)):
        name = draw(st.sampled_from(sorted(body)))
        return {**body, name: _with(draw, body[name])}
    if isinstance(body, list) and body and draw(st.integers(0, 4)):
        return [_with(draw, body[0]), *body[1:]]
    return draw(values)


def responses_of(name: str) -> st.SearchStrategy[Response]:
    return st.builds(Response, statuses, headers, st.one_of(nearly_genuine(name), bodies))


def keepable(adapter: Adapter, answer: Answer, *, submitted: bool) -> None:
    """What the rows and the rest of the product rely on."""
    assert isinstance(answer.kind, OutcomeKind)
    assert (answer.kind == OutcomeKind.OK) == bool(answer.images or answer.image_urls)
    assert SECRET not in answer.detail
    for text in (answer.detail, answer.task_id, *answer.image_urls):
        text.encode()  # no half of a pair
        assert "\x00" not in text
    assert len(answer.detail) <= MAX_DETAIL + 50
    assert len(answer.task_id) <= 200
    assert answer.poll_after_s is None or 0 <= answer.poll_after_s <= 120
    if answer.kind == OutcomeKind.WAIT and submitted:
        assert answer.handle
    if answer.handle:
        assert json.loads(json.dumps(answer.handle)) == answer.handle
        assert all(isinstance(value, str) for value in answer.handle.values())
        goes_to = [adapter.poll(ACCOUNT, answer.handle), adapter.cancel(ACCOUNT, answer.handle)]
        assert all(request.url.startswith(f"{BASE}/") for request in goes_to if request is not None)


@pytest.mark.parametrize("name", sorted(ADAPTERS))
@given(data=st.data())
@hypothesis_settings(max_examples=count(100, 800))
def test_no_answer_makes_an_adapter_raise(name: str, data: st.DataObject) -> None:
    adapter, handle, response = ADAPTERS[name], HANDLES[name], data.draw(responses_of(name))
    keepable(adapter, adapter.read_submit(ACCOUNT, job("x"), response), submitted=True)
    assert isinstance(adapter.read_cancel(ACCOUNT, handle, response), bool)
    if handle:
        for each in (handle, {**handle, "done": "1"}, {**handle, "misses": "3"}, {**handle, "misses": "?"}):
            keepable(adapter, adapter.read_poll(ACCOUNT, each, response), submitted=False)
    if name == "replicate":
        for answer in adapter.read_look_up(ACCOUNT, job("x"), response) or []:
            assert answer.kind == OutcomeKind.WAIT
            keepable(adapter, answer, submitted=True)


webhook_names = [
    f"{prefix}-{name}"
    for prefix in ("webhook", "x-fal-webhook")
    for name in ("id", "timestamp", "signature", "request-id", "user-id")
]
times = st.sampled_from(["1000000", "1000001.5", "nan", "inf", "1e400", "-1", "", "1_000_000", "٣"])


@pytest.mark.parametrize("name", sorted(ADAPTERS))
@given(
    headers=st.fixed_dictionaries(
        {}, optional={each: times if each.endswith("timestamp") else header_values for each in webhook_names}
    ),
    body=st.one_of(bodies, st.binary()),
    keys=bodies,
    secret=st.one_of(texts, st.just(ACCOUNT.webhook_secret)),
)
@hypothesis_settings(max_examples=count(60, 600))
def test_no_webhook_makes_an_adapter_raise_anything_else(
    name: str, headers: dict[str, str], body: bytes, keys: bytes, secret: str
) -> None:
    account = Account(BASE, SECRET, "a/model", "", secret)
    with pytest.raises(ForgedWebhook):
        ADAPTERS[name].verify_webhook(account, headers, body, keys, 1_000_000.0)


@pytest.mark.parametrize(
    "address",
    [
        "https://upstream.example.evil.example/a",
        "https://evil.example/https://upstream.example/a",
        "https://upstream.example@evil.example/a",
        "https://upstream.example:80@evil.example/a",
        "https://user:word@upstream.example/a",
        "https://upstream.example\\@evil.example/a",
        "https://upstream.example\t.evil.example/a",
        "http://upstream.example/a",
        "https://upstream.example:444/a",
        "//upstream.example/a",
        "https://[::1",
        "https://upstream.example:99999999999/",
        "/a",
        "",
        "https://upstream.example/" + "a" * 3_000,
        None,
        7,
    ],
)
def test_an_address_elsewhere_is_none(address: Any) -> None:
    assert own_address(ACCOUNT, address) == ""


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("https://upstream.example/a/b?c=d#e", "https://upstream.example/a/b?c=d"),
        ("https://UPSTREAM.example:443/a", "https://upstream.example/a"),
        ("https://upstream.example//evil.example/a", "https://upstream.example/evil.example/a"),
        ("https://upstream.example", "https://upstream.example/"),
    ],
)
def test_an_address_of_theirs_is_asked_at_the_base_address(address: str, ours: str) -> None:
    assert own_address(ACCOUNT, address) == ours


@pytest.mark.parametrize(
    "body",
    [
        SECRET.encode(),
        b"x" * 290 + SECRET.encode(),
        b"x" * 1190 + SECRET.encode(),
        b" " * 1190 + SECRET.encode(),
        SECRET.replace("/", "\\/").encode(),
        b"the-credential%2F%C3%BC",
    ],
)
def test_no_part_of_a_secret_is_in_an_excerpt(body: bytes) -> None:
    excerpt = Response(500, {}, body).excerpt(ACCOUNT)
    assert not re.search("the-cred", excerpt)
    assert len(excerpt) <= MAX_DETAIL + 20
