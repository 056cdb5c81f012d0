"""Bodies are read whole, bounded in size and time, before a thread is taken."""

import contextlib
import socket

import pytest

from tests.config.conftest import Site, read_answer, request_head

CHUNKED = "Transfer-Encoding: chunked"


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def test_chunked_body_arrives_with_its_true_length(site: Site) -> None:
    answer = site.post("/api/echo", chunks(b"hello", b" world") + b"0\r\n\r\n", CHUNKED)
    assert answer.json()["body"] == "hello world"
    assert answer.json()["length"] == "11"
    assert answer.json()["problem"] is None
    assert not answer.closed


def test_body_with_content_length_arrives(site: Site) -> None:
    answer = site.post("/echo", b"x" * 5000, "Content-Length: 5000")
    assert answer.json()["body"] == "x" * 5000
    assert answer.json()["problem"] is None


@pytest.mark.parametrize(("path", "limit"), [("/api/echo", 1000), ("/echo", 5000)])
@pytest.mark.parametrize("chunked", [False, True])
def test_body_over_the_limit_is_a_problem_and_one_at_the_limit_is_not(
    site: Site, path: str, limit: int, chunked: bool
) -> None:
    for size, problem in ((limit, None), (limit + 1, "too_large")):
        body = b"x" * size
        if chunked:
            answer = site.post(path, chunks(body[:600], body[600:]) + b"0\r\n\r\n", CHUNKED)
        else:
            answer = site.post(path, body, f"Content-Length: {size}")
        assert answer.json()["problem"] == problem
        assert answer.json()["length"] == ("0" if problem else str(size))


def test_client_that_sends_far_too_much_still_hears_why(site: Site) -> None:
    size = 8 * 1024 * 1024
    answer = site.post("/api/echo", b"x" * size, f"Content-Length: {size}")
    assert answer.json()["problem"] == "too_large"
    assert not answer.closed  # read to its end, so the connection is good for more


def test_body_that_never_ends_is_cut_off(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(request_head("/api/echo", CHUNKED))
        part = chunks(b"x" * 65536)
        with contextlib.suppress(ConnectionError):  # cut off: what was promised
            connection.settimeout(30)
            for _ in range(4096):  # 256 MiB
                connection.sendall(part)
            pytest.fail("The server took it all")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Content-Length: 10"], b"hello"),
        ([CHUNKED], chunks(b"hello")),
        ([CHUNKED], chunks(b"hello") + b"zz\r\n"),
    ],
    ids=["short of its length", "without a last chunk", "not a chunk"],
)
def test_body_that_is_cut_short_is_incomplete_and_ends_the_connection(
    site: Site, headers: list[str], body: bytes
) -> None:
    answer = site.post("/api/echo", body, *headers, half_close=True)
    assert answer.json()["problem"] == "incomplete"
    assert answer.json()["body"] == ""
    assert answer.header("connection") == "close"
    assert answer.closed


def test_stalled_body_times_out_and_ends_the_connection(site: Site) -> None:
    answer = site.post("/api/echo", b"hello", "Content-Length: 10")
    assert answer.json()["problem"] == "timeout"
    assert answer.header("connection") == "close"
    assert answer.closed


def test_body_that_trickles_in_times_out_all_the_same(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(request_head("/api/echo", "Content-Length: 1000"))
        connection.settimeout(0.1)
        for _ in range(100):
            connection.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                if connection.recv(1, socket.MSG_PEEK):
                    break
        else:
            pytest.fail("Still waiting after 100 bytes in 10 s")
        connection.settimeout(20)
        assert read_answer(connection).json()["problem"] == "timeout"


def test_large_body_that_is_announced_but_not_sent_is_answered(site: Site) -> None:
    answer = site.post("/api/echo", b"", "Content-Length: 2000000")
    assert answer.json()["problem"] == "too_large"
    assert answer.closed


def test_client_that_waits_for_continue_is_told_to_go_on(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(request_head("/echo", "Content-Length: 5", "Expect: 100-continue"))
        assert connection.recv(100, socket.MSG_PEEK).startswith(b"HTTP/1.1 100")
        connection.sendall(b"hello")
        assert read_answer(connection).json()["body"] == "hello"


def test_a_hundred_stalled_bodies_do_not_hold_up_other_requests(site: Site) -> None:
    with contextlib.ExitStack() as stack:
        stalled = [stack.enter_context(site.connect()) for _ in range(100)]
        for connection in stalled:
            connection.sendall(request_head("/api/echo", "Content-Length: 10") + b"hello")
        assert site.get("/healthz").body == b"ok"
        assert all(not _readable(connection) for connection in stalled[-10:]), (
            "They were answered before /healthz"
        )
        for connection in stalled:
            assert read_answer(connection).json()["problem"] == "timeout"


def _readable(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(20)


def test_client_that_leaves_within_its_body_leaves_no_trace(site: Site) -> None:
    before = site.log.read_bytes()
    for _ in range(20):
        with site.connect() as connection:
            connection.sendall(request_head("/api/echo", "Content-Length: 10") + b"hello")
    # More than there are threads: none of them is held by those who left.
    assert all(site.get("/healthz").body == b"ok" for _ in range(8))
    assert site.log.read_bytes() == before
