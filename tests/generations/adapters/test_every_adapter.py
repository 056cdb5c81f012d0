"""What holds for every adapter: good images, an outcome for every failure, and no secret in any record."""

from collections.abc import Callable

import pytest

from generations.providers import ADAPTERS, PROVIDERS
from generations.providers.base import OutcomeKind
from generations.providers.http import NoAnswer, NotReached, Oversized
from generations.providers.wire import Request
from tests.generations.adapters.driving import ask, drive, images_of, job, submit
from tests.processes import free_port
from tests.upstreams import images
from tests.upstreams.running import Up

POLLED = sorted(set(ADAPTERS) - {"openai_compatible", "dashscope"})
WITH_ADDRESSES = sorted(set(ADAPTERS) - {"openai_compatible"})
# What comes from the formats that choose their own: DashScope makes PNG alone.
DELIVERED = {"wavespeed": "jpeg"}


@pytest.fixture(params=sorted(ADAPTERS))
def up(request: pytest.FixtureRequest, stand_in: Callable[[str], Up]) -> Up:
    return stand_in(request.param)


@pytest.fixture(params=POLLED)
def polled(request: pytest.FixtureRequest, stand_in: Callable[[str], Up]) -> Up:
    return stand_in(request.param)


@pytest.fixture(params=WITH_ADDRESSES)
def with_addresses(request: pytest.FixtureRequest, stand_in: Callable[[str], Up]) -> Up:
    return stand_in(request.param)


def test_registry_names_every_adapter_once() -> None:
    assert set(ADAPTERS) == {"portal", "fal", "replicate", "dashscope", "wavespeed", "openai_compatible"}
    assert not set(ADAPTERS) & set(PROVIDERS)
    assert all(adapter.name == name and adapter.title for name, adapter in ADAPTERS.items())


@pytest.mark.parametrize(("width", "height"), [(1024, 1024), (1280, 720), (768, 1536)])
def test_the_image_that_was_ordered_arrives(up: Up, width: int, height: int) -> None:
    order = job("a lighthouse", width=width, height=height, seed=7)
    end = drive(up.adapter, up.account(), order).end
    assert end.kind == OutcomeKind.OK
    expected = images.picture(width, height, DELIVERED.get(up.name, "png"), 7)
    assert images_of(end) == [expected]


@pytest.mark.parametrize("prompt", ["Grüße 灯塔 \U0001f5fc", 'a "quoted" \\ one\nwith lines', "x" * 1000])
def test_prompts_go_out_unchanged(up: Up, prompt: str) -> None:
    assert drive(up.adapter, up.account(), job(prompt)).end.kind == OutcomeKind.OK
    assert any(prompt in _texts(entry["body"]) for entry in up.log())


def test_late_images_arrive(up: Up) -> None:
    driven = drive(up.adapter, up.account(), job("up:late=0.2 a lighthouse"))
    assert driven.end.kind == OutcomeKind.OK


@pytest.mark.parametrize("word", ["html", "empty", "notjson"])
def test_nonsense_with_200_is_busy(up: Up, word: str) -> None:
    assert submit(up.adapter, up.account(), job(f"up:{word}")).end.kind == OutcomeKind.BUSY


@pytest.mark.parametrize("word", ["html", "empty", "notjson"])
def test_nonsense_instead_of_a_state_is_busy(polled: Up, word: str) -> None:
    driven = drive(polled.adapter, polled.account(), job(f"up:{word} up:at=poll"))
    assert driven.end.kind == OutcomeKind.BUSY
    assert driven.answers[0].kind == OutcomeKind.WAIT


STATUSES = {
    OutcomeKind.ACCOUNT: (401, 403, 404, 405, 301, 307),
    OutcomeKind.FUNDS: (402,),
    OutcomeKind.INVALID: (400, 413, 415, 422),
    OutcomeKind.BUSY: (408, 429, 500, 502, 503, 504),
}


@pytest.mark.parametrize(
    ("status", "kind"), [(status, kind) for kind, listed in STATUSES.items() for status in listed]
)
def test_statuses_of_a_refused_order(up: Up, status: int, kind: OutcomeKind) -> None:
    end = submit(up.adapter, up.account(), job(f"up:{status}")).end
    if (up.name, status) == ("portal", 429):  # a shop that is full for one customer
        kind = OutcomeKind.LIMITED
    assert end.kind == kind
    assert f"HTTP {status}" in end.detail


@pytest.mark.parametrize(("status", "kind"), [(401, OutcomeKind.ACCOUNT), (503, OutcomeKind.BUSY)])
def test_statuses_of_a_question(polled: Up, status: int, kind: OutcomeKind) -> None:
    driven = drive(polled.adapter, polled.account(), job(f"up:{status} up:at=poll"))
    assert [answer.kind for answer in driven.answers] == [OutcomeKind.WAIT, kind]


