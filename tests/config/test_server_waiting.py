"""Requests that wait are in nobody's way, and notice that their client has left."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.config.conftest import Site, read_answer
from tests.config.server_site import API_THREADS, MAX_WAITING, WEB_THREADS
from tests.waiting import wait_until


@contextmanager
def waiting(
    site: Site, marks: Path, count: int, *, aside: bool = True, path: str = "/wait"
) -> Iterator[list[socket.socket]]:
    """So many requests that wait until `marks`/go is there."""
    with ExitStack() as stack:
        lines = []
        for number in range(count):
            line = stack.enter_context(site.connect())
            target = f"{path}?marks={marks}&number={number}&aside={int(aside)}"
            line.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            wait_until((marks / f"waits-{number}").exists, "the request to wait")
            lines.append(line)
        yield lines


def test_requests_that_wait_leave_their_places_to_others(site: Site, tmp_path: Path) -> None:
    assert MAX_WAITING >= WEB_THREADS
    with waiting(site, tmp_path, MAX_WAITING) as lines:
        assert site.get("/healthz").body == b"ok"
        (tmp_path / "go").touch()
        assert [read_answer(line).body for line in lines] == [b"done"] * MAX_WAITING


def test_requests_at_work_are_as_many_as_before(site: Site, tmp_path: Path) -> None:
    """Without stepping aside they would be in the way, though there are more threads."""
    with waiting(site, tmp_path, WEB_THREADS, aside=False), site.connect() as another:
        another.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        another.settimeout(0.3)
        with pytest.raises(TimeoutError):
            another.recv(1)
        (tmp_path / "go").touch()
        another.settimeout(20)
        assert read_answer(another).body == b"ok"


def test_programs_that_keep_their_turns_delay_others_for_a_moment_only(site: Site, tmp_path: Path) -> None:
    with waiting(site, tmp_path, API_THREADS, aside=False, path="/api/wait") as lines:
        assert site.get("/api/echo").status == 200
        assert site.get("/healthz").body == b"ok"
        (tmp_path / "go").touch()
        assert [read_answer(line).body for line in lines] == [b"done"] * API_THREADS


def test_client_that_leaves_is_noticed_and_was_sent_nothing(site: Site, tmp_path: Path) -> None:
    with waiting(site, tmp_path, 1):
        pass
    wait_until((tmp_path / "left").exists, "the server to notice")
    assert site.get("/healthz").body == b"ok"
    assert not (tmp_path / "sent").exists()


def test_answer_that_was_sent_is_noted(site: Site, tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    with waiting(site, tmp_path, 1) as [line]:
        assert read_answer(line).body == b"done"
    wait_until((tmp_path / "sent").exists, "the answer to be noted")
    assert (tmp_path / "stayed").exists()
