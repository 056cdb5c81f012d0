"""Bodies that are too long, too slow, packed, or not what was announced."""

import gzip

import pytest

from tests.upstreams.http1 import Reply
from tests.webhooks.street import Street
from webhooks.outbound import BadAnswer, TooLarge, TooSlow, Unreachable

pytestmark = pytest.mark.usefixtures("loopback_allowed")


def head(*lines: str, status: int = 200) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} -", *lines, "", ""]).encode()


@pytest.mark.parametrize("length", [0, 1, 99_999, 100_000])
def test_body_within_the_limit_comes_whole(street: Street, length: int) -> None:
    body = bytes(index % 251 for index in range(length))
    house = street.house(Reply(body=body))
    assert street.fetch(house.url, max_bytes=100_000) == body


@pytest.mark.parametrize(
    "answer",
    [
        Reply(body=bytes(100_001)),
        Reply(manner="endless"),
        head("Content-Length: 1000000000000"),
        head() + bytes(100_001),  # without a length: until the connection ends
    ],
    ids=["one byte more", "endless", "announced", "without a length"],
)
def test_body_beyond_the_limit_is_too_large(street: Street, answer: Reply | bytes) -> None:
    house = street.house(answer)
    with pytest.raises(TooLarge) as caught:
        street.fetch(house.url, max_bytes=100_000)
    assert not caught.value.may_come_later


@pytest.mark.parametrize("manner", ["drip", "hang"])
def test_slow_answer_is_given_up_in_time(street: Street, manner: str) -> None:
    house = street.house(Reply(manner=manner))
    with pytest.raises(TooSlow) as caught:
        street.fetch(house.url, total_s=0.3)
    assert caught.value.may_come_later


def test_time_is_for_all_redirects_together(street: Street) -> None:
    second = street.house(Reply(manner="hang"))
    first = street.house(Reply(302, headers={"Location": second.url}))
    with pytest.raises(TooSlow):
        street.fetch(first.url, total_s=0.3)
    assert len(second.asked) == 1


def test_no_time_at_all_is_too_slow(street: Street) -> None:
    house = street.house(Reply(body=b"picture"))
    with pytest.raises(TooSlow):
        street.fetch(house.url, total_s=-1)


def test_more_than_announced_is_cut_off(street: Street) -> None:
    house = street.house(head("Content-Length: 4") + b"pictures")
    assert street.fetch(house.url) == b"pict"


@pytest.mark.parametrize(
    "answer",
    [
        head("Content-Length: 100") + b"picture",
        head("Transfer-Encoding: chunked") + b"7\r\npicture\r\n",
        head("Transfer-Encoding: chunked") + b"nonsense\r\npicture",
        head("Content-Length: -7") + b"picture",
        head("Content-Length: 7", "Content-Length: 8") + b"pictures",
        head("Content-Length: 99999999999999999999999999"),
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"",
        head("X: " + "x" * 200_000),
    ],
    ids=[
        "short",
        "no last chunk",
        "bad chunk",
        "negative",
        "two lengths",
        "beyond any number",
        "ssh",
        "nothing",
        "long header",
    ],
)
def test_broken_answer_is_unreachable(street: Street, answer: bytes) -> None:
    house = street.house(answer)
    with pytest.raises(Unreachable):
        street.fetch(house.url)


def test_server_that_is_not_there_is_unreachable(street: Street) -> None:
    house = street.house(b"")
    street.run(house.close())
    with pytest.raises(Unreachable) as caught:
        street.fetch(house.url)
    assert caught.value.may_come_later


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, gzip", "x-unknown"])
def test_packed_body_is_refused_unread(street: Street, encoding: str) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    house = street.house(Reply(body=bomb, headers={"Content-Encoding": encoding}))
    with pytest.raises(BadAnswer, match="compressed"):
        street.fetch(house.url)
    assert house.asked[0].headers["accept-encoding"] == "identity"


def test_body_that_says_it_is_not_packed_is_taken(street: Street) -> None:
    house = street.house(Reply(body=b"picture", headers={"Content-Encoding": "identity"}))
    assert street.fetch(house.url) == b"picture"


@pytest.mark.parametrize(
    ("status", "later"),
    [
        *((status, False) for status in (201, 204, 206, 400, 403, 410)),
        *((status, True) for status in (404, 429, 500, 503)),
    ],
)
def test_other_status_is_a_bad_answer(street: Street, status: int, later: bool) -> None:
    house = street.house(Reply(status, body=b"" if status == 204 else b"sorry"))
    with pytest.raises(BadAnswer, match=f"HTTP {status}") as caught:
        street.fetch(house.url)
    assert (caught.value.status, caught.value.may_come_later) == (status, later)


def test_provisional_answers_are_passed_over(street: Street) -> None:
    house = street.house(head(status=103) * 3 + head("Content-Length: 2") + b"ok")
    assert street.fetch(house.url) == b"ok"