def test_retry_after_is_honoured(up: Up) -> None:
    end = submit(up.adapter, up.account(), job("up:503=17")).end
    assert (end.kind, end.poll_after_s) == (OutcomeKind.BUSY, 17)


@pytest.mark.parametrize("word", ["hang", "drip"])
def test_an_answer_that_takes_for_ever_ends_in_time(up: Up, word: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        submit(up.adapter, up.account(), job(f"up:{word}"), total_s=0.2)
    assert caught.value.timed_out


def test_a_question_that_is_not_answered_ends_in_time(polled: Up) -> None:
    with pytest.raises(NoAnswer) as caught:
        drive(polled.adapter, polled.account(), job("up:hang up:at=poll"), total_s=0.2)
    assert caught.value.timed_out


def test_a_closed_connection_leaves_the_outcome_open(up: Up) -> None:
    with pytest.raises(NoAnswer) as caught:
        submit(up.adapter, up.account(), job("up:drop"))
    assert not caught.value.timed_out


def test_a_body_without_end_is_cut(stand_in: Callable[[str], Up]) -> None:
    up = stand_in("portal")
    with pytest.raises(Oversized):
        submit(up.adapter, up.account(), job("up:endless"), total_s=30)


def test_an_upstream_that_is_not_there_is_not_reached(up: Up) -> None:
    account = up.account(base_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NotReached):
        submit(up.adapter, account, job("a lighthouse"))


@pytest.mark.parametrize("credential", ["secret\nline", "secret\x00", "sécret", "secret灯"])
def test_a_credential_that_no_header_takes_is_not_sent(up: Up, credential: str) -> None:
    before = len(up.log())
    with pytest.raises(NotReached) as caught:
        submit(up.adapter, up.account(credential=credential), job("a lighthouse"))
    assert "cret" not in str(caught.value)
    assert len(up.log()) == before


def test_a_wrong_credential_is_of_our_account(up: Up) -> None:
    end = submit(up.adapter, up.account(credential="another"), job("a lighthouse")).end
    assert end.kind == OutcomeKind.ACCOUNT


def test_where_to_pay_for_more_is_a_page_or_whom_the_account_is_with(up: Up) -> None:
    assert up.adapter.top_up_at("https://of-the-operator.example").startswith("https://")


@pytest.mark.parametrize("status", [401, 422, 500])
def test_no_record_holds_our_credential(up: Up, status: int) -> None:
    end = submit(up.adapter, up.account(), job(f"up:{status} up:echo")).end
    assert "the key" in end.detail
    assert up.credential not in end.detail


def test_an_upstream_can_refuse_for_a_while(up: Up) -> None:
    up.behave(status=402, body={"detail": "no money"}, times=1)
    try:
        assert submit(up.adapter, up.account(), job("a lighthouse")).end.kind == OutcomeKind.FUNDS
        assert drive(up.adapter, up.account(), job("a lighthouse")).end.kind == OutcomeKind.OK
    finally:
        up.behave()


@pytest.mark.parametrize("word", ["wrongtype=html", "wrongtype=svg", "wrongtype=text", "huge"])
def test_what_is_no_image_is_for_the_intake_to_refuse(with_addresses: Up, word: str) -> None:
    end = drive(with_addresses.adapter, with_addresses.account(), job(f"up:{word}")).end
    assert end.kind == OutcomeKind.OK
    assert images_of(end)[0] in (images.huge(), *(body for body, _ in images.NOT_IMAGES.values()))


def test_addresses_of_images_are_handed_on_untouched(with_addresses: Up) -> None:
    inside = "http://169.254.169.254/latest/meta-data/"
    end = drive(with_addresses.adapter, with_addresses.account(), job(f"up:inside={inside}")).end
    assert end.image_urls == (inside,)


def test_a_redirect_of_an_image_is_not_followed_by_the_line(with_addresses: Up) -> None:
    end = drive(with_addresses.adapter, with_addresses.account(), job("up:redirect=http://10.0.0.1/")).end
    response = ask(Request("GET", end.image_urls[0]))
    assert (response.status, response.headers["location"]) == (302, "http://10.0.0.1/")


@pytest.mark.parametrize("name", ["fal", "replicate", "wavespeed"])
def test_addresses_elsewhere_do_not_get_our_credential(stand_in: Callable[[str], Up], name: str) -> None:
    up = stand_in(name)
    end = submit(up.adapter, up.account(), job("up:foreign")).end
    assert (end.kind, end.billed) == (OutcomeKind.FAILED, True)


def test_only_those_that_send_webhooks_are_told_where(up: Up) -> None:
    order, told = job("x"), up.account(webhook_url="https://shop.example/w/1?a=b&c")
    differs = up.adapter.submit(told, order) != up.adapter.submit(up.account(), order)
    assert differs == up.adapter.sends_webhooks


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []
