"""Name servers that say nothing cost their owner a few threads, and the others none."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from tests.threads import together
from tests.waiting import wait_until
from webhooks import resolving
from webhooks.outbound import check_address
from webhooks.resolving import Busy, Resolvers

PUBLIC = ["93.184.216.34"]


class BlackHole:
    """Answers at once, but for `dead…`, which hang until the test is over."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.over = threading.Event()

    def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        if host.startswith("dead"):
            self.over.wait(30)
        return PUBLIC


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[BlackHole]:
    monkeypatch.setattr(resolving, "TURN_S", 0.2)
    monkeypatch.setattr(resolving, "THREADS", 8)
    servers = BlackHole()
    yield servers
    servers.over.set()


def hang(resolvers: Resolvers, servers: BlackHole, share: str, count: int) -> list[str]:
    """What became of so many questions for names without an answer, at once."""

    async def ask() -> list[BaseException | object]:
        asked = (
            resolvers.look_up(servers, f"dead{number}.example", 443, share=share, total_s=0.1)
            for number in range(count)
        )
        return await asyncio.gather(*asked, return_exceptions=True)

    return [type(outcome).__name__ for outcome in asyncio.run(ask())]


def ask(resolvers: Resolvers, servers: BlackHole, share: str, host: str = "works.example") -> list[str]:
    return list(asyncio.run(resolvers.look_up(servers, host, 443, share=share, total_s=5)))


def test_names_of_one_that_hang_hold_up_nobody_else(servers: BlackHole) -> None:
    resolvers = Resolvers()
    assert sorted(hang(resolvers, servers, "one", 10)) == ["Busy"] * 6 + ["TimeoutError"] * 4
    assert len(servers.asked) == 4
    assert ask(resolvers, servers, "two") == PUBLIC
    with pytest.raises(Busy):  # its threads keep their places for as long as they hang
        ask(resolvers, servers, "one")


def test_without_shares_they_would(servers: BlackHole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "OF_ONE_SHARE", 8)
    resolvers = Resolvers()
    hang(resolvers, servers, "one", 10)
    with pytest.raises(Busy):
        ask(resolvers, servers, "two")


def test_threads_that_return_serve_those_who_wait_and_not_those_who_left(servers: BlackHole) -> None:
    resolvers = Resolvers()
    hang(resolvers, servers, "one", 6)
    servers.over.set()
    wait_until(lambda: ask(resolvers, servers, "one") == PUBLIC, "a thread")
    assert sorted(servers.asked) == [
        "dead0.example",
        *[f"dead{n}.example" for n in (1, 2, 3)],
        "works.example",
    ]


def test_many_at_once_all_get_their_answer(servers: BlackHole, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "TURN_S", 10.0)
    resolvers = Resolvers()
    found = together(40, lambda number: ask(resolvers, servers, f"share {number % 5}"))
    assert found == [PUBLIC] * 40
    assert resolvers._at_work == {}


def test_forms_say_that_they_are_busy_instead_of_holding_a_thread_each(
    servers: BlackHole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhooks.outbound.CONNECT_S", 0.1)

    def save(number: int) -> None:
        check_address(f"https://dead{number}.example/", servers, share="one")

    kinds = sorted(type(outcome).__name__ for outcome in together(6, save))
    assert kinds == ["Refused"] * 4 + ["ResolversBusy"] * 2
    assert len(servers.asked) == 4
    check_address("https://works.example/", servers, share="two")
    servers.over.set()


def test_what_a_resolver_raises_reaches_who_asked(servers: BlackHole) -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    resolvers = Resolvers()
    with pytest.raises(OSError, match="no such name"):
        asyncio.run(resolvers.look_up(nowhere, "nowhere.example", 443, share="one", total_s=5))
    with pytest.raises(OSError, match="no such name"):
        resolvers.look_up_here(nowhere, "nowhere.example", 443, share="one", total_s=5)
    assert resolvers._at_work == {}
