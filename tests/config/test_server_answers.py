"""Answers as clients get them: HEAD, cookies, files, streams, and failures."""

from pathlib import Path

import pytest

from tests.config import server_site
from tests.config.conftest import Site
from tests.waiting import wait_until


@pytest.mark.parametrize("target", ["/healthz", "/file"])
def test_head_is_get_without_the_body(site: Site, target: str) -> None:
    get, head = site.get(target), site.get(target, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.header("content-length") == get.header("content-length") == str(len(get.body))
    assert not head.closed


def test_each_cookie_keeps_a_line_of_its_own(site: Site) -> None:
    cookies = [value for name, value in site.get("/cookies").headers if name == "set-cookie"]
    assert [cookie.partition(";")[0] for cookie in cookies] == ["first=1", "second=2"]


def test_file_is_sent_whole(site: Site) -> None:
    answer = site.get("/file", "Range: bytes=0-9")
    assert answer.body == Path(server_site.__file__).read_bytes()
    assert answer.header("content-type") == "text/x-python"


def test_range_header_reaches_the_view(site: Site) -> None:
    assert site.get("/echo", "Range: bytes=0-9").json()["headers"]["HTTP_RANGE"] == "bytes=0-9"


def test_stream_arrives_in_parts_and_is_closed(site: Site, tmp_path: Path) -> None:
    answer = site.get(f"/stream?count=5&marks={tmp_path}")
    assert answer.header("transfer-encoding") == "chunked"
    assert answer.body == b"0,1,2,3,4,"
    wait_until((tmp_path / "closed").exists, "the stream to be closed")


def test_stream_is_closed_when_its_reader_leaves(site: Site, tmp_path: Path) -> None:
    before = site.log.read_bytes()
    with site.connect() as connection:
        connection.sendall(f"GET /stream?count=100000&marks={tmp_path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(100)
    wait_until((tmp_path / "closed").exists, "the stream to be closed")
    assert site.log.read_bytes() == before


def test_client_that_leaves_before_its_answer_leaves_no_trace(site: Site) -> None:
    before = site.log.read_bytes()
    for _ in range(8):  # twice the number of threads
        with site.connect() as connection:
            connection.sendall(b"GET /slow?seconds=0.1 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert site.get("/healthz").body == b"ok"
    assert site.log.read_bytes() == before


def test_failure_outside_django_is_logged_and_not_shown(site: Site) -> None:
    answer = site.get("/broken")
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert "a secret of the shop" in site.log.read_text()
    assert site.get("/healthz").body == b"ok"


def test_headers_about_the_connection_are_not_the_views_to_set(site: Site) -> None:
    answer = site.get("/hop-by-hop")
    assert answer.header("connection") is None
    assert answer.header("x-mine") == "1"
    assert not answer.closed
