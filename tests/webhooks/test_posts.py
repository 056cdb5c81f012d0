"""What counts of an answer is its status; the rest is only shown, as much of it as comes soon."""

import pytest

from tests.upstreams.http1 import Reply
from tests.webhooks.street import UNTRUSTING, Street
from webhooks import outbound
from webhooks.outbound import Door, Posted, TooSlow, Unreachable

pytestmark = pytest.mark.usefixtures("loopback_allowed")

OK = b"HTTP/1.1 200 OK\r\n"


def post(street: Street, answer: Reply | bytes, total_s: float = 20.0) -> Posted:
    house = street.house(answer)
    door = Door(verify=UNTRUSTING)
    return street.run(door.post(house.url, b"{}", headers={}, max_bytes=100, total_s=total_s))


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Content-Length: 100\r\n\r\nshort", b"short"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nZZ\r\n", b"ok"),
        (OK + b"\r\nto the end of the connection", b"to the end of the connection"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n\x1f\x8b", b""),
        (Reply(manner="endless"), b" " * 100),
    ],
    ids=["shorter than announced", "bad chunks", "without a length", "packed", "endless"],
)
def test_answer_whose_body_breaks_is_an_answer(street: Street, answer: Reply | bytes, body: bytes) -> None:
    posted = post(street, answer)
    assert (posted.status, posted.body) == (200, body)


def test_body_that_does_not_end_is_not_waited_for(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "BODY_S", 0.2)
    posted = post(street, Reply(manner="drip"), total_s=5)
    assert posted.status == 200
    assert set(posted.body) <= set(b" ")


def test_no_status_is_no_answer(street: Street) -> None:
    with pytest.raises(TooSlow):
        post(street, Reply(manner="hang"), total_s=0.3)
    for answer in (b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 99 -\r\n\r\n", OK + b"X: " + b"y" * 300_000):
        with pytest.raises(Unreachable):
            post(street, answer)
