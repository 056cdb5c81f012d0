"""Request lines and headers as Django gets them."""

import pytest

from tests.config.conftest import Site, read_answer


def test_repeated_headers_are_joined_and_cookies_in_their_own_way(site: Site) -> None:
    answer = site.get("/echo", "X-Many: 1", "X-Many: 2", "Cookie: a=1", "Cookie: b=2")
    assert answer.json()["headers"]["HTTP_X_MANY"] == "1,2"
    assert answer.json()["headers"]["HTTP_COOKIE"] == "a=1; b=2"


def test_header_with_underscore_cannot_pass_for_another(site: Site) -> None:
    answer = site.get("/echo", "X_Forwarded_For: 203.0.113.9", "X-Request-Id: 7")
    assert "HTTP_X_FORWARDED_FOR" not in answer.json()["headers"]
    assert answer.json()["headers"]["HTTP_X_REQUEST_ID"] == "7"


def test_header_that_is_not_ascii_is_seen_as_unreadable_and_not_as_absent(site: Site) -> None:
    answer = site.get("/echo", "Idempotency-Key: bestellung-größe-1", "X-Plain: 1")
    assert answer.json()["headers"]["HTTP_IDEMPOTENCY_KEY"] == "\xff"
    assert answer.json()["headers"]["HTTP_X_PLAIN"] == "1"


def test_transfer_encoding_is_gone_once_the_body_is_read(site: Site) -> None:
    answer = site.post(
        "/echo", b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked", "Content-Length: 999"
    )
    assert "HTTP_TRANSFER_ENCODING" not in answer.json()["headers"]
    assert "HTTP_CONTENT_LENGTH" not in answer.json()["headers"]
    assert answer.json()["length"] == "5"


def test_path_and_query_arrive_as_they_were_meant(site: Site) -> None:
    answer = site.get("/echo/caf%C3%A9%20%2Fbar?q=%C3%A9&z=+1")
    assert answer.json()["path"] == "/echo/café /bar"
    assert answer.json()["query"] == "q=%C3%A9&z=+1"


def test_client_address_comes_without_its_port(site: Site) -> None:
    assert site.get("/echo").json()["address"] == "127.0.0.1"


@pytest.mark.parametrize("target", ["/%FF%FE", "/%00", "*", "/echo%0d%0aX-Evil:1", "/" + "a" * 60_000])
def test_strange_target_gets_an_answer_and_never_500(site: Site, target: str) -> None:
    assert site.get(target).status in (200, 400, 404, 414)


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: -5"],
        ["Content-Length: +5"],
        ["Content-Length: 99999999999999999999999"],
    ],
)
def test_length_that_is_not_one_number_is_refused(site: Site, headers: list[str]) -> None:
    answer = site.post("/echo", b"hello", *headers)
    assert answer.status == 400
    assert answer.closed


def test_garbage_behind_a_request_does_not_spoil_its_answer(site: Site) -> None:
    with site.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\x00\x01\x02 garbage\r\n\r\n")
        received = b""
        while part := connection.recv(65536):
            received += part
    first, _, second = received.partition(b"\r\n\r\nok")
    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 400")
    assert site.get("/healthz").body == b"ok"


def test_two_requests_in_one_go_are_answered_in_order(site: Site) -> None:
    request = b"GET /echo?%d HTTP/1.1\r\nHost: x\r\n\r\n"
    with site.connect() as connection:
        connection.sendall(request % 1)
        assert read_answer(connection).json()["query"] == "1"
        connection.settimeout(20)
        connection.sendall(request % 2)
        assert read_answer(connection).json()["query"] == "2"
