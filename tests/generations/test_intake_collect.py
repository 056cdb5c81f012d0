"""What an upstream delivered is fetched at once, each image for itself."""

from collections.abc import Iterator

import pytest

from generations import intake, storage
from generations.intake import Collected, collect
from generations.providers.base import OutcomeKind
from generations.providers.wire import Answer
from tests.upstreams.http1 import Asked, Reply
from tests.webhooks.street import UNTRUSTING, House, Street
from webhooks.outbound import BadAnswer, Door, NotFetched, Origin, Refused, TooLarge, TooSlow, Unreachable


@pytest.fixture
def street() -> Iterator[Street]:
    with Street() as street:
        yield street


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "PAUSE_S", 0.01)


def collected(street: Street, answer: Answer, n: int, trusted: Origin | None = None) -> Collected:
    async def work() -> Collected:
        return await collect(Door(verify=UNTRUSTING), answer, n, trusted)

    return street.run(work())


def ok(*urls: str, images: tuple[bytes, ...] = ()) -> Answer:
    return Answer(OutcomeKind.OK, image_urls=urls, images=images)


def kinds(found: Collected) -> list[type[NotFetched]]:
    return [type(failure) for failure in found.failures]


def echo(asked: Asked) -> Reply:
    return Reply(body=asked.path.encode())


def test_images_come_in_the_order_of_the_answer(street: Street) -> None:
    house = street.house(echo)
    found = collected(street, ok(*(f"{house.url}/{i}" for i in range(4))), 4, house.origin)
    assert found.files == [(0, b"/0"), (1, b"/1"), (2, b"/2"), (3, b"/3")]
    assert (found.problems, found.may_come_later) == ([], False)


def test_images_in_the_answer_itself_need_no_fetching(street: Street) -> None:
    house = street.house(echo)
    found = collected(street, ok(f"{house.url}/u", images=(b"a", b"b")), 2, house.origin)
    assert found.files == [(0, b"a"), (1, b"b")]
    assert house.visitors() == 0


def test_no_more_is_taken_than_was_ordered(street: Street) -> None:
    house = street.house(echo)
    found = collected(street, ok(*(f"{house.url}/{i}" for i in range(9))), 2, house.origin)
    assert found.files == [(0, b"/0"), (1, b"/1")]
    assert len(house.asked) == 2


def test_answer_without_an_image_brings_none(street: Street) -> None:
    found = collected(street, ok(), 1)
    assert (found.files, found.problems, found.may_come_later) == ([], [], False)


def test_one_that_is_missing_leaves_the_others(street: Street) -> None:
    house = street.house(lambda asked: Reply(410) if asked.path == "/1" else echo(asked))
    urls = [f"{house.url}/0", f"{house.url}/1", "https://10.0.0.1/", f"{house.url}/3"]
    found = collected(street, ok(*urls), 4, house.origin)
    assert found.files == [(0, b"/0"), (3, b"/3")]
    assert kinds(found) == [BadAnswer, Refused]
    assert found.problems[0] == "not fetched (BadAnswer): HTTP 410"
    assert "10.0.0.1" in found.problems[1]
    assert not found.may_come_later
    assert len(house.asked) == 3, "What will not come later is not asked for again"


def test_address_that_an_upstream_chose_may_not_be_inside(street: Street) -> None:
    house = street.house(echo)
    found = collected(street, ok(f"{house.url}/0"), 1)
    assert kinds(found) == [Refused]
    assert house.visitors() == 0


class Recovering:
    """Fails so many times, then delivers."""

    def __init__(self, failures: int, failure: Reply | bytes) -> None:
        self._left = failures
        self._failure = failure

    def __call__(self, asked: Asked) -> Reply | bytes:
        self._left -= 1
        return self._failure if self._left >= 0 else echo(asked)


@pytest.mark.parametrize(
    "failure", [Reply(404), Reply(503), b"", b"HTTP/1.1 200 -\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_what_fails_for_a_moment_is_fetched_again(street: Street, failure: Reply | bytes) -> None:
    house = street.house(Recovering(2, failure))
    assert collected(street, ok(f"{house.url}/0"), 1, house.origin).files == [(0, b"/0")]


def test_what_keeps_failing_may_come_later(street: Street) -> None:
    house = street.house(Recovering(99, Reply(503)))
    found = collected(street, ok(f"{house.url}/0"), 1, house.origin)
    assert kinds(found) == [BadAnswer]
    assert found.may_come_later
    assert len(house.asked) == intake.TRIES


def a_closed_house(street: Street) -> House:
    house = street.house(echo)
    street.run(house.close())
    return house


def test_server_that_is_away_is_unreachable(street: Street) -> None:
    house = a_closed_house(street)
    found = collected(street, ok(f"{house.url}/0"), 1, house.origin)
    assert kinds(found) == [Unreachable]
    assert found.may_come_later


@pytest.mark.parametrize("manner", ["hang", "drip"])
def test_all_of_it_has_one_time_limit(street: Street, manner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "TOTAL_S", 0.4)
    house = street.house(lambda asked: echo(asked) if asked.path == "/1" else Reply(manner=manner))
    found = collected(street, ok(*(f"{house.url}/{i}" for i in range(4))), 4, house.origin)
    assert found.files == [(1, b"/1")]
    assert kinds(found) == [TooSlow] * 3
    assert len(house.asked) == 4, "All at once, and none again"


def test_no_image_is_larger_than_may_be_stored(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MAX_IMAGE_BYTES", 1000)
    house = street.house(Reply(manner="endless"))
    found = collected(street, ok(f"{house.url}/0"), 1, house.origin)
    assert kinds(found) == [TooLarge]
    assert not found.may_come_later
